/**
 * How fast the replay goes and how long it still takes, over whole model weeks: each has its midnights that
 * wait and its Monday that waits long, so the figures settle instead of following every wait.
 */
import { formatSpan } from "../../format.ts";

export interface Sample {
  /** Our own clock. */
  readonly atMs: number;
  /** The model's clock. */
  readonly clockMs: number;
  readonly predictions: number;
}

const DAY_MS = 86_400_000;
const SPANS_MODEL_MS = [14 * DAY_MS, 7 * DAY_MS];
/** One midnight at least, else the first guess is far too good. */
const LEFT_FROM_MODEL_MS = 2 * DAY_MS;
const SPEED_FROM_MS = 1_000;
/** Two weeks of hours, and their midnights' second message. */
const SAMPLES_MAX = 500;

/** Samples with the new one, oldest first. */
export const addSample = (samples: readonly Sample[], sample: Sample): readonly Sample[] =>
  [...samples, sample].slice(-SAMPLES_MAX);

/** From when on is measured: two weeks ago, one, or the first sample. */
function baseOf(samples: readonly Sample[], nowMs: number): Sample | undefined {
  for (const spanMs of SPANS_MODEL_MS) {
    const base = samples.findLast(({ clockMs }) => clockMs <= nowMs - spanMs);
    if (base !== undefined) return base;
  }
  return samples[0];
}

/** Predictions a second, waits included; null before there is enough to tell. */
export function predictionsPerSecond(samples: readonly Sample[]): number | null {
  const last = samples.at(-1);
  const base = last === undefined ? undefined : baseOf(samples, last.clockMs);
  if (base === undefined || last === undefined) return null;
  const overMs = last.atMs - base.atMs;
  return overMs < SPEED_FROM_MS ? null : ((last.predictions - base.predictions) / overMs) * 1_000;
}

/** Wall time until the model's clock is `toMs`; null before there is enough to tell. */
export function timeLeftMs(samples: readonly Sample[], toMs: number): number | null {
  const last = samples.at(-1);
  const base = last === undefined ? undefined : baseOf(samples, last.clockMs);
  if (base === undefined || last === undefined) return null;
  const modelMs = last.clockMs - base.clockMs;
  if (modelMs < LEFT_FROM_MODEL_MS) return null;
  return (Math.max(0, toMs - last.clockMs) / modelMs) * (last.atMs - base.atMs);
}

/** "about 3 min left", "about 40 s left", "a few seconds left": no more digits than the guess is good for. */
export function formatLeft(leftMs: number): string {
  if (leftMs < 10_000) return "a few seconds left";
  if (leftMs < 90_000) return `about ${Math.round(leftMs / 10_000) * 10} s left`;
  if (leftMs < 5_400_000) return `about ${Math.round(leftMs / 60_000)} min left`;
  return `about ${formatSpan(leftMs)} left`;
}
