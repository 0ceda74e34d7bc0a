/** The χ² distribution. Ours: simple-statistics has a table of a few quantiles only. */
import { poissonTerm } from "./deviance.ts";
import { upperGamma } from "./incomplete-gamma.ts";
import { invertSurvival } from "./invert-survival.ts";
import { normalQuantile } from "./normal.ts";

/**
 * P(X > x) of the χ² distribution.
 * @param x statistic; x <= 0 gives 1   @param degreesOfFreedom > 0, may be fractional
 * @see scipy.stats.chi2.sf
 */
export function chiSquareSurvival(x: number, degreesOfFreedom: number): number {
  return x <= 0 ? 1 : upperGamma(degreesOfFreedom / 2, x / 2);
}

/**
 * The x with P(X > x) = alpha.
 * @param alpha in (0, 1)
 * @throws {RangeError} if alpha is outside (0, 1)
 * @see scipy.stats.chi2.isf
 */
export function chiSquareQuantile(alpha: number, degreesOfFreedom: number): number {
  if (!(alpha > 0 && alpha < 1)) {
    throw new RangeError(`Cannot take a chi-square quantile: alpha is "${alpha}"`);
  }
  const d = degreesOfFreedom;
  // Wilson–Hilferty: two to three digits, from where Newton needs a few steps.
  const cube = 1 - 2 / (9 * d) - normalQuantile(alpha) * Math.sqrt(2 / (9 * d));
  const start = Math.max(d * cube ** 3, 1e-10);
  return invertSurvival(
    {
      survival: (x) => chiSquareSurvival(x, d),
      density: (x) => (poissonTerm(d / 2, x / 2) * d) / (2 * x),
    },
    alpha,
    start,
  );
}
