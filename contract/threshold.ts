/**
 * `METRIC (<|>) NUMBER [* baseline] [for N windows]`, as documents declare it in `retrain.when` (INTERFACES
 * §4): one reading for who alerts on it and who starts runs on it.
 */

export interface Threshold {
  /** As declared, without white space around it. */
  readonly text: string;
  readonly metric: string;
  readonly comparison: "<" | ">";
  readonly number: number;
  readonly ofBaseline: boolean;
  /** At least 1. */
  readonly windows: number;
}

const GRAMMAR =
  /^\s*([a-z_]+)\s*([<>])\s*(-?\d+(?:\.\d+)?)\s*(\*\s*baseline)?\s*(?:for\s+(\d+)\s+windows?)?\s*$/;

/** Null for what the grammar does not know. */
export function parseThreshold(text: string): Threshold | null {
  const [, metric, comparison, number, baseline, windows] = GRAMMAR.exec(text) ?? [];
  if (metric === undefined || (comparison !== "<" && comparison !== ">")) return null;
  return {
    text: text.trim(),
    metric,
    comparison,
    number: Number(number),
    ofBaseline: baseline !== undefined,
    windows: windows === undefined ? 1 : Math.max(1, Number(windows)),
  };
}

/** What values are compared with; NaN where a needed baseline is unknown. */
export const limitOf = (threshold: Threshold, baseline: number): number =>
  threshold.ofBaseline ? threshold.number * baseline : threshold.number;

/** Is one window's value beyond the threshold? False where value or a needed baseline is unknown. */
export function isBeyond(threshold: Threshold, value: number, baseline: number): boolean {
  const limit = limitOf(threshold, baseline);
  if (!Number.isFinite(value) || !Number.isFinite(limit)) return false;
  return threshold.comparison === "<" ? value < limit : value > limit;
}
