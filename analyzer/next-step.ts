/**
 * What of a model is evaluated next. Minutes are judged as soon as they are stored: a server that fails is
 * told of now, however late its labels may be. A day waits for `labels.lateness`. Pure: the order of steps,
 * and so every result, follows from model time alone, however often and late watermarks come.
 */
import { DAY_MS, MINUTE_MS, startOfDay } from "../contract/window.ts";

/** How far a model is evaluated, in model time. */
export interface Progress {
  /** Rules on minutes: errors and latency; silence and volume wait for late events (stages/minutes.ts). */
  readonly minutesMs: number;
  /** Days, and the weeks that end with them. */
  readonly windowsMs: number;
}

/** Up to where either may be evaluated now. */
export type Goal = Progress;

export interface Step {
  readonly minutesToMs: number;
  /** The day to be closed after these minutes. */
  readonly dayEndMs: number | null;
  /** How far all is, once it is taken. */
  readonly after: Progress;
}

/** Exporters send in batches, some seconds old: what minutes wait for them at most. */
const MINUTES_WAIT_MS_MAX = MINUTE_MS;

export const minutesWaitMs = (latenessMs: number): number =>
  Math.min(latenessMs, MINUTES_WAIT_MS_MAX);

export function goalOf(watermarkMs: number, latenessMs: number): Goal {
  return {
    minutesMs: watermarkMs - minutesWaitMs(latenessMs),
    windowsMs: watermarkMs - latenessMs,
  };
}

/** The next step, within one day of minutes; null when all is evaluated that may be. */
export function nextStep(progress: Progress, goal: Goal, latenessMs: number): Step | null {
  const dayEndMs = startOfDay(progress.windowsMs) + DAY_MS;
  // The minutes that are over when the day may be closed come before it.
  const minutesFirstMs = dayEndMs + latenessMs - minutesWaitMs(latenessMs);
  const minutesToMs = Math.max(
    progress.minutesMs,
    Math.min(goal.minutesMs, minutesFirstMs, startOfDay(progress.minutesMs) + DAY_MS),
  );
  const closes = goal.windowsMs >= dayEndMs && minutesToMs >= minutesFirstMs;
  const openMs = Math.min(goal.windowsMs, dayEndMs - 1);
  const windowsMs = closes ? dayEndMs : Math.max(progress.windowsMs, openMs);
  if (!closes && minutesToMs === progress.minutesMs) return null;
  return {
    minutesToMs,
    dayEndMs: closes ? dayEndMs : null,
    after: { minutesMs: minutesToMs, windowsMs },
  };
}
