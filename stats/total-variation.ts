/** The total variation distance. */
import { countTotals } from "./count-totals.ts";

/**
 * ½ Σ |p − q|: the share of rows that would have to move.
 * @param a counts per cell, >= 0   @param b likewise, same cells
 * @returns in [0, 1]; a metric; NaN where a sample is empty
 * @throws {RangeError} if the cells do not align
 */
export function totalVariation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const totals = countTotals(a, b);
  if (totals.a === 0 || totals.b === 0) {
    return Number.NaN;
  }
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sum += Math.abs(a[i]! / totals.a - b[i]! / totals.b);
  }
  return Math.min(1, sum / 2);
}
