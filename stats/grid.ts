/**
 * Grid cells: where a numeric value falls on a grid scaled by its feature's median and IQR. Cells
 * are equal-width (IQR/128) within one IQR of the median and double per octave outside: no range to
 * set, no overflow. Invariant: bit for bit the cells that the SQL of the rollups computes.
 */
import { sampleStandardDeviation } from "simple-statistics";
import { quantileOfSorted } from "./quantile.ts";

export const CELL_NAN = 32001;
export const CELL_PLUS_INFINITY = 32002;
export const CELL_MINUS_INFINITY = 32003;

/** Float32 bits of 1.0: where 1 + |x| starts. */
const ONE_BITS = 0x3f800000;
/** Seven mantissa bits stay: 128 cells per octave. */
const GRID_SHIFT = 16;
/** Four mantissa bits stay where there is no grid yet. */
const LOG_SHIFT = 19;
/** The largest cell: 1 + |x| beyond Float32. */
const GRID_CELL_MAX = 0x4000;

// One shared word to read the bits of a float: not state, every call writes before it reads.
const floatView = new Float32Array(1);
const bitsView = new Int32Array(floatView.buffer);

/**
 * The scale of one feature. `invScale` 0 means that no grid was learnt yet: cells are then
 * logarithmic (sign, exponent and four mantissa bits of the value itself).
 */
export interface Grid {
  readonly center: number;
  readonly invScale: number;
}

export const NO_GRID: Grid = { center: 0, invScale: 0 };

/**
 * The cell of a value.
 * @param value any number, as stored (round a Float32 column with Math.fround first)
 * @returns an Int16; NaN, +Infinity and −Infinity have cells of their own
 */
export function cellOf(value: number, center: number, invScale: number): number {
  if (value - value !== 0) {
    return value !== value ? CELL_NAN : value > 0 ? CELL_PLUS_INFINITY : CELL_MINUS_INFINITY;
  }
  if (invScale === 0) {
    floatView[0] = value;
    return bitsView[0]! >> LOG_SHIFT;
  }
  const x = (value - center) * invScale;
  floatView[0] = 1 + Math.abs(x);
  const cell = (bitsView[0]! - ONE_BITS) >> GRID_SHIFT;
  // 0 − cell and not −cell, which would make a −0 of cell 0.
  return x < 0 ? 0 - cell : cell;
}

/** True for the cells of NaN and the infinities. */
export function isNonFiniteCell(cell: number): boolean {
  return cell >= CELL_NAN && cell <= CELL_MINUS_INFINITY;
}

/**
 * A number that orders cells as their values are ordered. On a grid that is the cell itself;
 * without one, cells of negative values run backwards.
 */
export function cellRank(cell: number, invScale: number): number {
  return invScale === 0 && cell < 0 ? -4097 - cell : cell;
}

export interface CellBounds {
  readonly lower: number;
  readonly upper: number;
}

/**
 * The values of a cell: [lower, upper) for values above the centre, (lower, upper] below, and the
 * open interval around it for cell 0. Exact up to the rounding of 1 + |x| to Float32 (6e-8 of it).
 * @throws {RangeError} for the cells of NaN and the infinities, which have no bounds
 */
export function cellBounds(cell: number, center: number, invScale: number): CellBounds {
  if (isNonFiniteCell(cell)) {
    throw new RangeError(`Cannot take the bounds of a cell of finite values: cell is ${cell}`);
  }
  if (invScale === 0) {
    return logBounds(cell);
  }
  const k = Math.abs(cell);
  const outer = border(k + 1) / invScale;
  if (k === 0) {
    return { lower: center - outer, upper: center + outer };
  }
  const inner = border(k) / invScale;
  return cell > 0
    ? { lower: center + inner, upper: center + outer }
    : { lower: center - outer, upper: center - inner };
}

/** |x| at the lower border of the k-th cell away from the centre. */
function border(k: number): number {
  return k > GRID_CELL_MAX ? Number.POSITIVE_INFINITY : fromBits((k << GRID_SHIFT) + ONE_BITS) - 1;
}

function logBounds(cell: number): CellBounds {
  const magnitude = cell < 0 ? cell + 4096 : cell;
  const inner = fromBits(magnitude << LOG_SHIFT);
  const outer = fromBits((magnitude + 1) << LOG_SHIFT);
  const limit = Number.isNaN(outer) ? Number.POSITIVE_INFINITY : outer;
  return cell < 0 ? { lower: -limit, upper: -inner } : { lower: inner, upper: limit };
}

function fromBits(bits: number): number {
  bitsView[0] = bits;
  return floatView[0]!;
}

/**
 * The border of a cell that is nearest to a value: where an edge can be cut without splitting a
 * cell.
 * @param value finite
 */
export function snapToCellBorder(value: number, center: number, invScale: number): number {
  const { lower, upper } = cellBounds(cellOf(value, center, invScale), center, invScale);
  return value - lower <= upper - value ? lower : upper;
}

/**
 * The grid of a feature: median, and one over the interquartile range. Where the IQR is 0 (a binary
 * or mostly constant feature) the scale falls back to the standard deviation, then to |median|,
 * then to 1.
 * @param sortedFinite ascending, finite, not empty
 * @throws {RangeError} if there is no value
 */
export function learnGrid(sortedFinite: ArrayLike<number>): Grid {
  if (sortedFinite.length === 0) {
    throw new RangeError("Cannot learn a grid from values: there are none");
  }
  const center = quantileOfSorted(sortedFinite, 0.5);
  const iqr = quantileOfSorted(sortedFinite, 0.75) - quantileOfSorted(sortedFinite, 0.25);
  const scale = [() => iqr, () => deviation(sortedFinite), () => Math.abs(center)]
    .map((candidate) => candidate())
    .find(
      (candidate) => candidate > 0 && Number.isFinite(candidate) && Number.isFinite(1 / candidate),
    );
  return { center, invScale: 1 / (scale ?? 1) };
}

function deviation(values: ArrayLike<number>): number {
  return values.length < 2 ? 0 : sampleStandardDeviation(Array.from(values));
}
