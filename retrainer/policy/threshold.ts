/** The threshold trigger: `METRIC (<|>) NUMBER [* baseline] [for N windows]`, parsed once, evaluated on results. */
import { DriftmendError } from "../../contract/driftmend-error.ts";

export interface Threshold {
  readonly text: string;
  readonly metric: string;
  readonly below: boolean;
  readonly factor: number;
  readonly ofBaseline: boolean;
  readonly windows: number;
}

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

const PATTERN =
  /^\s*([a-z_]+)\s*([<>])\s*(-?\d+(?:\.\d+)?)\s*(\*\s*baseline)?\s*(?:for\s+(\d+)\s+windows?)?\s*$/;

/** @throws {DriftmendError} trigger_invalid */
export function parseThreshold(text: string): Threshold {
  const match = PATTERN.exec(text);
  if (match === null) {
    throw new DriftmendError("trigger_invalid", {
      retry: "never",
      message: `Cannot read the trigger "${text}" as METRIC (<|>) NUMBER [* baseline] [for N windows]`,
      next: 'Write it like "skill < 0.9 * baseline for 2 windows" in "retrain.when".',
    });
  }
  const [, metric = "", sign, factor = "", baseline, windows] = match;
  return {
    text: text.trim(),
    metric,
    below: sign === "<",
    factor: Number(factor),
    ofBaseline: baseline !== undefined,
    windows: windows === undefined ? 1 : Math.max(1, Number(windows)),
  };
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
  const { metric, below, factor, ofBaseline, windows } = threshold;
  if (ofBaseline && baseline === null) {
    return {
      fired: false,
      reason: `The baseline of ${metric} is not known: no reference carries labels`,
      numbers: { windows: figures.length },
    };
  }
  const limit = ofBaseline ? factor * (baseline ?? Number.NaN) : factor;
  const last = figures.slice(-windows);
  const crossing = last.filter(({ value }) => (below ? value < limit : value > limit));
  const fired = last.length === windows && crossing.length === windows;
  const newest = last.at(-1)?.value ?? null;
  return {
    fired,
    reason: `${metric} was ${below ? "below" : "above"} ${limit.toFixed(4)} in ${crossing.length} of the last ${windows} window${windows === 1 ? "" : "s"}${newest === null ? "" : ` (newest: ${newest.toFixed(4)})`}`,
    numbers: { limit, newest, baseline, windows: crossing.length, windowsNeeded: windows },
  };
}
