/** Quantiles of sorted samples. Ours: the rule of simple-statistics does not interpolate. */

/**
 * The p-quantile, linear between order statistics (type 7).
 * @param sorted ascending, finite, not empty   @param p in [0, 1]
 * @throws {RangeError} if there is no value or p is outside [0, 1]
 * @see numpy.quantile
 */
export function quantileOfSorted(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0 || !(p >= 0 && p <= 1)) {
    throw new RangeError(`Cannot take a quantile of ${sorted.length} values: p is "${p}"`);
  }
  const position = (sorted.length - 1) * p;
  const index = Math.floor(position);
  const low = sorted[index]!;
  const high = sorted[Math.min(index + 1, sorted.length - 1)]!;
  // low itself where both are equal: no rounding may leave the tie.
  return low === high ? low : low + (high - low) * (position - index);
}
