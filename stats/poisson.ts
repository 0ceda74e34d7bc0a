/** Exact Poisson tails: counts of rare things in an interval. */
import { lowerGamma, upperGamma } from "./incomplete-gamma.ts";

/** P(X >= count) for X ~ Poisson(mean). @see scipy.stats.poisson.sf(count - 1, mean) */
export function poissonUpperTail(count: number, mean: number): number {
  return count <= 0 ? 1 : lowerGamma(count, mean);
}

/** P(X <= count). @see scipy.stats.poisson.cdf */
export function poissonLowerTail(count: number, mean: number): number {
  return count < 0 ? 0 : upperGamma(Math.floor(count) + 1, mean);
}
