/**
 * Confidence-based performance estimation: what metrics would be if calibrated scores were true
 * probabilities, before any label has come. Invariant: plain sums over counts per score, so it
 * streams and windows add up. It sees changes of inputs only: where the world changed (concept
 * drift), it is blind.
 */
import type { Calibration } from "./calibration.ts";
import { calibrated } from "./calibration.ts";
import type { Confusion } from "./confusion.ts";
import { accuracy, f1Score } from "./confusion.ts";
import { rowLogLoss } from "./log-loss.ts";

/** Rows per score of a window without labels, scores ascending. */
export interface UnlabelledScores {
  readonly scores: Float64Array;
  readonly rows: Float64Array;
}

export interface EstimatedMetric {
  readonly value: number;
  /** Of sampling rows and labels of this many effective rows; not of the calibration itself. */
  readonly standardError: number;
  readonly lower: number;
  readonly upper: number;
}

export interface EstimatedPerformance {
  readonly logLoss: EstimatedMetric;
  readonly brier: EstimatedMetric;
  readonly accuracy: EstimatedMetric;
  readonly f1: EstimatedMetric;
  readonly auc: EstimatedMetric;
  /** Expected share of positives. */
  readonly positiveShare: EstimatedMetric;
  /** Expected counts at the threshold. */
  readonly confusion: Confusion;
  readonly rows: number;
}

export interface EstimateOptions {
  /** A score at or above it is a positive answer; default 0.5. */
  readonly threshold?: number;
  /** Standard errors on each side of the band; default 3, as NannyML. */
  readonly bandErrors?: number;
  /** Rows are worth that many times less; default 1. */
  readonly designEffect?: number;
}

/**
 * Estimated performance of one window.
 * @param window at least one row
 * @throws {RangeError} if there are no rows
 */
export function estimatePerformance(
  calibration: Calibration,
  window: UnlabelledScores,
  options: EstimateOptions = {},
): EstimatedPerformance {
  const { threshold = 0.5, bandErrors = 3, designEffect = 1 } = options;
  const { scores, rows } = window;
  const probabilities = scores.map((score) => calibrated(calibration, score));
  const positives = probabilities.map((p, i) => p * rows[i]!);
  const negatives = probabilities.map((p, i) => (1 - p) * rows[i]!);
  const total = rows.reduce((sum, count) => sum + count, 0);
  if (!(total > 0)) {
    throw new RangeError("Cannot estimate performance of a window: it has no rows");
  }
  const effective = total / designEffect;
  const band = ({ value, variance }: Moment): EstimatedMetric => {
    const standardError = Math.sqrt(variance / effective);
    const reach = bandErrors * standardError;
    return { value, standardError, lower: value - reach, upper: value + reach };
  };
  const mean = (loss: (score: number, label: number) => number): Moment =>
    expectedLoss(loss, scores, positives, negatives, total);
  const confusion = expectedConfusion(scores, positives, negatives, threshold);
  return {
    logLoss: band(mean(rowLogLoss)),
    brier: band(mean((score, label) => (score - label) ** 2)),
    accuracy: band(bernoulli(accuracy(confusion))),
    f1: band(f1Moment(confusion, total)),
    auc: band(aucMoment(positives, negatives, total)),
    positiveShare: band(mean((_, label) => label)),
    confusion,
    rows: total,
  };
}

/** A metric with the variance of one row. */
interface Moment {
  readonly value: number;
  readonly variance: number;
}

function bernoulli(share: number): Moment {
  return { value: share, variance: share * (1 - share) };
}

function expectedLoss(
  loss: (score: number, label: number) => number,
  scores: Float64Array,
  positives: Float64Array,
  negatives: Float64Array,
  total: number,
): Moment {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < scores.length; i++) {
    const ifPositive = loss(scores[i]!, 1);
    const ifNegative = loss(scores[i]!, 0);
    sum += positives[i]! * ifPositive + negatives[i]! * ifNegative;
    squares += positives[i]! * ifPositive ** 2 + negatives[i]! * ifNegative ** 2;
  }
  const value = sum / total;
  return { value, variance: Math.max(0, squares / total - value * value) };
}

function expectedConfusion(
  scores: Float64Array,
  positives: Float64Array,
  negatives: Float64Array,
  threshold: number,
): Confusion {
  let truePositives = 0;
  let falsePositives = 0;
  let falseNegatives = 0;
  let trueNegatives = 0;
  for (let i = 0; i < scores.length; i++) {
    if (scores[i]! >= threshold) {
      truePositives += positives[i]!;
      falsePositives += negatives[i]!;
    } else {
      falseNegatives += positives[i]!;
      trueNegatives += negatives[i]!;
    }
  }
  return { truePositives, falsePositives, falseNegatives, trueNegatives };
}

/** Delta method on the multinomial shares of TP and of FP + FN. */
function f1Moment(confusion: Confusion, total: number): Moment {
  const hit = confusion.truePositives / total;
  const miss = (confusion.falsePositives + confusion.falseNegatives) / total;
  const square = (2 * hit + miss) ** 2;
  const byHit = (2 * miss) / square;
  const byMiss = (-2 * hit) / square;
  const variance =
    byHit ** 2 * hit * (1 - hit) +
    byMiss ** 2 * miss * (1 - miss) -
    2 * byHit * byMiss * hit * miss;
  return { value: f1Score(confusion), variance: Math.max(0, variance) };
}

/**
 * DeLong's variance from expected counts: placements of positives among negatives and the reverse.
 */
function aucMoment(positives: Float64Array, negatives: Float64Array, total: number): Moment {
  const positiveTotal = positives.reduce((sum, count) => sum + count, 0);
  const negativeTotal = total - positiveTotal;
  let value = 0;
  let ofPositives = 0;
  let ofNegatives = 0;
  let negativesBelow = 0;
  let positivesBelow = 0;
  for (let i = 0; i < positives.length; i++) {
    const placed = (negativesBelow + negatives[i]! / 2) / negativeTotal;
    const beaten = 1 - (positivesBelow + positives[i]! / 2) / positiveTotal;
    value += (positives[i]! / positiveTotal) * placed;
    ofPositives += (positives[i]! / positiveTotal) * placed ** 2;
    ofNegatives += (negatives[i]! / negativeTotal) * beaten ** 2;
    negativesBelow += negatives[i]!;
    positivesBelow += positives[i]!;
  }
  const variance =
    (total / positiveTotal) * (ofPositives - value ** 2) +
    (total / negativeTotal) * (ofNegatives - value ** 2);
  return { value, variance: Math.max(0, variance) };
}
