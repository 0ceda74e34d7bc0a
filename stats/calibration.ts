/**
 * Calibration of scores on labelled reference data, kept only if it helps on data that it has not
 * seen. Invariant: the gate compares on held-out parts, or isotonic regression would always win.
 */
import { clusteredMean } from "./clustered-mean.ts";
import type { IsotonicMap, ScoreCounts } from "./isotonic.ts";
import { fitIsotonic, isotonicAt } from "./isotonic.ts";

export type Calibration =
  | {
      readonly kind: "isotonic";
      readonly reason: "lower_error_on_held_out";
      readonly map: IsotonicMap;
      readonly errorRaw: number;
      readonly errorCalibrated: number;
    }
  | {
      readonly kind: "identity";
      readonly reason: "no_lower_error_on_held_out" | "one_part_only";
      readonly errorRaw: number;
      readonly errorCalibrated: number;
    };

/**
 * Fits an isotonic map on all parts, if its expected calibration error is smaller beyond chance
 * (one-sided 95 % over the parts) when each part is predicted from the others.
 * @param parts counts of disjoint parts of the reference (folds of rows, or its days), at least one
 * row
 * @see NannyML's needs_calibration, which draws ten stratified splits instead
 */
export function fitCalibration(parts: readonly ScoreCounts[]): Calibration {
  const filled = parts.filter((part) => part.rows.some((rows) => rows > 0));
  if (filled.length < 2) {
    const errorRaw = filled[0] === undefined ? Number.NaN : equalCountError(filled[0], (s) => s);
    return { kind: "identity", reason: "one_part_only", errorRaw, errorCalibrated: Number.NaN };
  }
  const errors = filled.map((held, index) => {
    const map = fitIsotonic(mergeScoreCounts(filled.filter((_, other) => other !== index)));
    return {
      raw: equalCountError(held, (score) => score),
      calibrated: equalCountError(held, (score) => isotonicAt(map, score)),
    };
  });
  const errorRaw = errors.reduce((sum, error) => sum + error.raw, 0) / errors.length;
  const errorCalibrated = errors.reduce((sum, error) => sum + error.calibrated, 0) / errors.length;
  const gain = clusteredMean(
    errors.map((error) => ({ sum: error.raw - error.calibrated, rows: 1 })),
  );
  return gain.lowerBound > 0
    ? {
        kind: "isotonic",
        reason: "lower_error_on_held_out",
        map: fitIsotonic(mergeScoreCounts(filled)),
        errorRaw,
        errorCalibrated,
      }
    : { kind: "identity", reason: "no_lower_error_on_held_out", errorRaw, errorCalibrated };
}

/** The probability that a calibration gives to a score. */
export function calibrated(calibration: Calibration, score: number): number {
  switch (calibration.kind) {
    case "isotonic":
      return isotonicAt(calibration.map, score);
    case "identity":
      return score;
  }
}

/** Sums of parts, per distinct score. */
export function mergeScoreCounts(parts: readonly ScoreCounts[]): ScoreCounts {
  const sums = new Map<number, { rows: number; positives: number }>();
  for (const part of parts) {
    part.scores.forEach((score, i) => {
      const sum = sums.get(score) ?? { rows: 0, positives: 0 };
      sum.rows += part.rows[i]!;
      sum.positives += part.positives[i]!;
      sums.set(score, sum);
    });
  }
  const scores = Float64Array.from(sums.keys()).sort();
  return {
    scores,
    rows: scores.map((score) => sums.get(score)!.rows),
    positives: scores.map((score) => sums.get(score)!.positives),
  };
}

const EQUAL_COUNT_BINS = 10;

/**
 * Expected calibration error on ten bins of equal count; a score that straddles a border is split.
 */
function equalCountError(counts: ScoreCounts, predict: (score: number) => number): number {
  let total = 0;
  for (let i = 0; i < counts.rows.length; i++) {
    total += counts.rows[i]!;
  }
  const perBin = total / EQUAL_COUNT_BINS;
  let error = 0;
  let gap = 0;
  let space = perBin;
  for (let i = 0; i < counts.rows.length; i++) {
    let rows = counts.rows[i]!;
    const perRow = rows === 0 ? 0 : counts.positives[i]! / rows - predict(counts.scores[i]!);
    while (rows >= space) {
      error += Math.abs(gap + perRow * space);
      rows -= space;
      gap = 0;
      space = perBin;
    }
    gap += perRow * rows;
    space -= rows;
  }
  return (error + Math.abs(gap)) / total;
}
