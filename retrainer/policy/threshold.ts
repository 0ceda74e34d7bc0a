/** The threshold trigger, evaluated on the results of windows. */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { type LabelCounts, coverageOf, immatureLabels } from "../../contract/label-coverage.ts";
import { type Threshold, isBeyond, limitOf, parseThreshold } from "../../contract/threshold.ts";
import { finite, showTime } from "../show.ts";
import type { Finding } from "./decide.ts";

/** One window's figure, as the analyzer stored it; `n` counts predictions, labelled or not. */
export interface WindowFigure {
  readonly fromMs: number;
  readonly toMs: number;
  readonly value: number;
  readonly n: number;
  readonly labelled: number;
  /** Of the predictions those whose outcome is never seen; none where it is left out. */
  readonly censored?: number;
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
 * A run is due when the last N windows all cross the limit, each with enough labels to tell.
 * @param figures oldest first
 * @param baseline the metric on the reference; null where it is not known
 */
export function thresholdFindingOf(
  threshold: Threshold,
  figures: readonly WindowFigure[],
  baseline: number | null,
): Finding {
  const { metric, comparison, ofBaseline, windows } = threshold;
  const last = figures.slice(-windows);
  const coverage = Math.min(...last.map(countsOf).map(coverageOf));
  const unable = (reason: string): Finding => ({
    kind: "unable",
    reason,
    numbers: { windows: figures.length, coverage: finite(coverage) },
  });
  if (ofBaseline && baseline === null) {
    return unable(`The baseline of ${metric} is not known: no reference carries labels`);
  }
  for (const window of last) {
    const of = `the window ${showTime(window.fromMs)} to ${showTime(window.toMs)}`;
    const immature = immatureLabels(countsOf(window), of);
    if (immature !== null) return unable(`${immature}, so its ${metric} starts nothing`);
  }
  const base = baseline ?? Number.NaN;
  const limit = limitOf(threshold, base);
  const crossing = last.filter(({ value }) => isBeyond(threshold, value, base)).length;
  const newest = last.at(-1)?.value ?? null;
  const side = comparison === "<" ? "below" : "above";
  const shown = newest === null ? "" : ` (newest: ${newest.toFixed(4)})`;
  return {
    kind: "found",
    due: last.length === windows && crossing === windows,
    reason: `${metric} was ${side} ${limit.toFixed(4)} in ${crossing} of the last ${windows} window${windows === 1 ? "" : "s"}${shown}`,
    numbers: {
      limit,
      newest,
      baseline,
      windows: crossing,
      windowsNeeded: windows,
      coverage: finite(coverage),
    },
    recalibrationShare: null,
  };
}

const countsOf = ({ n, labelled, censored = 0 }: WindowFigure): LabelCounts => ({
  predictions: n,
  labelled,
  censored,
});
