/**
 * The mixture sequential probability ratio test: a test of a mean difference that may be looked at
 * after every row. A daily z-test looked at for 30 days rejects 29 % under no difference; this
 * stays at alpha.
 */
import { normalQuantile } from "./normal.ts";

/** Running sums of paired differences (challenger − champion). */
export interface DifferenceSums {
  readonly rows: number;
  readonly sum: number;
  readonly sumOfSquares: number;
}

export interface SequentialTest {
  readonly mean: number;
  /** ln of the likelihood ratio of a difference ~ N(0, τ²) against none. */
  readonly logLikelihoodRatio: number;
  /** min(1, 1/Λ) at this look; the valid p-value of a run is the least over its looks. */
  readonly pValue: number;
  /** Interval that covers the difference at all looks together with probability 1 − alpha. */
  readonly lower: number;
  readonly upper: number;
}

/**
 * One look.
 * Λ = √(σ²/(σ² + nτ²)) · exp(n²τ²d̄² / (2σ²(σ² + nτ²)))
 * @param tau standard deviation of the differences that one expects, > 0; 0.02 for log-loss
 * @param alpha of the interval; default 0.05
 * @param designEffect rows are worth that many times less; default 1
 * @returns nothing known (p = 1, an infinite interval) below two rows or without variance
 * @throws {RangeError} if tau is not positive
 * @see Johari, Pekelis and Walsh (2015), "Always valid inference"
 */
export function sequentialTest(
  sums: DifferenceSums,
  tau: number,
  alpha: number = 0.05,
  designEffect: number = 1,
): SequentialTest {
  if (!(tau > 0)) {
    throw new RangeError(`Cannot test sequentially: tau is "${tau}"`);
  }
  const mean = sums.sum / sums.rows;
  const variance = (sums.sumOfSquares - sums.rows * mean * mean) / (sums.rows - 1);
  if (!(sums.rows >= 2) || !(variance > 0)) {
    return {
      mean,
      logLikelihoodRatio: 0,
      pValue: 1,
      lower: Number.NEGATIVE_INFINITY,
      upper: Number.POSITIVE_INFINITY,
    };
  }
  const n = sums.rows / designEffect;
  const spread = variance + n * tau * tau;
  const logLikelihoodRatio =
    0.5 * Math.log(variance / spread) + (n * n * tau * tau * mean * mean) / (2 * variance * spread);
  const reach = Math.sqrt(
    ((2 * variance * spread) / (n * n * tau * tau)) *
      (-Math.log(alpha) + 0.5 * Math.log(spread / variance)),
  );
  return {
    mean,
    logLikelihoodRatio,
    pValue: Math.min(1, Math.exp(-logLikelihoodRatio)),
    lower: mean - reach,
    upper: mean + reach,
  };
}

/**
 * Rows after which a fixed-size two-sided z-test at alpha would see this difference with this
 * power: what a sequential run costs about twice of.
 */
export function rowsForDifference(
  difference: number,
  standardDeviation: number,
  alpha: number = 0.05,
  power: number = 0.8,
): number {
  const z = normalQuantile(1 - alpha / 2) + normalQuantile(power);
  return Math.ceil(((z * standardDeviation) / difference) ** 2);
}
