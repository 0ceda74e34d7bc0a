/**
 * Calibration: the reliability table, its expected error, and calibration in the large. Invariant:
 * all of it are sums per cell of score, so tables of disjoint windows add up.
 */

/** Rows of one cell of score. */
export interface ReliabilityCell {
  readonly rows: number;
  /** Sum of the predicted probabilities. */
  readonly predicted: number;
  /** Number of positives. */
  readonly observed: number;
}

/**
 * Reliability table on cells of equal width.
 * @param probabilities in [0, 1]   @param labels 1 positive, anything else negative
 * @param cells default 10; p = 1 belongs to the last one
 */
export function reliabilityTable(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  cells: number = 10,
): ReliabilityCell[] {
  const rows = new Float64Array(cells);
  const predicted = new Float64Array(cells);
  const observed = new Float64Array(cells);
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i]!;
    const cell = Math.min(cells - 1, Math.max(0, Math.floor(p * cells)));
    rows[cell] = rows[cell]! + 1;
    predicted[cell] = predicted[cell]! + p;
    observed[cell] = observed[cell]! + (labels[i] === 1 ? 1 : 0);
  }
  return Array.from(rows, (count, i) => ({
    rows: count,
    predicted: predicted[i]!,
    observed: observed[i]!,
  }));
}

/**
 * Expected calibration error: the mean of |predicted − observed| over cells, weighted by rows.
 * @returns in [0, 1]; NaN for no rows
 */
export function expectedCalibrationError(table: readonly ReliabilityCell[]): number {
  let gap = 0;
  let rows = 0;
  for (const cell of table) {
    gap += Math.abs(cell.predicted - cell.observed);
    rows += cell.rows;
  }
  return gap / rows;
}

/**
 * Calibration in the large: mean prediction − share of positives; > 0 when the model says too much.
 */
export function calibrationInTheLarge(table: readonly ReliabilityCell[]): number {
  let gap = 0;
  let rows = 0;
  for (const cell of table) {
    gap += cell.predicted - cell.observed;
    rows += cell.rows;
  }
  return gap / rows;
}
