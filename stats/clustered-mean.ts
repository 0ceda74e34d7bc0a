/**
 * Means of rows that are dependent within blocks of time. Rows of a day share their weather, so the
 * block, not the row, is the unit of evidence: i.i.d. errors on the flights are 17 times too small.
 * Invariant: only sums per block go in, and one block alone proves nothing (an infinite interval).
 */
import { mean as meanOf, sampleStandardDeviation } from "simple-statistics";
import { studentQuantile, studentSurvival } from "./student-t.ts";

/** One block of time: the sum of the figure over its rows, and the number of rows. */
export interface BlockSum {
  readonly sum: number;
  readonly rows: number;
}

export interface ClusteredMean {
  readonly mean: number;
  /** Infinity with fewer than two blocks. */
  readonly standardError: number;
  /** Two-sided interval at `confidence`. */
  readonly lower: number;
  readonly upper: number;
  /** One-sided bounds at the same confidence: mean > lowerBound, mean < upperBound. */
  readonly lowerBound: number;
  readonly upperBound: number;
  readonly degreesOfFreedom: number;
  /** (mean − hypothesis) / standardError. */
  readonly t: number;
  /** Two-sided p-value of mean = hypothesis. */
  readonly pValue: number;
  readonly blocks: number;
  readonly rows: number;
}

export interface ClusteredMeanOptions {
  /**
   * `rows` (default): the ratio estimator Σsum/Σrows. `blocks`: the plain mean of the block means.
   */
  readonly weighting?: "rows" | "blocks";
  /** Default 0.95. */
  readonly confidence?: number;
  /** What t and pValue compare with; default 0. */
  readonly hypothesis?: number;
}

/**
 * Mean and t-interval of a figure clustered by block, K − 1 degrees of freedom.
 * rows:   mean = Σs/Σn,   SE² = K/(K−1) · Σ(s_b − mean·n_b)² / (Σn)²  (CR1 sandwich of a constant)
 * blocks: mean = avg(s_b/n_b),  SE = standard deviation of the block means / √K
 * @param blocks blocks without rows are left out
 * @returns NaN mean where there is no row; the infinite interval with one block
 * @see statsmodels OLS(y, 1).fit(cov_type="cluster", use_t=True), which `rows` equals
 */
export function clusteredMean(
  blocks: readonly BlockSum[],
  options: ClusteredMeanOptions = {},
): ClusteredMean {
  const filled = blocks.filter((block) => block.rows > 0);
  const rows = filled.reduce((total, block) => total + block.rows, 0);
  const estimate =
    options.weighting === "blocks" ? meanOfBlockMeans(filled) : ratioOfSums(filled, rows);
  return interval(estimate, filled.length, rows, options);
}

interface Estimate {
  readonly mean: number;
  readonly standardError: number;
}

function ratioOfSums(blocks: readonly BlockSum[], rows: number): Estimate {
  const mean = blocks.reduce((total, block) => total + block.sum, 0) / rows;
  let squares = 0;
  for (const block of blocks) {
    squares += (block.sum - mean * block.rows) ** 2;
  }
  const count = blocks.length;
  return { mean, standardError: Math.sqrt((count / (count - 1)) * squares) / rows };
}

function meanOfBlockMeans(blocks: readonly BlockSum[]): Estimate {
  const means = blocks.map((block) => block.sum / block.rows);
  if (means.length < 2) {
    return { mean: means[0] ?? Number.NaN, standardError: Number.POSITIVE_INFINITY };
  }
  return {
    mean: meanOf(means),
    standardError: sampleStandardDeviation(means) / Math.sqrt(means.length),
  };
}

function interval(
  estimate: Estimate,
  blocks: number,
  rows: number,
  options: ClusteredMeanOptions,
): ClusteredMean {
  const { confidence = 0.95, hypothesis = 0 } = options;
  const { mean } = estimate;
  if (blocks < 2) {
    return {
      mean,
      standardError: Number.POSITIVE_INFINITY,
      lower: Number.NEGATIVE_INFINITY,
      upper: Number.POSITIVE_INFINITY,
      lowerBound: Number.NEGATIVE_INFINITY,
      upperBound: Number.POSITIVE_INFINITY,
      degreesOfFreedom: 0,
      t: 0,
      pValue: 1,
      blocks,
      rows,
    };
  }
  const { standardError } = estimate;
  const degreesOfFreedom = blocks - 1;
  const twoSided = studentQuantile((1 + confidence) / 2, degreesOfFreedom) * standardError;
  const oneSided = studentQuantile(confidence, degreesOfFreedom) * standardError;
  const gap = mean - hypothesis;
  const t = gap === 0 ? 0 : gap / standardError;
  return {
    mean,
    standardError,
    lower: mean - twoSided,
    upper: mean + twoSided,
    lowerBound: mean - oneSided,
    upperBound: mean + oneSided,
    degreesOfFreedom,
    t,
    pValue: Math.min(1, 2 * studentSurvival(Math.abs(t), degreesOfFreedom)),
    blocks,
    rows,
  };
}
