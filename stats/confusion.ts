/** The four counts of a binary decision and what is read from them. */

/** Counts may be fractional: expected counts of a label-free estimate are. */
export interface Confusion {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
}

/**
 * @param scores of the positive class   @param labels 1 positive, anything else negative
 * @param threshold a score at or above it is a positive answer
 */
export function confusionOf(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  threshold: number,
): Confusion {
  const counts: [number, number, number, number] = [0, 0, 0, 0];
  for (let i = 0; i < scores.length; i++) {
    const cell = (scores[i]! >= threshold ? 0 : 2) + (labels[i] === 1 ? 0 : 1);
    counts[cell] = counts[cell]! + 1;
  }
  return {
    truePositives: counts[0],
    falsePositives: counts[1],
    falseNegatives: counts[2],
    trueNegatives: counts[3],
  };
}

/** Share of right answers. @see sklearn.metrics.accuracy_score; NaN for no rows */
export function accuracy(c: Confusion): number {
  const right = c.truePositives + c.trueNegatives;
  return right / (right + c.falsePositives + c.falseNegatives);
}

/** 2TP / (2TP + FP + FN). @see sklearn.metrics.f1_score; NaN without any positive */
export function f1Score(c: Confusion): number {
  return (2 * c.truePositives) / (2 * c.truePositives + c.falsePositives + c.falseNegatives);
}

/** TP / (TP + FP); NaN without a positive answer. */
export function precision(c: Confusion): number {
  return c.truePositives / (c.truePositives + c.falsePositives);
}

/** TP / (TP + FN); NaN without a positive label. */
export function recall(c: Confusion): number {
  return c.truePositives / (c.truePositives + c.falseNegatives);
}
