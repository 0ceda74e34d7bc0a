/** The totals of two aligned count vectors: what every distance between counts starts from. */
export interface CountTotals {
  readonly a: number;
  readonly b: number;
}

/**
 * @param a counts per cell, >= 0   @param b likewise, same cells
 * @throws {RangeError} if the cells do not align
 */
export function countTotals(a: ArrayLike<number>, b: ArrayLike<number>): CountTotals {
  if (a.length !== b.length) {
    throw new RangeError(`Cannot compare counts of the same cells: ${a.length} and ${b.length}`);
  }
  let totalA = 0;
  let totalB = 0;
  for (let i = 0; i < a.length; i++) {
    totalA += a[i]!;
    totalB += b[i]!;
  }
  return { a: totalA, b: totalB };
}
