/** Corrections for looking at many features and segments at once. */

/**
 * Holm's adjusted p-values: the chance of any false rejection stays at alpha.
 * @param pValues any order   @returns adjusted p-values in the same order; reject where <= alpha
 * @see statsmodels multipletests(method="holm")
 */
export function holm(pValues: ArrayLike<number>): Float64Array {
  const order = ascending(pValues);
  const adjusted = new Float64Array(pValues.length);
  let running = 0;
  for (let rank = 0; rank < order.length; rank++) {
    const i = order[rank]!;
    running = Math.max(running, Math.min(1, pValues[i]! * (order.length - rank)));
    adjusted[i] = running;
  }
  return adjusted;
}

/**
 * Benjamini–Hochberg adjusted p-values (q-values): the expected share of false ones among the
 * rejected stays at alpha, for independent or positively dependent tests.
 * @param pValues any order   @returns adjusted p-values in the same order; reject where <= alpha
 * @see statsmodels multipletests(method="fdr_bh")
 */
export function benjaminiHochberg(pValues: ArrayLike<number>): Float64Array {
  const order = ascending(pValues);
  const adjusted = new Float64Array(pValues.length);
  let running = 1;
  for (let rank = order.length - 1; rank >= 0; rank--) {
    const i = order[rank]!;
    running = Math.min(running, (pValues[i]! * order.length) / (rank + 1));
    adjusted[i] = running;
  }
  return adjusted;
}

function ascending(values: ArrayLike<number>): number[] {
  return Array.from(values, (_, i) => i).sort((i, j) => values[i]! - values[j]!);
}
