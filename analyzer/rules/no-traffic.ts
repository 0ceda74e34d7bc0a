/**
 * No traffic: silence that the same hours of past weeks make implausible. What counts is not how long it
 * lasts but how many requests such a span usually carries, and how much that number varies: the quiet
 * half hour of every night is no alert, two minutes at the peak may be.
 */
import { chanceText } from "../alerts/p-value-text.ts";

export const SLOT_MS = 5 * 60_000;

/**
 * Requests per 5-minute slot of one past week, aligned so that index 0 is `firstSlotMs` moved back by
 * whole weeks; it covers the day in question with a margin of two hours on both sides.
 */
export interface WeekProfile {
  readonly weeksAgo: number;
  readonly slots: ArrayLike<number>;
}

export interface TrafficProfile {
  /** Model time of slot 0 in the present week. */
  readonly firstSlotMs: number;
  readonly weeks: readonly WeekProfile[];
}

export interface SilenceVerdict {
  readonly breach: boolean;
  readonly silentMs: number;
  /** Requests that such a span usually carries. */
  readonly expected: number;
  /** Chance of none at all. */
  readonly pValue: number;
  readonly weeks: number;
  readonly reason: string;
}

/** Chance below which silence is a breach; 288 evaluations a day, most of them of the same silence. */
const P_MAX = 1e-6;
/** One week, perhaps of a trial, does not say what is usual. */
const WEEKS_MIN = 2;
/** The neighbouring hours count too: clocks change, and a timetable moves by an hour with them. */
const SHIFTS_MS = [-3_600_000, 0, 3_600_000] as const;
/**
 * What is believed of the variation before it is seen: a coefficient of variation of one half, worth
 * four weeks of history.
 */
const PRIOR_VARIATION = 0.5;
const PRIOR_WEEKS = 4;

/**
 * @param fromMs end of the minute that had the last request
 * @param toMs now, in model time
 * @param silentMinMs shorter silence is none, whatever was expected
 */
export function judgeSilence(
  profile: TrafficProfile,
  fromMs: number,
  toMs: number,
  silentMinMs = 2 * SLOT_MS,
): SilenceVerdict {
  const silentMs = Math.max(0, toMs - fromMs);
  const candidates = SHIFTS_MS.map((shift) => expectation(profile, fromMs + shift, toMs + shift));
  const quietest = candidates.reduce((a, b) => (b.pValue > a.pValue ? b : a));
  const minutes = Math.round(silentMs / 60_000);
  return {
    breach: silentMs >= silentMinMs && profile.weeks.length >= WEEKS_MIN && quietest.pValue < P_MAX,
    silentMs,
    expected: quietest.mean,
    pValue: quietest.pValue,
    weeks: profile.weeks.length,
    reason: `the same ${minutes} minutes of ${profile.weeks.length} past weeks carried ${quietest.mean.toFixed(1)} requests each (chance of none ${chanceText(quietest.pValue)})`,
  };
}

interface Expectation {
  readonly mean: number;
  readonly pValue: number;
}

function expectation(profile: TrafficProfile, fromMs: number, toMs: number): Expectation {
  const counts = profile.weeks.map((week) => countIn(profile, week, fromMs, toMs));
  if (counts.length === 0) return { mean: 0, pValue: 1 };
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return { mean, pValue: chanceOfNone(mean, variationOf(counts, mean)) };
}

/** Requests of a span in a past week; slots that the span cuts count by the part that it covers. */
function countIn(profile: TrafficProfile, week: WeekProfile, fromMs: number, toMs: number): number {
  const first = Math.max(0, Math.floor((fromMs - profile.firstSlotMs) / SLOT_MS));
  const last = Math.min(week.slots.length, Math.ceil((toMs - profile.firstSlotMs) / SLOT_MS));
  let count = 0;
  for (let slot = first; slot < last; slot++) {
    const startMs = profile.firstSlotMs + slot * SLOT_MS;
    const covered = Math.min(toMs, startMs + SLOT_MS) - Math.max(fromMs, startMs);
    count += (week.slots[slot] ?? 0) * (covered / SLOT_MS);
  }
  return count;
}

/** Squared coefficient of variation beyond Poisson, shrunk to what is believed beforehand. */
function variationOf(counts: readonly number[], mean: number): number {
  const squares = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0);
  const seen = Math.max(0, squares - mean * (counts.length - 1)) / mean ** 2;
  const degrees = counts.length - 1;
  return ((mean > 0 ? seen : 0) + PRIOR_WEEKS * PRIOR_VARIATION ** 2) / (degrees + PRIOR_WEEKS);
}

/** P(0) of a negative binomial with this mean and squared coefficient of variation. */
function chanceOfNone(mean: number, variation: number): number {
  return variation <= 1e-9 ? Math.exp(-mean) : (1 + mean * variation) ** (-1 / variation);
}
