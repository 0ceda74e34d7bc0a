/**
 * Log-loss, the entropy of a base rate, and skill, which puts one in units of the other: raw
 * log-loss mostly is the base rate (correlation 0.97 on the flights), skill is not.
 */

/**
 * Probabilities are clipped to [1e-15, 1 − 1e-15], so that one wrong certainty costs 34.5, not ∞.
 */
export const PROBABILITY_MIN = 1e-15;

/**
 * Loss of one prediction in nats.
 * @param probability of the positive class, in [0, 1]; clipped at 1e-15
 * @param label 1 or 0 (any share between gives the expected loss)
 */
export function rowLogLoss(probability: number, label: number): number {
  const p = Math.min(Math.max(probability, PROBABILITY_MIN), 1 - PROBABILITY_MIN);
  // Each logarithm is taken only where it counts: 0 · ln would do, but costs half of the time.
  if (label === 1) {
    return -Math.log(p);
  }
  return label === 0 ? -Math.log1p(-p) : -label * Math.log(p) - (1 - label) * Math.log1p(-p);
}

/**
 * Mean log-loss in nats.
 * @param probabilities of the positive class   @param labels 1 or 0, same length
 * @param weights optional, same length
 * @returns NaN for no rows
 * @throws {RangeError} if the lengths differ
 * @see sklearn.metrics.log_loss on the clipped probabilities
 */
export function logLoss(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  weights?: ArrayLike<number>,
): number {
  if (probabilities.length !== labels.length) {
    throw new RangeError(
      `Cannot pair probabilities with labels: lengths are ${probabilities.length} and ` +
        `${labels.length}`,
    );
  }
  let sum = 0;
  let total = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const weight = weights === undefined ? 1 : weights[i]!;
    sum += weight * rowLogLoss(probabilities[i]!, labels[i]!);
    total += weight;
  }
  return sum / total;
}

/**
 * Entropy of a base rate in nats: the log-loss of always answering it.
 * @param share of positives, in [0, 1]
 */
export function entropy(share: number): number {
  if (share <= 0 || share >= 1) {
    return Number.isNaN(share) ? Number.NaN : 0;
  }
  return -share * Math.log(share) - (1 - share) * Math.log1p(-share);
}

/**
 * Skill = 1 − log-loss / entropy of the window's own base rate: 1 perfect, 0 no better than the
 * rate.
 * @returns NaN where the window has one class only: there is nothing to be skilful about
 */
export function skill(loss: number, positiveShare: number): number {
  const base = entropy(positiveShare);
  return base > 0 ? 1 - loss / base : Number.NaN;
}
