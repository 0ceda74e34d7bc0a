/** The Brier score: mean squared distance of probability and outcome. */

/**
 * @param probabilities of the positive class   @param labels 1 or 0, same length
 * @returns in [0, 1]; NaN for no rows
 * @throws {RangeError} if the lengths differ
 * @see sklearn.metrics.brier_score_loss
 */
export function brierScore(
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
    sum += weight * (probabilities[i]! - labels[i]!) ** 2;
    total += weight;
  }
  return sum / total;
}
