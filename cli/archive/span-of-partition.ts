/** Partitions as spans of time, and how one that is too large for a file is cut. Pure. */
import { LIMITS } from "../../contract/limits.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface Span {
  readonly from: number;
  /** Excluded. */
  readonly to: number;
}

/** "2026-03-01" is a day, "202603" a month, both of UTC. */
export function spanOfPartition(partition: string): Span {
  const month = /^(\d{4})(\d{2})$/.exec(partition);
  if (month === null) {
    const from = Date.parse(`${partition}T00:00:00Z`);
    return { from, to: from + DAY_MS };
  }
  const [year, index] = [Number(month[1]), Number(month[2]) - 1];
  return { from: Date.UTC(year, index, 1), to: Date.UTC(year, index + 1, 1) };
}

/** Spans of at most `rowsMax` rows where hours allow it, side by side over the whole of `span`. */
export function spansOfFiles(
  span: Span,
  hours: readonly { readonly hour: number; readonly rows: number }[],
  rowsMax: number = LIMITS.archiveFileRowsMax,
): Span[] {
  const spans: Span[] = [];
  let from = span.from;
  let sum = 0;
  for (const { hour, rows } of hours) {
    if (sum > 0 && sum + rows > rowsMax) {
      spans.push({ from, to: hour });
      from = hour;
      sum = 0;
    }
    sum += rows;
  }
  return [...spans, { from, to: span.to }];
}
