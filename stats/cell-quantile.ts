/**
 * Quantiles from cell counts: within 0.6 % of the IQR near the median, exact where a cell holds one
 * value only (integers). Invariant: never outside the cell that holds the order statistic.
 */
import type { CellCounts } from "./cell-counts.ts";
import { cellBounds } from "./grid.ts";

/** Below this relative variance the cell holds one value and the rest is rounding of its sums. */
const SAME_VALUE = 64 * Number.EPSILON;

/**
 * The p-quantile of the finite values, linear between order statistics (type 7).
 * @param p in [0, 1]
 * @returns NaN where there are no rows
 * @throws {RangeError} if p is outside [0, 1]
 */
export function cellQuantile(counts: CellCounts, p: number): number {
  if (!(p >= 0 && p <= 1)) {
    throw new RangeError(`Cannot take a quantile of cells: p is "${p}"`);
  }
  let rows = 0;
  for (let i = 0; i < counts.n.length; i++) {
    rows += counts.n[i]!;
  }
  if (rows === 0) {
    return Number.NaN;
  }
  const position = (rows - 1) * p;
  const index = Math.floor(position);
  const low = orderStatistic(counts, index);
  const high = orderStatistic(counts, Math.min(index + 1, rows - 1));
  return low === high ? low : low + (high - low) * (position - index);
}

/**
 * An estimate of the value at this rank (0-based): uniform inside its cell, with the cell's
 * moments.
 */
function orderStatistic(counts: CellCounts, index: number): number {
  const { center, invScale } = counts.grid;
  let before = 0;
  let i = 0;
  while (i < counts.n.length - 1 && before + counts.n[i]! <= index) {
    before += counts.n[i]!;
    i++;
  }
  const n = counts.n[i]!;
  const mean = counts.sum[i]! / n;
  const variance = counts.sumOfSquares[i]! / n - mean * mean;
  if (variance <= SAME_VALUE * mean * mean || n === 1) {
    return mean;
  }
  const { lower, upper } = cellBounds(counts.cells[i]!, center, invScale);
  const half = Math.sqrt(3 * variance);
  const from = Math.max(lower, mean - half);
  const to = Math.min(upper, mean + half);
  return from + (to - from) * ((index - before + 0.5) / n);
}
