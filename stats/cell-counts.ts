/**
 * Counts of one feature over a window: rows, sum and sum of squares per grid cell. Invariant: cells
 * are in the order of their values, each once; windows on the same grid add up, so any span is a
 * sum of parts.
 */
import type { Grid } from "./grid.ts";
import { cellOf, cellRank, isNonFiniteCell } from "./grid.ts";

export interface CellCounts {
  readonly grid: Grid;
  /** Finite cells, ascending by value. */
  readonly cells: Int32Array;
  readonly n: Float64Array;
  readonly sum: Float64Array;
  readonly sumOfSquares: Float64Array;
  /** Rows that hold NaN or an infinity. */
  readonly nonFinite: number;
  /** Rows without the feature. */
  readonly missing: number;
}

/** Columns as a query of the rollups gives them, in any order; a cell may come more than once. */
export interface CellColumns {
  readonly cell: ArrayLike<number>;
  readonly n: ArrayLike<number>;
  readonly sum: ArrayLike<number>;
  readonly sumOfSquares: ArrayLike<number>;
}

/**
 * Cell counts from columns.
 * @param missing rows without the feature: those of the window less those in cells
 * @throws {RangeError} if the columns differ in length
 */
export function cellCounts(grid: Grid, columns: CellColumns, missing: number = 0): CellCounts {
  const { cell, n } = columns;
  const { length } = cell;
  if (
    n.length !== length ||
    columns.sum.length !== length ||
    columns.sumOfSquares.length !== length
  ) {
    throw new RangeError(`Cannot read columns of ${length} cells: their lengths differ`);
  }
  let nonFinite = 0;
  const order: number[] = [];
  for (let i = 0; i < length; i++) {
    if (isNonFiniteCell(cell[i]!)) {
      nonFinite += n[i]!;
    } else {
      order.push(i);
    }
  }
  const { invScale } = grid;
  order.sort((i, j) => cellRank(cell[i]!, invScale) - cellRank(cell[j]!, invScale));
  return { grid, ...gather(columns, order), nonFinite, missing };
}

type Gathered = Pick<CellCounts, "cells" | "n" | "sum" | "sumOfSquares">;

function gather(columns: CellColumns, order: readonly number[]): Gathered {
  const cells = new Int32Array(order.length);
  const n = new Float64Array(order.length);
  const sum = new Float64Array(order.length);
  const sumOfSquares = new Float64Array(order.length);
  let last = -1;
  for (const i of order) {
    const cell = columns.cell[i]!;
    if (last < 0 || cells[last] !== cell) {
      cells[++last] = cell;
    }
    n[last] = n[last]! + columns.n[i]!;
    sum[last] = sum[last]! + columns.sum[i]!;
    sumOfSquares[last] = sumOfSquares[last]! + columns.sumOfSquares[i]!;
  }
  const end = last + 1;
  return {
    cells: cells.subarray(0, end),
    n: n.subarray(0, end),
    sum: sum.subarray(0, end),
    sumOfSquares: sumOfSquares.subarray(0, end),
  };
}

/**
 * Cell counts of raw values.
 * @param values any numbers; NaN and the infinities are counted apart
 */
export function countCells(values: ArrayLike<number>, grid: Grid, missing: number = 0): CellCounts {
  const { center, invScale } = grid;
  const index = new Map<number, number>();
  const cell: number[] = [];
  const n: number[] = [];
  const sum: number[] = [];
  const sumOfSquares: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const key = cellOf(value, center, invScale);
    let at = index.get(key);
    if (at === undefined) {
      at = cell.length;
      index.set(key, at);
      cell.push(key);
      n.push(0);
      sum.push(0);
      sumOfSquares.push(0);
    }
    n[at] = n[at]! + 1;
    sum[at] = sum[at]! + value;
    sumOfSquares[at] = sumOfSquares[at]! + value * value;
  }
  return cellCounts(grid, { cell, n, sum, sumOfSquares }, missing);
}

/**
 * The sum of several windows.
 * @param parts at least one, all on the same grid
 * @throws {RangeError} if there is none or the grids differ
 */
export function mergeCellCounts(parts: readonly CellCounts[]): CellCounts {
  const first = parts[0];
  if (first === undefined) {
    throw new RangeError("Cannot merge cell counts: there are none");
  }
  const cell: number[] = [];
  const n: number[] = [];
  const sum: number[] = [];
  const sumOfSquares: number[] = [];
  let nonFinite = 0;
  let missing = 0;
  for (const part of parts) {
    requireSameGrid(first.grid, part.grid);
    cell.push(...part.cells);
    n.push(...part.n);
    sum.push(...part.sum);
    sumOfSquares.push(...part.sumOfSquares);
    nonFinite += part.nonFinite;
    missing += part.missing;
  }
  const merged = cellCounts(first.grid, { cell, n, sum, sumOfSquares }, missing);
  return { ...merged, nonFinite };
}

/** @throws {RangeError} if the grids differ: their cells mean other values */
export function requireSameGrid(a: Grid, b: Grid): void {
  if (a.center !== b.center || a.invScale !== b.invScale) {
    throw new RangeError(
      `Cannot compare cells of one grid: centre ${a.center} and ${b.center}, inverse scale ` +
        `${a.invScale} and ${b.invScale}`,
    );
  }
}

export interface CellMoments {
  /** Finite rows. */
  readonly rows: number;
  readonly mean: number;
  /** Of the sample (n − 1); 0 for one row, NaN for none. */
  readonly standardDeviation: number;
}

/** Mean and standard deviation of the finite values; exact up to rounding, whatever the cells. */
export function cellMoments(counts: CellCounts): CellMoments {
  let rows = 0;
  let sum = 0;
  for (let i = 0; i < counts.n.length; i++) {
    rows += counts.n[i]!;
    sum += counts.sum[i]!;
  }
  const mean = sum / rows;
  let squares = 0;
  for (let i = 0; i < counts.n.length; i++) {
    const n = counts.n[i]!;
    if (n === 0) {
      continue;
    }
    // Within cells plus between cells: q − s²/n alone cancels where the mean is far from 0.
    const within = Math.max(0, counts.sumOfSquares[i]! - counts.sum[i]! ** 2 / n);
    squares += within + n * (counts.sum[i]! / n - mean) ** 2;
  }
  const standardDeviation =
    rows > 1 ? Math.sqrt(squares / (rows - 1)) : rows === 1 ? 0 : Number.NaN;
  return { rows, mean, standardDeviation };
}

/** The cells as masses at their means, ascending: what Wasserstein-1 is taken of. */
export function cellPoints(counts: CellCounts): { values: Float64Array; weights: Float64Array } {
  const values = counts.sum.map((sum, i) => sum / counts.n[i]!);
  return { values, weights: counts.n };
}

/** Rows of two windows on the union of their cells, ascending: what KS is taken of. */
export function alignCells(a: CellCounts, b: CellCounts): { a: Float64Array; b: Float64Array } {
  requireSameGrid(a.grid, b.grid);
  const { invScale } = a.grid;
  const left = new Float64Array(a.cells.length + b.cells.length);
  const right = new Float64Array(left.length);
  let i = 0;
  let j = 0;
  let k = 0;
  while (i < a.cells.length || j < b.cells.length) {
    const rankA = i < a.cells.length ? cellRank(a.cells[i]!, invScale) : Number.POSITIVE_INFINITY;
    const rankB = j < b.cells.length ? cellRank(b.cells[j]!, invScale) : Number.POSITIVE_INFINITY;
    left[k] = rankA <= rankB ? a.n[i++]! : 0;
    right[k] = rankB <= rankA ? b.n[j++]! : 0;
    k++;
  }
  return { a: left.subarray(0, k), b: right.subarray(0, k) };
}
