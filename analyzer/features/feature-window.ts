/**
 * One feature in one window and segment, as statistics take it: cell counts of a numeric feature or counts
 * per category. Invariant: windows on the same grid add up and are taken off each other, so a span without
 * its quarantined rows is exact.
 */
import {
  type CategoryCounts,
  type CellCounts,
  type Grid,
  NO_GRID,
  cellCounts,
} from "../../stats/index.ts";
import type { FeatureCells } from "../../store/queries/feature-cells.ts";

/** Cell of rows without the feature, beside those of NaN and the infinities (docs/tables.md). */
export const CELL_MISSING = 32004;

export type FeatureWindow =
  | { readonly kind: "numeric"; readonly counts: CellCounts; readonly rows: number }
  | { readonly kind: "categorical"; readonly counts: CategoryCounts; readonly rows: number };

/** A feature's number of grid and what it means; `kind` decides how its rows are read. */
export interface FeatureGrid {
  readonly kind: "numeric" | "categorical";
  /** Rows counted on other grids are not comparable. */
  readonly grid: number;
  readonly scale: Grid;
  readonly categories: readonly string[];
}

export const segmentKey = (tag: string, value: string): string => `${tag}\u0000${value}`;
export const ALL_ROWS = segmentKey("", "");

/** What a query of cells answered, by feature and segment. */
export type WindowSet = ReadonlyMap<string, ReadonlyMap<string, FeatureWindow>>;

export interface WindowReading {
  readonly windows: WindowSet;
  /** Rows that were counted on another grid than the feature's: to be counted again from raw. */
  readonly foreignRows: number;
}

/** Reads the rows of `featureCells`; features without a grid keep the cells that they have. */
export function readWindows(
  answer: readonly FeatureCells[],
  grids: ReadonlyMap<string, FeatureGrid>,
): WindowReading {
  const windows = new Map<string, Map<string, FeatureWindow>>();
  let foreignRows = 0;
  for (const row of answer) {
    const grid = grids.get(row.feature);
    if (grid !== undefined && !isOnGrid(row, grid)) {
      if (row.segment_tag === "") foreignRows += sum(row.n);
      continue;
    }
    const bySegment = windows.get(row.feature) ?? new Map<string, FeatureWindow>();
    windows.set(row.feature, bySegment);
    const key = segmentKey(row.segment_tag, row.segment_value);
    const window = windowOf(row, grid);
    const before = bySegment.get(key);
    bySegment.set(key, before === undefined ? window : addWindows([before, window]));
  }
  return { windows, foreignRows };
}

/** Categories carry their names, so a new grid of known ones changes only which of them are `~other`. */
const isOnGrid = (row: FeatureCells, grid: FeatureGrid): boolean =>
  row.grid === grid.grid || row.cell.every((cell) => cell === CELL_MISSING);

function windowOf(row: FeatureCells, grid: FeatureGrid | undefined): FeatureWindow {
  const categorical = grid?.kind === "categorical" || row.category.some((name) => name !== "");
  return categorical ? categoryWindow(row) : numericWindow(row, grid?.scale ?? NO_GRID);
}

function categoryWindow(row: FeatureCells): FeatureWindow {
  const counts = new Map<string, number>();
  let missing = 0;
  row.category.forEach((category, i) => {
    const n = row.n[i] ?? 0;
    if (row.cell[i] === CELL_MISSING) missing += n;
    else counts.set(category, (counts.get(category) ?? 0) + n);
  });
  return { kind: "categorical", counts: { counts, missing }, rows: sum(row.n) };
}

function numericWindow(row: FeatureCells, scale: Grid): FeatureWindow {
  const kept = row.cell.flatMap((cell, i) => (cell === CELL_MISSING ? [] : [i]));
  const missing = sum(row.n) - sum(kept.map((i) => row.n[i] ?? 0));
  const column = (values: readonly number[]): number[] => kept.map((i) => values[i] ?? 0);
  const counts = cellCounts(
    scale,
    {
      cell: column(row.cell),
      n: column(row.n),
      sum: column(row.s),
      sumOfSquares: row.q === undefined ? kept.map(() => 0) : column(row.q),
    },
    missing,
  );
  return { kind: "numeric", counts, rows: sum(row.n) };
}

/**
 * The sum of windows of one feature.
 * @throws {RangeError} if there is none, or kinds or grids differ
 */
export function addWindows(parts: readonly FeatureWindow[]): FeatureWindow {
  return combine(parts.map((window) => ({ window, sign: 1 })));
}

/** `from` without the rows of `parts`, all of which it holds. */
export function subtractWindows(
  from: FeatureWindow,
  parts: readonly FeatureWindow[],
): FeatureWindow {
  return combine([
    { window: from, sign: 1 },
    ...parts.map((window) => ({ window, sign: -1 }) as const),
  ]);
}

interface Signed {
  readonly window: FeatureWindow;
  readonly sign: 1 | -1;
}

function combine(parts: readonly Signed[]): FeatureWindow {
  const first = parts[0]?.window;
  if (first === undefined) throw new RangeError("Cannot add windows: there are none");
  if (parts.some(({ window }) => window.kind !== first.kind)) {
    throw new RangeError("Cannot add windows of one feature: their kinds differ");
  }
  const rows = parts.reduce((total, { window, sign }) => total + sign * window.rows, 0);
  return first.kind === "categorical"
    ? { kind: "categorical", counts: combineCategories(parts), rows }
    : { kind: "numeric", counts: combineCells(first.counts.grid, parts), rows };
}

function combineCategories(parts: readonly Signed[]): CategoryCounts {
  const counts = new Map<string, number>();
  let missing = 0;
  for (const { window, sign } of parts) {
    if (window.kind !== "categorical") continue;
    for (const [category, n] of window.counts.counts) {
      counts.set(category, (counts.get(category) ?? 0) + sign * n);
    }
    missing += sign * window.counts.missing;
  }
  for (const [category, n] of counts) if (n <= 0) counts.delete(category);
  return { counts, missing: Math.max(0, missing) };
}

function combineCells(grid: Grid, parts: readonly Signed[]): CellCounts {
  const cells = new Map<number, { n: number; sum: number; squares: number }>();
  let missing = 0;
  let nonFinite = 0;
  for (const { window, sign } of parts) {
    if (window.kind !== "numeric") continue;
    const { counts } = window;
    if (counts.grid.center !== grid.center || counts.grid.invScale !== grid.invScale) {
      throw new RangeError("Cannot add windows of one feature: their grids differ");
    }
    counts.cells.forEach((cell, i) => {
      const sums = cells.get(cell) ?? { n: 0, sum: 0, squares: 0 };
      sums.n += sign * (counts.n[i] ?? 0);
      sums.sum += sign * (counts.sum[i] ?? 0);
      sums.squares += sign * (counts.sumOfSquares[i] ?? 0);
      cells.set(cell, sums);
    });
    missing += sign * counts.missing;
    nonFinite += sign * counts.nonFinite;
  }
  const kept = [...cells].filter(([, sums]) => sums.n > 0);
  const counts = cellCounts(
    grid,
    {
      cell: kept.map(([cell]) => cell),
      n: kept.map(([, sums]) => sums.n),
      sum: kept.map(([, sums]) => sums.sum),
      sumOfSquares: kept.map(([, sums]) => sums.squares),
    },
    Math.max(0, missing),
  );
  return { ...counts, nonFinite: Math.max(0, nonFinite) };
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
