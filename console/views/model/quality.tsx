/** Quality of the inputs in the last day: missing values, values out of range, categories nobody knows. */
import type { QualityView } from "../../../contract/views.ts";
import { SECONDS, useLive } from "../../api/live.ts";
import { formatCount, formatShare } from "../../format/numbers.ts";
import { formatSpan } from "../../format/times.ts";
import { Badge, Part } from "../../parts/figures.tsx";
import { ShareFigure } from "../../parts/share-figure.tsx";
import { Empty, Show } from "../../parts/states.tsx";
import { apiOf } from "../../route.ts";
import type { Looked } from "../model.tsx";

const DAY_MS = 86_400_000;
const NAMES = {
  missing: "missing",
  range: "out of the declared range",
  "new-categories": "unknown category",
} as const;

export function QualityPart({ looked }: { readonly looked: Looked }) {
  const { model, toMs } = looked;
  const endMs = Math.floor(toMs / DAY_MS) * DAY_MS;
  const live = useLive<QualityView>(
    `${apiOf(model.model)}/quality?from=${new Date(endMs - DAY_MS).toISOString()}&to=${new Date(endMs).toISOString()}`,
    SECONDS.seldom,
  );
  return (
    <Part
      id="quality"
      title="Quality of the inputs"
      about="Rows of the last whole day whose value is missing, out of range or unknown, beside the share that is usual in the reference."
    >
      <Show live={live} what="quality">
        {(quality) => <Quality quality={quality} />}
      </Show>
    </Part>
  );
}

function Quality({ quality }: { readonly quality: QualityView }) {
  const rows = quality.features
    .flatMap(({ feature, checks }) => checks.map((check) => ({ feature, ...check })))
    .sort((a, b) => Number(b.breach) - Number(a.breach) || b.share - b.usual - (a.share - a.usual));
  if (rows.length === 0) {
    return (
      <Empty title={`No rows on ${formatSpan(quality.from, quality.to)}, or no reference yet`} />
    );
  }
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Quality by feature">
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">Feature</th>
            <th scope="col">Rows with</th>
            <th scope="col">Share</th>
            <th scope="col" class="right">
              Usual
            </th>
            <th scope="col" class="right">
              Rows
            </th>
            <th scope="col">Verdict</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.feature}/${row.check}`}>
              <th scope="row">{row.feature}</th>
              <td>{NAMES[row.check]}</td>
              <td>
                <ShareFigure part={Math.round(row.share * row.rows)} whole={row.rows} />
              </td>
              <td class="right num">{formatShare(row.usual)}</td>
              <td class="right num">{formatCount(row.rows)}</td>
              <td>
                <Badge tone={row.breach ? "bad" : "plain"}>
                  {row.breach ? "breach" : "as usual"}
                </Badge>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
