/** The threshold trigger, evaluated on the results of windows. */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { type Threshold, isBeyond, limitOf, parseThreshold } from "../../contract/threshold.ts";

/** One window's figure, as the analyzer stored it. */
export interface WindowFigure {
  readonly fromMs: number;
  readonly toMs: number;
  readonly value: number;
  readonly n: number;
  readonly labelled: number;
}

export interface ThresholdResult {
  readonly fired: boolean;
  readonly reason: string;
  readonly numbers: Readonly<Record<string, number | string | null>>;
}

/** @throws {DriftmendError} trigger_invalid */
export function readTrigger(text: string): Threshold {
  const threshold = parseThreshold(text);
  if (threshold !== null) return threshold;
  throw new DriftmendError("trigger_invalid", {
    retry: "never",
    message: `Cannot read the trigger "${text}" as METRIC (<|>) NUMBER [* baseline] [for N windows]`,
    next: 'Write it like "skill < 0.9 * baseline for 2 windows" in "retrain.when".',
  });
}

/**
 * Fires when the last N windows all cross the limit.
 * @param figures oldest first
 * @param baseline the metric on the reference; null where it is not known
 */
export function evaluateThreshold(
  threshold: Threshold,
  figures: readonly WindowFigure[],
  baseline: number | null,
): ThresholdResult {
  const { metric, comparison, ofBaseline, windows } = threshold;
  if (ofBaseline && baseline === null) {
    return {
      fired: false,
      reason: `The baseline of ${metric} is not known: no reference carries labels`,
      numbers: { windows: figures.length },
    };
  }
  const base = baseline ?? Number.NaN;
  const limit = limitOf(threshold, base);
  const last = figures.slice(-windows);
  const crossing = last.filter(({ value }) => isBeyond(threshold, value, base));
  const fired = last.length === windows && crossing.length === windows;
  const newest = last.at(-1)?.value ?? null;
  return {
    fired,
    reason: `${metric} was ${comparison === "<" ? "below" : "above"} ${limit.toFixed(4)} in ${crossing.length} of the last ${windows} window${windows === 1 ? "" : "s"}${newest === null ? "" : ` (newest: ${newest.toFixed(4)})`}`,
    numbers: { limit, newest, baseline, windows: crossing.length, windowsNeeded: windows },
  };
}
