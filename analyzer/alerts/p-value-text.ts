/** Chances in sentences: what is too small for a double is said to be small, not to be 0. */

/** "p = 6.5e-4", "p < 1e-300". */
export const pValueText = (p: number): string =>
  isTooSmall(p) ? "p < 1e-300" : `p = ${p.toExponential(1)}`;

/** "6.5e-4", "below 1e-300". */
export const chanceText = (p: number): string =>
  isTooSmall(p) ? "below 1e-300" : p.toExponential(1);

const isTooSmall = (p: number): boolean => p < 1e-300;
