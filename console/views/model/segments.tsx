/** The newest closed week by segment: which rows the model serves worse, with intervals on one scale. */
import type { PerformanceView } from "../../../contract/views.ts";
import { SECONDS, useLive } from "../../api/live.ts";
import { ForestMark } from "../../charts/forest.tsx";
import { formatSpan } from "../../format/times.ts";
import { Figure, Labelled, Part } from "../../parts/figures.tsx";
import { Empty, Show } from "../../parts/states.tsx";
import { apiOf } from "../../route.ts";
import { type SegmentRow, newestSegments, rangeOf } from "../../view-models/segments.ts";
import type { Looked } from "../model.tsx";

const WEEKS_LOOKED = 3;
const WEEK_MS = 7 * 86_400_000;

export function SegmentsPart({ looked }: { readonly looked: Looked }) {
  const { model, toMs } = looked;
  const hour = (ms: number): string =>
    new Date(ms).toISOString().replace(/:\d\d:\d\d\..*/, ":00:00Z");
  const live = useLive<PerformanceView>(
    `${apiOf(model.model)}/performance?grain=week&scope=segments&from=${hour(toMs - WEEKS_LOOKED * WEEK_MS)}&to=${hour(toMs)}`,
    SECONDS.seldom,
    looked.analyzed,
  );
  return (
    <Part id="segments" title="Segments">
      <Show live={live} what="the segments">
        {({ realised }) => <Segments rows={newestSegments(realised)} looked={looked} />}
      </Show>
    </Part>
  );
}

function Segments(props: { readonly rows: readonly SegmentRow[]; readonly looked: Looked }) {
  const { rows, looked } = props;
  const [first] = rows;
  if (first === undefined) {
    return (
      <Empty title="No closed week has figures by segment">
        <p>
          The document's <code>segments</code> name the tags by which rows are told apart.
        </p>
      </Empty>
    );
  }
  const ends = (metric: string) =>
    rangeOf(rows.flatMap(({ window }) => Object.values(window.metrics[metric] ?? {})));
  const ranges = { skill: ends("skill"), calibration: ends("calibration") };
  const { figures } = looked.model;
  return (
    <>
      <p class="sample num">
        Week {formatSpan(first.window.from, first.window.to)}, least skill first. The vertical line
        is all rows, the thin one 0.
      </p>
      <div class="scroll" tabIndex={0} role="group" aria-label="Figures by segment">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Segment</th>
              <th scope="col" colSpan={2}>
                Skill
              </th>
              <th scope="col" colSpan={2}>
                Calibration
              </th>
              <th scope="col">Labels</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, window }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {(["skill", "calibration"] as const).map((metric) => (
                  <SegmentFigure
                    key={metric}
                    of={window.metrics[metric]}
                    range={ranges[metric]}
                    level={figures[metric]?.value ?? null}
                  />
                ))}
                <td>
                  <Labelled {...window} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function SegmentFigure(props: {
  readonly of: SegmentRow["window"]["metrics"][string] | undefined;
  readonly range: readonly [number, number];
  readonly level: number | null;
}) {
  return (
    <>
      <td class="forest-cell">
        {props.of !== undefined && (
          <ForestMark of={props.of} range={props.range} level={props.level} />
        )}
      </td>
      <td>
        <Figure of={props.of} />
      </td>
    </>
  );
}
