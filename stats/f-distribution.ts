/** The F distribution: Rao–Scott tests whose design effect was itself estimated. */
import { chiSquareSurvival } from "./chi-square.ts";
import { regularizedBeta } from "./incomplete-beta.ts";

/**
 * P(F > f).
 * @param numerator degrees of freedom, > 0
 * @param denominator degrees of freedom, > 0; from 1e8 on it is χ²/numerator to 1e-7
 * @see scipy.stats.f.sf
 */
export function fSurvival(f: number, numerator: number, denominator: number): number {
  if (f <= 0) {
    return 1;
  }
  if (denominator >= 1e8) {
    return chiSquareSurvival(f * numerator, numerator);
  }
  const part = numerator * f;
  const x = denominator / (denominator + part);
  const y = part / (denominator + part);
  return regularizedBeta(x, denominator / 2, numerator / 2, y);
}
