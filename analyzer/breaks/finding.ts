/** A data break as the finding that users and the retrainer read (contract/alert.ts). */
import type { BrokenColumn, DataBreakFinding } from "../../contract/alert.ts";
import type { OpenBreak } from "./track-breaks.ts";

export function findingOf(entry: OpenBreak, isClosed: boolean): DataBreakFinding {
  const factor = entry.details.find(({ change }) => change === "factor");
  const shift = entry.details.find(({ change }) => change === "shift");
  return {
    kind: "data-break",
    cause: "data",
    columns: entry.columns,
    factor: factor?.change === "factor" ? factor.factor : null,
    shift: shift?.change === "shift" ? shift.shift : null,
    details: [...entry.details],
    segment: entry.tag === "" ? null : { tag: entry.tag, values: entry.values },
    from: new Date(entry.fromMs).toISOString(),
    to: isClosed ? new Date(entry.brokenToMs).toISOString() : null,
    rows: entry.rows,
    reason: reasonOf(entry),
  };
}

/** One sentence: who sends what wrongly. */
export function reasonOf(entry: OpenBreak): string {
  const who = entry.tag === "" ? "All rows" : `${entry.tag} ${entry.values.join(", ")}`;
  const what = entry.details.length === 0 ? entry.columns : entry.details.map(describeColumn);
  return `${who}: ${what.join("; ")}`;
}

function describeColumn(detail: BrokenColumn): string {
  switch (detail.change) {
    case "factor":
      return `${detail.column} is ${Number(detail.factor.toPrecision(5))} times what it should be`;
    case "shift": {
      const { median, min, max, by, period } = detail.shift;
      const around = period === null ? "" : ` (of ${period})`;
      const range = min === max ? "" : `, ${min} to ${max} by ${by ?? "rows"}`;
      return `${detail.column} is shifted by ${Number(median.toPrecision(6))}${around}${range}`;
    }
    case "other":
      return `${detail.column}: ${detail.text}`;
  }
}
