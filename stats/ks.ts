/**
 * The two-sample Kolmogorov–Smirnov statistic, exact from sorted samples and bounded from counts.
 * Invariant: runs of ties are stepped over whole in both samples, or D is overstated on discrete
 * data.
 */
import { countTotals } from "./count-totals.ts";
import { kolmogorovSurvival } from "./kolmogorov.ts";

/**
 * The largest gap between the two empirical distribution functions.
 * @param a sorted ascending, finite, length n >= 1   @param b likewise, length m >= 1
 * @returns D in [0, 1]; 0 when both samples have the same empirical distribution function
 * @throws {RangeError} if either sample is empty
 * @see Hodges (1958), Ark. Mat. 3; equals scipy.stats.ks_2samp(a, b).statistic
 */
export function ksStatistic(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length;
  const m = b.length;
  if (n === 0 || m === 0) {
    throw new RangeError(`Cannot compare two samples: they have ${n} and ${m} values`);
  }
  let i = 0;
  let j = 0;
  let gap = 0;
  while (i < n && j < m) {
    const value = Math.min(a[i]!, b[j]!);
    while (i < n && a[i]! <= value) {
      i++;
    }
    while (j < m && b[j]! <= value) {
      j++;
    }
    gap = Math.max(gap, Math.abs(i / n - j / m));
  }
  return gap;
}

export interface KsBound {
  /** The gap at the borders of cells: the least that the exact D can be. */
  readonly lower: number;
  /** The most that it can be, were the samples apart inside one cell. */
  readonly upper: number;
}

/**
 * Bounds of D from counts of the same ordered cells.
 * @param a counts per cell, cells ascending   @param b likewise, same cells
 * @returns lower <= D <= upper; NaN where a sample is empty
 * @throws {RangeError} if the cells do not align
 */
export function ksFromCounts(a: ArrayLike<number>, b: ArrayLike<number>): KsBound {
  const totals = countTotals(a, b);
  if (totals.a === 0 || totals.b === 0) {
    return { lower: Number.NaN, upper: Number.NaN };
  }
  let lower = 0;
  let upper = 0;
  let sumA = 0;
  let sumB = 0;
  for (let i = 0; i < a.length; i++) {
    const beforeA = sumA / totals.a;
    const beforeB = sumB / totals.b;
    sumA += a[i]!;
    sumB += b[i]!;
    const afterA = sumA / totals.a;
    const afterB = sumB / totals.b;
    lower = Math.max(lower, Math.abs(afterA - afterB));
    // Inside the cell either may be complete before the other begins.
    upper = Math.max(upper, afterA - beforeB, afterB - beforeA);
  }
  return { lower: Math.min(1, lower), upper: Math.min(1, upper) };
}

/**
 * Asymptotic p-value of D with Stephens' correction for small samples. Conservative on ties, so on
 * cells.
 * @param d statistic   @param n rows of one sample (effective ones)   @param m of the other
 */
export function ksPValue(d: number, n: number, m: number): number {
  const root = Math.sqrt((n * m) / (n + m));
  return kolmogorovSurvival((root + 0.12 + 0.11 / root) * d);
}
