/** The population stability index. */
import { countTotals } from "./count-totals.ts";

/** What an empty cell counts when the other sample fills it: half a row. */
const EMPTY_CELL_ROWS = 0.5;

/**
 * PSI = Σ (p − q) ln(p/q), the symmetrised Kullback–Leibler divergence in nats. A cell that is
 * empty on one side only counts as half a row there, else one new category would make it infinite.
 * @param a counts per cell, >= 0   @param b likewise, same cells
 * @returns >= 0; symmetric; NaN where a sample is empty
 * @throws {RangeError} if the cells do not align
 */
export function populationStabilityIndex(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const totals = countTotals(a, b);
  if (totals.a === 0 || totals.b === 0) {
    return Number.NaN;
  }
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    if (x === 0 && y === 0) {
      continue;
    }
    const p = (x === 0 ? EMPTY_CELL_ROWS : x) / totals.a;
    const q = (y === 0 ? EMPTY_CELL_ROWS : y) / totals.b;
    sum += (p - q) * Math.log(p / q);
  }
  return sum;
}
