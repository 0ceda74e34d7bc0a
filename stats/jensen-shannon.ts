/** The Jensen–Shannon divergence and distance. */
import { countTotals } from "./count-totals.ts";

/**
 * Jensen–Shannon divergence in nats: the mean divergence of both from their mixture.
 * @param a counts per cell, >= 0   @param b likewise, same cells
 * @returns in [0, ln 2]; symmetric; NaN where a sample is empty
 * @throws {RangeError} if the cells do not align
 */
export function jensenShannonDivergence(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const totals = countTotals(a, b);
  if (totals.a === 0 || totals.b === 0) {
    return Number.NaN;
  }
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const p = a[i]! / totals.a;
    const q = b[i]! / totals.b;
    const mixture = p + q;
    sum +=
      (p > 0 ? p * Math.log((2 * p) / mixture) : 0) + (q > 0 ? q * Math.log((2 * q) / mixture) : 0);
  }
  return Math.min(Math.LN2, Math.max(0, sum / 2));
}

/**
 * Jensen–Shannon distance, base 2: the root of the divergence in bits.
 * @returns in [0, 1]; a metric; NaN where a sample is empty
 * @see scipy.spatial.distance.jensenshannon(p, q, base=2)
 */
export function jensenShannonDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.sqrt(jensenShannonDivergence(a, b) / Math.LN2);
}
