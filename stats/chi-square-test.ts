/**
 * Pearson's two-sample χ² on counts, with rare cells merged. Both samples are random: the
 * goodness-of-fit form, which takes the reference as exact, cries wolf at 24–99 % under no drift.
 */
import { chiSquareSurvival } from "./chi-square.ts";
import { countTotals } from "./count-totals.ts";
import { fSurvival } from "./f-distribution.ts";
import { mergeRareCells } from "./rare-cells.ts";

/**
 * The χ² of dependent rows (Rao–Scott, second order, with the design effect itself estimated): the
 * mean design effect scales the statistic, `rank` is how many directions carry it,
 * `degreesOfFreedom` how well it is known.
 */
export interface RaoScott {
  /** Effective rows of both samples: rows over their design effects. */
  readonly rowsA: number;
  readonly rowsB: number;
  /** Satterthwaite's number of directions, >= 1; 1e9 for independent rows. */
  readonly rank: number;
  /** 1e9 for independent rows. */
  readonly degreesOfFreedom: number;
}

export interface ChiSquareTest {
  readonly statistic: number;
  /** Cells after merging less one. */
  readonly degreesOfFreedom: number;
  /** 1 where fewer than two cells are left: there is nothing to compare. */
  readonly pValue: number;
}

/**
 * @param a counts per cell   @param b likewise, same cells
 * @param design effective sizes where rows are dependent; without it rows are independent
 * @throws {RangeError} if the cells do not align
 * @see scipy.stats.chi2_contingency(correction=False) where no cell is rare
 */
export function chiSquareTest(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  design?: RaoScott,
): ChiSquareTest {
  const merged = mergeRareCells(a, b);
  const { a: n, b: m } = countTotals(merged.a, merged.b);
  const cells = merged.a.length;
  if (cells < 2 || n === 0 || m === 0) {
    return { statistic: 0, degreesOfFreedom: 0, pValue: 1 };
  }
  let gap = 0;
  for (let i = 0; i < cells; i++) {
    const pooled = (merged.a[i]! + merged.b[i]!) / (n + m);
    gap += (merged.a[i]! / n - merged.b[i]! / m) ** 2 / pooled;
  }
  const degreesOfFreedom = cells - 1;
  if (design === undefined) {
    const statistic = (gap * (n * m)) / (n + m);
    return {
      statistic,
      degreesOfFreedom,
      pValue: chiSquareSurvival(statistic, degreesOfFreedom),
    };
  }
  const statistic = (gap * (design.rowsA * design.rowsB)) / (design.rowsA + design.rowsB);
  const rank = Math.min(design.rank, degreesOfFreedom);
  const pValue = fSurvival(statistic / degreesOfFreedom, rank, rank * design.degreesOfFreedom);
  return { statistic, degreesOfFreedom, pValue };
}
