/** The time line: skill, calibration and log-loss on one axis, with what happened beside them in lanes above. */
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { AlertView } from "../../../contract/alert.ts";
import type {
  ChangesView,
  PerformanceView,
  RunsView,
  VersionsView,
} from "../../../contract/views.ts";
import { type Live, SECONDS, useLive } from "../../api/live.ts";
import { MarkLanes } from "../../charts/mark-lanes.tsx";
import { Plot, type PlotShape } from "../../charts/plot.tsx";
import { formatFixed, formatShare } from "../../format/numbers.ts";
import { formatSpan } from "../../format/times.ts";
import { Figure, Labelled, Part } from "../../parts/figures.tsx";
import { Empty, Show } from "../../parts/states.tsx";
import { apiOf } from "../../route.ts";
import { marksOf } from "../../view-models/marks.ts";
import {
  type Panel,
  type PanelData,
  type Point,
  immatureSpans,
  panelData,
  panelsOf,
} from "../../view-models/time-line.ts";
import type { Looked } from "../model.tsx";

const WEEK_MS = 7 * 86_400_000;

export function TimeLinePart(props: {
  readonly looked: Looked;
  readonly performance: Live<PerformanceView>;
  readonly choices: ComponentChildren;
}) {
  return (
    <Part
      id="time-line"
      title="Time line"
      end={props.choices}
      about={
        <>
          <span class="key realised">realised</span> from labels,{" "}
          <span class="key estimated">estimated</span> from the scores alone, each with its band (95
          % by days; three standard errors). <span class="key shade">Grey</span>: too few labels
          yet.
        </>
      }
    >
      <Show live={props.performance} what="the time line">
        {(data) => <Panels looked={props.looked} performance={data} />}
      </Show>
    </Part>
  );
}

const iso = (ms: number): string => new Date(ms).toISOString();
/** The same address for an hour: what is asked again must be what was asked before. */
const hourly = (span: string): string => span.replace(/:\d\d:\d\d\.\d\d\dZ/g, ":00:00.000Z");

function Panels(props: { readonly looked: Looked; readonly performance: PerformanceView }) {
  const { looked, performance } = props;
  const [cursor, setCursor] = useState<number | null>(null);
  const span = useMemo(
    () => spanOf(looked, performance),
    [looked.fromMs, looked.toMs, performance],
  );
  const panels = useMemo(() => panelsOf(performance), [performance]);
  const marks = useMarks(looked, span);
  if (performance.realised.length === 0 && performance.estimated.length === 0) {
    return (
      <Empty title="No window of this length has been evaluated in this span">
        <p>
          A window is evaluated when it has closed. Realised figures need labels: post them to the
          agent, or see docs/capture.md.
        </p>
      </Empty>
    );
  }
  return (
    <div class="panels" onMouseLeave={() => setCursor(null)}>
      <MarkLanes marks={marks} span={span} />
      {panels.map((panel) => (
        <PanelChart
          key={panel.id}
          panel={panel}
          span={span}
          moments={marks
            .filter(({ lane, tone }) => lane === "Runs" && tone === "good")
            .map(({ toMs }) => toMs)}
          group={looked.model.model}
          cursor={cursor}
          setCursor={setCursor}
        />
      ))}
      <FiguresTable panels={panels} />
    </div>
  );
}

/** As far as anything is known: a model of six weeks is not drawn on the right edge of a year. */
function spanOf(looked: Looked, performance: PerformanceView) {
  const starts = [...performance.realised, ...performance.estimated].map(({ from }) =>
    Date.parse(from),
  );
  const first = starts.length === 0 ? looked.fromMs : Math.min(...starts);
  const fromMs = Math.max(looked.fromMs, Math.min(first, looked.toMs - 4 * WEEK_MS));
  return { fromMs, toMs: looked.toMs };
}

function useMarks(looked: Looked, span: { readonly fromMs: number; readonly toMs: number }) {
  const name = encodeURIComponent(looked.model.model);
  const api = apiOf(looked.model.model);
  const alerts = useLive<{ alerts: AlertView[] }>(
    `/api/v1/alerts?model=${name}`,
    SECONDS.sometimes,
  );
  const runs = useLive<RunsView>(`${api}/runs`, SECONDS.sometimes);
  const versions = useLive<VersionsView>(`${api}/versions`, SECONDS.sometimes);
  const changes = useLive<ChangesView>(
    `/api/v1/changes?model=${name}&${hourly(`from=${iso(looked.fromMs)}&to=${iso(looked.toMs)}`)}`,
    SECONDS.seldom,
  );
  return useMemo(
    () =>
      marksOf(
        {
          alerts: dataOf(alerts)?.alerts ?? [],
          runs: dataOf(runs)?.runs ?? [],
          versions: dataOf(versions)?.versions ?? [],
          changes: dataOf(changes)?.changes ?? [],
        },
        span,
      ),
    [alerts, runs, versions, changes, span],
  );
}

const dataOf = <T,>(live: Live<T>): T | null =>
  live.status === "ready" || live.status === "stale" ? live.data : null;

function PanelChart(props: {
  readonly panel: Panel;
  readonly span: { readonly fromMs: number; readonly toMs: number };
  readonly moments: readonly number[];
  readonly group: string;
  readonly cursor: number | null;
  readonly setCursor: (index: number | null) => void;
}) {
  const { panel, span, cursor } = props;
  const moments = JSON.stringify(props.moments);
  const data = useMemo(() => panelData(panel), [panel]);
  const shape = useMemo(
    () => shapeOf(panel, data, span, JSON.parse(moments) as number[]),
    [panel, data, span, moments],
  );
  const shown = cursor ?? lastKnown(data);
  return (
    <figure class="panel">
      <figcaption>
        <h3 title={panel.hint}>{panel.title}</h3>
        <Readout at={shown === null ? undefined : data.at[shown]} live={cursor !== null} />
      </figcaption>
      <Plot
        shape={shape}
        height={panel.id === "log_loss" ? 120 : 150}
        label={`${panel.title} over time. ${panel.hint}`}
        group={props.group}
        onCursor={props.setCursor}
      />
    </figure>
  );
}

function lastKnown(data: PanelData): number | null {
  const last = data.at.findLastIndex(({ realised }) => realised?.mature === true);
  return last < 0 ? (data.at.length > 0 ? data.at.length - 1 : null) : last;
}

function Readout(props: {
  readonly at: PanelData["at"][number] | undefined;
  readonly live: boolean;
}) {
  const { at } = props;
  if (at === undefined) return <p class="readout">no figures yet</p>;
  const window = at.realised ?? at.estimated;
  return (
    <p class="readout" aria-live={props.live ? "polite" : "off"}>
      <strong class="num">{window === null ? "" : formatSpan(window.fromMs, window.toMs)}</strong>
      {at.realised !== null && (
        <span>
          <span class={at.realised.mature ? "key realised" : "key immature"}>
            {at.realised.mature ? "realised" : "immature"}
          </span>{" "}
          <Figure of={at.realised} /> <Labelled {...at.realised} />
        </span>
      )}
      {at.estimated?.value != null && (
        <span>
          <span class="key estimated">estimated</span> <Figure of={at.estimated} />
        </span>
      )}
    </p>
  );
}

function shapeOf(
  panel: Panel,
  data: PanelData,
  span: PlotShape["span"],
  moments: readonly number[],
): PlotShape {
  const [estimatedLower, estimatedUpper, estimated, lower, upper, mature, immature] = data.columns;
  const column = (values: PanelData["columns"][number] | undefined) => values ?? [];
  return {
    times: data.times,
    span,
    moments,
    shaded: immatureSpans(panel.realised),
    level: panel.level?.value ?? null,
    bands: [
      {
        lower: column(estimatedLower),
        upper: column(estimatedUpper),
        colour: "--estimated-band",
      },
      { lower: column(lower), upper: column(upper), colour: "--realised-band" },
    ],
    lines: [
      { values: column(estimated), colour: "--estimated", width: 1.5, dash: [5, 4] },
      { values: column(immature), colour: "--immature", width: 1.5, points: true },
      { values: column(mature), colour: "--realised", width: 2, points: true },
    ],
    formatY: (value) => formatFixed(value, 2),
  };
}

function FiguresTable({ panels }: { readonly panels: readonly Panel[] }) {
  const [skill, calibration, loss] = panels;
  const rows = (skill?.realised ?? []).toReversed();
  const find = (panel: Panel | undefined, point: Point): Point | undefined =>
    panel?.realised.find(({ window }) => window === point.window);
  return (
    <details class="numbers">
      <summary>The same in numbers</summary>
      <div class="scroll" tabIndex={0} role="group" aria-label="Figures of every window">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Window</th>
              <th scope="col">Skill</th>
              <th scope="col">Calibration</th>
              <th scope="col">Log-loss</th>
              <th scope="col">Estimated skill</th>
              <th scope="col">Labels</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((point) => (
              <tr key={point.window} class={point.mature ? "" : "immature-row"}>
                <th scope="row" class="num">
                  {formatSpan(point.fromMs, point.toMs)}
                </th>
                <td>
                  <Figure of={point} />
                </td>
                <td>
                  <Figure of={find(calibration, point)} />
                </td>
                <td>
                  <Figure of={find(loss, point)} decimals={4} />
                </td>
                <td>
                  <Figure of={skill?.estimated.find(({ window }) => window === point.window)} />
                </td>
                <td class="num">
                  {formatShare(point.predictions === 0 ? null : point.labelled / point.predictions)}
                  {point.mature ? "" : ", immature"}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
