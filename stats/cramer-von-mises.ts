/** The two-sample Cramér–von Mises statistic from counts. */
import { countTotals } from "./count-totals.ts";

/**
 * T = nm/N² Σ (F − G)² over all pooled rows, ties at the border of their cell.
 * @param a counts per cell, cells ascending   @param b likewise, same cells
 * @returns >= 0; NaN where a sample is empty
 * @throws {RangeError} if the cells do not align
 * @see Anderson (1962); scipy.stats.cramervonmises_2samp where no values are tied
 */
export function cramerVonMises(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const { a: n, b: m } = countTotals(a, b);
  let sumA = 0;
  let sumB = 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sumA += a[i]!;
    sumB += b[i]!;
    sum += (a[i]! + b[i]!) * (sumA / n - sumB / m) ** 2;
  }
  return (n / (n + m)) * (m / (n + m)) * sum;
}
