/** `METRIC (<|>) NUMBER [* baseline] [for N windows]`, as documents declare it (INTERFACES §4). */

export interface Threshold {
  readonly metric: string;
  readonly comparison: "<" | ">";
  readonly number: number;
  readonly ofBaseline: boolean;
  readonly windows: number;
}

const GRAMMAR =
  /^\s*([a-z_]+)\s*([<>])\s*(-?\d+(?:\.\d+)?)\s*(\*\s*baseline)?\s*(?:for\s+(\d+)\s+windows?)?\s*$/;

/** Null for what the grammar does not know. */
export function parseThreshold(text: string): Threshold | null {
  const match = GRAMMAR.exec(text);
  const [, metric, comparison, number, baseline, windows] = match ?? [];
  if (metric === undefined || (comparison !== "<" && comparison !== ">")) return null;
  return {
    metric,
    comparison,
    number: Number(number),
    ofBaseline: baseline !== undefined,
    windows: windows === undefined ? 1 : Number(windows),
  };
}

/** Is one window's value beyond the threshold? False where value or a needed baseline is unknown. */
export function isBeyond(threshold: Threshold, value: number, baseline: number): boolean {
  const limit = threshold.ofBaseline ? threshold.number * baseline : threshold.number;
  if (!Number.isFinite(value) || !Number.isFinite(limit)) return false;
  return threshold.comparison === "<" ? value < limit : value > limit;
}
