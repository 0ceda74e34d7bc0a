/**
 * Everything known about reference against window of one feature: distances, tests, sample sizes
 * and what chance alone would give. Invariant: only counts go in, so the same counts give the same
 * numbers.
 */
import type { CellCounts } from "./cell-counts.ts";
import { alignCells, cellMoments, cellPoints } from "./cell-counts.ts";
import type { ChiSquareTest } from "./chi-square-test.ts";
import { chiSquareTest } from "./chi-square-test.ts";
import { countTotals } from "./count-totals.ts";
import { cramerVonMises } from "./cramer-von-mises.ts";
import type { DesignEffect } from "./design-effect.ts";
import { DEGREES_UNLIMITED, effectiveSampleSize, INDEPENDENT_ROWS } from "./design-effect.ts";
import type { ChanceThresholds } from "./drift-thresholds.ts";
import { chanceThresholds, smallestDetectableShift } from "./drift-thresholds.ts";
import { hellingerDistance } from "./hellinger.ts";
import type { Histogram } from "./histogram.ts";
import { jensenShannonDistance } from "./jensen-shannon.ts";
import { kolmogorovSurvival } from "./kolmogorov.ts";
import { ksFromCounts } from "./ks.ts";
import { normalQuantile } from "./normal.ts";
import { populationStabilityIndex } from "./psi.ts";
import { studentSurvival } from "./student-t.ts";
import { totalVariation } from "./total-variation.ts";
import { wassersteinOfPoints } from "./wasserstein.ts";

/** One feature's reference and window, projected on the same histogram. */
export interface DriftInput {
  readonly histogram: Histogram;
  /** Rows of the window on the histogram's cells. */
  readonly current: Float64Array;
  /**
   * The grid cells of both, where the feature is numeric: KS and Wasserstein-1 are taken of them.
   */
  readonly cells?: { readonly reference: CellCounts; readonly current: CellCounts };
  /** Learnt by learnDesignEffect; absent: rows are taken as independent. */
  readonly designEffect?: DesignEffect;
  /** Blocks (days, hours) that each sample spans; absent: rows over the learnt size of a block. */
  readonly blocks?: { readonly reference: number; readonly current: number };
}

export interface SampleSizes {
  readonly reference: number;
  readonly current: number;
}

/** Distances of one feature. Those of order and magnitude are null for categories. */
export interface DriftDistances {
  readonly psi: number;
  /** Base 2. */
  readonly jensenShannon: number;
  readonly hellinger: number;
  readonly totalVariation: number;
  /** At the borders of grid cells. */
  readonly ks: number | null;
  readonly cramerVonMises: number | null;
  /** Wasserstein-1 in standard deviations of the reference. */
  readonly wasserstein: number | null;
}

export interface DriftEvidence {
  readonly rows: SampleSizes;
  readonly rowsEffective: SampleSizes;
  readonly designEffect: DesignEffect;
  readonly statistics: DriftDistances;
  /**
   * The same with the bias taken out that chance gives them at these sizes: what effect floors
   * judge.
   */
  readonly effects: {
    readonly psi: number;
    readonly jensenShannon: number;
    readonly wasserstein: number | null;
  };
  readonly chiSquare: ChiSquareTest;
  readonly pValues: {
    readonly chiSquare: number;
    readonly ks: number | null;
    /** Of the smaller of both, calibrated jointly. */
    readonly joint: number;
  };
  /** What chance alone reaches at `alpha`. */
  readonly chance: ChanceThresholds;
  readonly alpha: number;
  /** Smallest shift, in σ, that these samples could show with 80 % power. */
  readonly smallestDetectableShift: number;
  /** Cells with rows in either sample. */
  readonly cells: number;
}

/**
 * @param alpha of the chance thresholds and the detectable shift; default 0.001
 * @throws {RangeError} if the window's cells are not the histogram's, or a grid differs
 */
export function driftEvidence(input: DriftInput, alpha: number = 0.001): DriftEvidence {
  const { histogram, current, cells, designEffect = INDEPENDENT_ROWS } = input;
  const { reference } = histogram;
  const totals = countTotals(reference, current);
  const rows = { reference: totals.a, current: totals.b };
  const rowsEffective = effectiveSizes(rows, input, designEffect.correlation);
  const filled = filledCells(reference, current);
  const chiSquare = chiSquareTest(reference, current, {
    rowsA: rowsEffective.reference,
    rowsB: rowsEffective.current,
    rank: designEffect.rank,
    degreesOfFreedom: designEffect.degreesOfFreedom,
  });
  const order = cells === undefined ? undefined : orderedComparison(cells, input, designEffect);
  const chance = chanceThresholds(alpha, filled, rowsEffective.reference, rowsEffective.current);
  const statistics = {
    psi: populationStabilityIndex(reference, current),
    jensenShannon: jensenShannonDistance(reference, current),
    hellinger: hellingerDistance(reference, current),
    totalVariation: totalVariation(reference, current),
    ks: order?.ks ?? null,
    cramerVonMises: order?.cramerVonMises ?? null,
    wasserstein: order?.wasserstein ?? null,
  };
  const divergenceBias = chance.psiMean / 8 / Math.LN2;
  return {
    rows,
    rowsEffective,
    designEffect,
    statistics,
    effects: {
      psi: Math.max(0, statistics.psi - chance.psiMean),
      jensenShannon: Math.sqrt(Math.max(0, statistics.jensenShannon ** 2 - divergenceBias)),
      wasserstein: order?.wassersteinEffect ?? null,
    },
    chiSquare,
    pValues: {
      chiSquare: chiSquare.pValue,
      ks: order?.pValue ?? null,
      joint: jointPValue(chiSquare.pValue, order?.pValue ?? null, filled),
    },
    chance,
    alpha,
    smallestDetectableShift: smallestDetectableShift(
      alpha,
      rowsEffective.reference,
      rowsEffective.current,
    ),
    cells: filled,
  };
}

function effectiveSizes(rows: SampleSizes, input: DriftInput, correlation: number): SampleSizes {
  const { designEffect = INDEPENDENT_ROWS, blocks } = input;
  return {
    reference: effectiveSampleSize(rows.reference, designEffect, correlation, blocks?.reference),
    current: effectiveSampleSize(rows.current, designEffect, correlation, blocks?.current),
  };
}

function filledCells(a: Float64Array, b: Float64Array): number {
  let cells = 0;
  for (let i = 0; i < a.length; i++) {
    cells += a[i]! + b[i]! > 0 ? 1 : 0;
  }
  return cells;
}

interface OrderedComparison {
  readonly ks: number;
  readonly pValue: number;
  readonly cramerVonMises: number;
  readonly wasserstein: number;
  readonly wassersteinEffect: number;
}

function orderedComparison(
  cells: { readonly reference: CellCounts; readonly current: CellCounts },
  input: DriftInput,
  designEffect: DesignEffect,
): OrderedComparison | undefined {
  const { a, b } = alignCells(cells.reference, cells.current);
  const finite = countTotals(a, b);
  if (finite.a === 0 || finite.b === 0) {
    return undefined;
  }
  const sizes = effectiveSizes(
    { reference: finite.a, current: finite.b },
    input,
    designEffect.cumulativeCorrelation,
  );
  const ks = ksFromCounts(a, b).lower;
  const { standardDeviation: sigma } = cellMoments(cells.reference);
  const [left, right] = [cellPoints(cells.reference), cellPoints(cells.current)];
  const distance = wassersteinOfPoints(left, right);
  const byChance = wassersteinByChance(left, sizes);
  // A constant reference has no σ: the scale of its grid (|median| or 1) stands in.
  const scale = sigma > 0 ? sigma : 1 / (cells.reference.grid.invScale || 1);
  return {
    ks,
    pValue: ksOnCells(ks, a, b, sizes, designEffect.degreesOfFreedom),
    cramerVonMises: cramerVonMises(a, b),
    wasserstein: distance / scale,
    wassersteinEffect: Math.sqrt(Math.max(0, distance ** 2 - byChance ** 2)) / scale,
  };
}

/**
 * p-value of D read at the borders of cells. A bridge that is looked at only there has a smaller
 * maximum: half a step √(mean cell) is added (Broadie, Glasserman and Kou give 0.58; 0.5 stays
 * conservative, checked on 2 to 64 cells). A variance known from few blocks only widens the normal
 * to Student's t.
 */
function ksOnCells(
  d: number,
  a: Float64Array,
  b: Float64Array,
  sizes: SampleSizes,
  degreesOfFreedom: number,
): number {
  const totals = countTotals(a, b);
  let meanCell = 0;
  for (let i = 0; i < a.length; i++) {
    meanCell += ((a[i]! + b[i]!) / (totals.a + totals.b)) ** 2;
  }
  if (d === 0 || meanCell >= 1) {
    return 1;
  }
  const root = Math.sqrt((sizes.reference * sizes.current) / (sizes.reference + sizes.current));
  const p = kolmogorovSurvival((root + 0.12 + 0.11 / root) * d + Math.sqrt(meanCell) / 2);
  if (degreesOfFreedom >= DEGREES_UNLIMITED || p <= 0 || p >= 1) {
    return p;
  }
  // −quantile(p/2) and not quantile(1 − p/2): the tail keeps its digits.
  return Math.min(1, 2 * studentSurvival(-normalQuantile(p / 2), degreesOfFreedom));
}

/** √(2/π) √(1/n + 1/m) ∫ √(F(1 − F)): the mean Wasserstein-1 of two samples of the reference. */
function wassersteinByChance(
  points: { readonly values: Float64Array; readonly weights: Float64Array },
  sizes: SampleSizes,
): number {
  const { values, weights } = points;
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    total += weights[i]!;
  }
  let below = 0;
  let integral = 0;
  for (let i = 0; i + 1 < values.length; i++) {
    below += weights[i]!;
    const share = below / total;
    integral += Math.sqrt(Math.max(0, share * (1 - share))) * (values[i + 1]! - values[i]!);
  }
  return integral * Math.sqrt(2 / Math.PI) * Math.sqrt(1 / sizes.reference + 1 / sizes.current);
}

/**
 * p-value of the smaller of two dependent p-values: 1 − (1 − p)^c. On B equal cells, 300 000
 * Brownian bridges at α = 0.002 give c = 1.2 (3 cells), 1.5 (5), 1.8 (10), 1.9 (32): 2 − 2.4/B
 * within 0.05.
 */
function jointPValue(chiSquare: number, ks: number | null, cells: number): number {
  if (ks === null) {
    return chiSquare;
  }
  const looks = Math.max(1, 2 - 2.4 / cells);
  return -Math.expm1(looks * Math.log1p(-Math.min(chiSquare, ks, 1)));
}
