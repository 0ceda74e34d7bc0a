/**
 * Values of grid cells in SQL (stats/grid.ts has the same in TypeScript and says why cells are as they are):
 * the middle of a cell stands for its rows. A cell is at most 1/16 of its value wide without a grid, 1/128 of
 * the interquartile range near the median with one.
 */

/** |x| at the lower border of the k-th cell away from the centre of a grid: 128 cells an octave of 1 + |x|. */
const gridBorder = (k: string): string =>
  `(exp2(intDiv(${k}, 128)) * (1 + (${k}) % 128 / 128) - 1)`;

/** Without a grid a cell is sign, exponent and four mantissa bits of the value itself. */
const logBorder = (k: string): string => `(exp2(intDiv(${k}, 16) - 127) * (1 + (${k}) % 16 / 16))`;

const middleOf = (border: (k: string) => string, k: string): string =>
  `((${border(k)} + ${border(`${k} + 1`)}) / 2)`;

/** The middle of a cell without a grid, as those of `$latency` are. */
export const LOG_CELL_MIDDLE = `if(cell >= 0, ${middleOf(logBorder, "toInt32(cell)")}, -${middleOf(logBorder, "(toInt32(cell) + 4096)")})`;

/** The middle of a cell of the grid `center`, `inv_scale`. */
export const GRID_CELL_MIDDLE = `(center + sign(cell) * if(cell = 0, 0, ${middleOf(gridBorder, "abs(toInt32(cell))")}) / inv_scale)`;

/** Cells that have a value; NaN, the infinities and missing values have cells of their own. */
export const HAS_VALUE = "cell < 32001";
export const NOT_FINITE = "cell BETWEEN 32001 AND 32003";
export const MISSING = "cell = 32004";
/** A category that the model's grid did not know. */
export const NEW_CATEGORY = "startsWith(category, '~other/')";

/** Quantiles of values with weights; a weight is a count of rows. */
export const quantilesOf = (levels: string, value: string): string =>
  `quantilesExactWeighted(${levels})(${value}, toUInt64(n))`;
