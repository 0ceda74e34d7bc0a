/** Exact binomial tails and the interval that inverts them: error shares, counts of few. */
import { regularizedBeta } from "./incomplete-beta.ts";

/**
 * P(X >= successes) for X ~ Binomial(trials, probability).
 * @param successes an integer >= 0   @param trials an integer >= 0   @param probability in [0, 1]
 * @see scipy.stats.binom.sf(successes - 1, trials, probability)
 */
export function binomialUpperTail(successes: number, trials: number, probability: number): number {
  if (successes <= 0) {
    return 1;
  }
  return successes > trials
    ? 0
    : regularizedBeta(probability, successes, trials - successes + 1, 1 - probability);
}

/** P(X <= successes). @see scipy.stats.binom.cdf */
export function binomialLowerTail(successes: number, trials: number, probability: number): number {
  if (successes < 0) {
    return 0;
  }
  return successes >= trials
    ? 1
    : regularizedBeta(1 - probability, trials - successes, successes + 1, probability);
}

export interface ShareInterval {
  readonly share: number;
  readonly lower: number;
  readonly upper: number;
}

/**
 * The exact (Clopper–Pearson) interval of a share.
 * @param confidence two-sided, default 0.95
 * @returns share NaN and [0, 1] where there are no trials
 * @see scipy.stats.binomtest(...).proportion_ci(method="exact")
 */
export function shareInterval(
  successes: number,
  trials: number,
  confidence: number = 0.95,
): ShareInterval {
  if (trials === 0) {
    return { share: Number.NaN, lower: 0, upper: 1 };
  }
  const tail = (1 - confidence) / 2;
  const lower = successes === 0 ? 0 : solve((p) => binomialUpperTail(successes, trials, p) < tail);
  const upper =
    successes === trials ? 1 : solve((p) => binomialLowerTail(successes, trials, p) > tail);
  return { share: successes / trials, lower, upper };
}

function solve(isBelow: (p: number) => boolean): number {
  let lower = 0;
  let upper = 1;
  for (let i = 0; i < 100 && upper - lower > 1e-16; i++) {
    const middle = (lower + upper) / 2;
    if (isBelow(middle)) {
      lower = middle;
    } else {
      upper = middle;
    }
  }
  return (lower + upper) / 2;
}
