/**
 * What windows are counted on: cells frozen on the reference's quantiles (numeric) or its known
 * categories, with cells for the tails to ±∞, for missing, non-finite and unknown values.
 * Invariant: numeric edges lie on borders of grid cells, so a projection of a window's cells is
 * exact and edges never move.
 */
import type { CellCounts } from "./cell-counts.ts";
import { requireSameGrid } from "./cell-counts.ts";
import type { Grid } from "./grid.ts";
import { cellBounds, cellRank } from "./grid.ts";

export interface NumericHistogram {
  readonly kind: "numeric";
  readonly grid: Grid;
  /**
   * Rank of the grid cell at which each bin begins. The first bin holds what is below all of the
   * reference, the last what is above it: a constant that moves must have somewhere to go.
   */
  readonly startRanks: Float64Array;
  /** Bin borders as values: one more than bins, −Infinity first, Infinity last. */
  readonly edges: readonly number[];
  /** Rows of the reference per cell: the bins, then non-finite, then missing. */
  readonly reference: Float64Array;
  /** How many leading cells are ordered bins. */
  readonly orderedCells: number;
}

export interface CategoryHistogram {
  readonly kind: "categorical";
  /** Known categories, most frequent first; each is a cell. */
  readonly categories: readonly string[];
  /** Rows of the reference per cell: the categories, then all other ones, then missing. */
  readonly reference: Float64Array;
  readonly orderedCells: 0;
}

export type Histogram = NumericHistogram | CategoryHistogram;

export interface HistogramLimits {
  /** Default 32 bins of a numeric feature, the tails not counted. */
  readonly binsMax?: number;
  /** Default 256 known categories; the rarer ones share the cell of the unknown. */
  readonly categoriesMax?: number;
}

/**
 * Bins of (nearly) equal reference share between two empty tails; where there are at most `binsMax`
 * distinct cells, each is a bin.
 * @param reference cell counts with at least one finite row
 * @throws {RangeError} if the reference holds no finite value
 */
export function numericHistogram(
  reference: CellCounts,
  limits: HistogramLimits = {},
): NumericHistogram {
  const { binsMax = 32 } = limits;
  const { grid, cells, n } = reference;
  if (cells.length === 0) {
    throw new RangeError("Cannot build a histogram on the reference: it holds no finite value");
  }
  const starts = cells.length <= binsMax ? cells.map((_, i) => i) : quantileStarts(n, binsMax);
  const { center, invScale } = grid;
  const last = cells.at(-1)!;
  const inner = Array.from(starts, (i) => cells[i]!);
  const startRanks = Float64Array.of(
    Number.NEGATIVE_INFINITY,
    ...inner.map((cell) => cellRank(cell, invScale)),
    cellRank(last, invScale) + 1,
  );
  const edges = [
    Number.NEGATIVE_INFINITY,
    ...inner.map((cell) => cellBounds(cell, center, invScale).lower),
    cellBounds(last, center, invScale).upper,
    Number.POSITIVE_INFINITY,
  ];
  const empty: NumericHistogram = {
    kind: "numeric",
    grid,
    startRanks,
    edges,
    reference: new Float64Array(0),
    orderedCells: startRanks.length,
  };
  return { ...empty, reference: projectCells(empty, reference) };
}

/**
 * Indices of the cells at which bins begin: close a bin when the next cell would overshoot by more.
 */
function quantileStarts(n: Float64Array, binsMax: number): Int32Array {
  let left = n.reduce((total, count) => total + count, 0);
  const starts = [0];
  let inBin = 0;
  for (let i = 0; i < n.length; i++) {
    const target = left / (binsMax - starts.length + 1);
    if (inBin > 0 && starts.length < binsMax && inBin + n[i]! / 2 > target) {
      starts.push(i);
      left -= inBin;
      inBin = 0;
    }
    inBin += n[i]!;
  }
  return Int32Array.from(starts);
}

/**
 * A window's rows on the cells of a histogram: the bins, then non-finite, then missing.
 * @throws {RangeError} if the window was counted on another grid
 */
export function projectCells(histogram: NumericHistogram, counts: CellCounts): Float64Array {
  requireSameGrid(histogram.grid, counts.grid);
  const { startRanks, grid } = histogram;
  const bins = startRanks.length;
  const out = new Float64Array(bins + 2);
  let bin = 0;
  for (let i = 0; i < counts.cells.length; i++) {
    const rank = cellRank(counts.cells[i]!, grid.invScale);
    while (bin + 1 < bins && startRanks[bin + 1]! <= rank) {
      bin++;
    }
    out[bin] = out[bin]! + counts.n[i]!;
  }
  out[bins] = counts.nonFinite;
  out[bins + 1] = counts.missing;
  return out;
}

/** Rows per category, and rows without the feature. */
export interface CategoryCounts {
  readonly counts: ReadonlyMap<string, number>;
  readonly missing: number;
}

/**
 * The known set of a categorical feature.
 * @throws {RangeError} if the reference holds no category
 */
export function categoryHistogram(
  reference: CategoryCounts,
  limits: HistogramLimits = {},
): CategoryHistogram {
  const { categoriesMax = 256 } = limits;
  if (reference.counts.size === 0) {
    throw new RangeError("Cannot build a histogram on the reference: it holds no category");
  }
  const categories = [...reference.counts]
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, categoriesMax)
    .map(([category]) => category);
  const empty: CategoryHistogram = {
    kind: "categorical",
    categories,
    reference: new Float64Array(0),
    orderedCells: 0,
  };
  return { ...empty, reference: projectCategories(empty, reference) };
}

/**
 * A window's rows on the cells of a histogram: the known categories, then all others, then missing.
 */
export function projectCategories(
  histogram: CategoryHistogram,
  window: CategoryCounts,
): Float64Array {
  const { categories } = histogram;
  const out = new Float64Array(categories.length + 2);
  let known = 0;
  categories.forEach((category, i) => {
    const rows = window.counts.get(category) ?? 0;
    out[i] = rows;
    known += rows;
  });
  let total = 0;
  for (const rows of window.counts.values()) {
    total += rows;
  }
  out[categories.length] = total - known;
  out[categories.length + 1] = window.missing;
  return out;
}
