/**
 * How implausible an interval's count is, given what the same interval of past weeks carried.
 * Traffic is overdispersed, so a Poisson tail would page on every quiet night: the dispersion is
 * learnt.
 */
import { regularizedBeta } from "./incomplete-beta.ts";

/**
 * Counts of the same interval of the week (say Wednesday 18:00–18:20) in past weeks, oldest first.
 */
export type SlotHistory = readonly number[];

/**
 * The relative variance of traffic beyond Poisson: Var = μ + φ μ². Pooled over slots, since one
 * slot of a few weeks knows little: φ = Σ(s² − m) / Σ m², each slot by its own mean. Busy slots
 * carry most of the weight, and summer time or a new timetable make the next week differ more than
 * the last ones did: a floor of 0.05 keeps quiet nights quiet and costs nothing at busy hours.
 * @param slots slots with fewer than two weeks are left out
 * @param dispersionMin the least that is answered, also where nothing is known; default 0
 */
export function learnDispersion(slots: readonly SlotHistory[], dispersionMin: number = 0): number {
  let excess = 0;
  let squares = 0;
  for (const slot of slots) {
    if (slot.length < 2) {
      continue;
    }
    const mean = slot.reduce((total, count) => total + count, 0) / slot.length;
    const variance =
      slot.reduce((total, count) => total + (count - mean) ** 2, 0) / (slot.length - 1);
    excess += variance - mean;
    // m² of few weeks is too large by its own variance.
    squares += Math.max(0, mean * mean - variance / slot.length);
  }
  return squares > 0 ? Math.max(dispersionMin, excess / squares) : dispersionMin;
}

export interface TrafficPlausibility {
  /** Mean of the past weeks. */
  readonly expected: number;
  /** P(count or fewer) of the next one. */
  readonly pValue: number;
  /**
   * Relative variance beyond Poisson that was used: of traffic, and of a mean known from few weeks.
   */
  readonly dispersion: number;
  readonly weeks: number;
}

/**
 * P(X <= count) for the interval now, X negative binomial around the mean of the past weeks.
 * The mean of K weeks is uncertain: φ grows to φ(1 + 1/K) + 1/(sum + ½).
 * @param count events seen; 0 for silence   @param history the same interval of past weeks
 * @param dispersion φ of learnDispersion
 * @returns p = 1 where there is no history: silence cannot surprise whom nobody told what to expect
 */
export function trafficPlausibility(
  count: number,
  history: SlotHistory,
  dispersion: number,
): TrafficPlausibility {
  const weeks = history.length;
  const sum = history.reduce((total, value) => total + value, 0);
  if (weeks === 0 || sum === 0) {
    return { expected: 0, pValue: 1, dispersion, weeks };
  }
  const expected = sum / weeks;
  const wide = dispersion * (1 + 1 / weeks) + 1 / (sum + 0.5);
  const size = 1 / wide;
  // P(X <= k) = I_q(size, k + 1) with q = size / (size + mean).
  const q = size / (size + expected);
  const pValue = regularizedBeta(q, size, Math.floor(count) + 1, expected / (size + expected));
  return { expected, pValue, dispersion: wide, weeks };
}
