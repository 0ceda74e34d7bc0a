/** The one door of stats/: statistics as pure functions that know nothing of Driftmend. */
export { auc, aucOfCounts, aucOfSorted } from "./auc.ts";
export type { ShareInterval } from "./binomial.ts";
export { binomialLowerTail, binomialUpperTail, shareInterval } from "./binomial.ts";
export { brierScore } from "./brier.ts";
export type { Calibration } from "./calibration.ts";
export { calibrated, fitCalibration, mergeScoreCounts } from "./calibration.ts";
export type {
  EstimatedMetric,
  EstimatedPerformance,
  EstimateOptions,
  UnlabelledScores,
} from "./cbpe.ts";
export { estimatePerformance } from "./cbpe.ts";
export type { CellColumns, CellCounts, CellMoments } from "./cell-counts.ts";
export {
  alignCells,
  cellCounts,
  cellMoments,
  cellPoints,
  countCells,
  mergeCellCounts,
} from "./cell-counts.ts";
export { cellQuantile } from "./cell-quantile.ts";
export type { ChiSquareTest, RaoScott } from "./chi-square-test.ts";
export { chiSquareTest } from "./chi-square-test.ts";
export { chiSquareQuantile, chiSquareSurvival } from "./chi-square.ts";
export type { PairedBlockSum } from "./clustered-difference.ts";
export { clusteredDifference } from "./clustered-difference.ts";
export type { BlockSum, ClusteredMean, ClusteredMeanOptions } from "./clustered-mean.ts";
export { clusteredMean } from "./clustered-mean.ts";
export type { Confusion } from "./confusion.ts";
export { accuracy, confusionOf, f1Score, precision, recall } from "./confusion.ts";
export { cramerVonMises } from "./cramer-von-mises.ts";
export type { DesignEffect, DesignEffectOptions } from "./design-effect.ts";
export {
  DEGREES_UNLIMITED,
  effectiveSampleSize,
  INDEPENDENT_ROWS,
  learnDesignEffect,
  raoScott,
} from "./design-effect.ts";
export type { DriftDistances, DriftEvidence, DriftInput, SampleSizes } from "./drift-evidence.ts";
export { driftEvidence } from "./drift-evidence.ts";
export type { ChanceThresholds } from "./drift-thresholds.ts";
export { chanceThresholds, smallestDetectableShift } from "./drift-thresholds.ts";
export type { DriftRule, DriftVerdict, EffectFloors, EffectName } from "./drift-verdict.ts";
export { decideDrift, driftVerdict, EFFECT_FLOORS } from "./drift-verdict.ts";
export type { ErrorShareTest } from "./error-share.ts";
export { errorShareTest } from "./error-share.ts";
export type { FactorEstimate } from "./estimate-factor.ts";
export { estimateFactor } from "./estimate-factor.ts";
export type { ShiftGroup, ShiftWithin } from "./estimate-shift-within.ts";
export { estimateShiftWithin } from "./estimate-shift-within.ts";
export type { ShiftEstimate, ShiftOptions } from "./estimate-shift.ts";
export { estimateShift } from "./estimate-shift.ts";
export type { BreakExplanation, BreakInput } from "./explain-break.ts";
export { explainBreak } from "./explain-break.ts";
export { fSurvival } from "./f-distribution.ts";
export type { CellBounds, Grid } from "./grid.ts";
export {
  CELL_MINUS_INFINITY,
  CELL_NAN,
  CELL_PLUS_INFINITY,
  cellBounds,
  cellOf,
  cellRank,
  isNonFiniteCell,
  learnGrid,
  NO_GRID,
  snapToCellBorder,
} from "./grid.ts";
export { hellingerDistance } from "./hellinger.ts";
export type {
  CategoryCounts,
  CategoryHistogram,
  Histogram,
  HistogramLimits,
  NumericHistogram,
} from "./histogram.ts";
export {
  categoryHistogram,
  numericHistogram,
  projectCategories,
  projectCells,
} from "./histogram.ts";
export { regularizedBeta } from "./incomplete-beta.ts";
export { lowerGamma, upperGamma } from "./incomplete-gamma.ts";
export type { IsotonicMap, ScoreCounts } from "./isotonic.ts";
export { countScores, fitIsotonic, isotonicAt } from "./isotonic.ts";
export { jensenShannonDistance, jensenShannonDivergence } from "./jensen-shannon.ts";
export { kolmogorovQuantile, kolmogorovSurvival } from "./kolmogorov.ts";
export type { KsBound } from "./ks.ts";
export { ksFromCounts, ksPValue, ksStatistic } from "./ks.ts";
export { logGamma } from "./log-gamma.ts";
export { entropy, logLoss, PROBABILITY_MIN, rowLogLoss, skill } from "./log-loss.ts";
export type { DifferenceSums, SequentialTest } from "./msprt.ts";
export { rowsForDifference, sequentialTest } from "./msprt.ts";
export { benjaminiHochberg, holm } from "./multiple-testing.ts";
export { normalCdf, normalQuantile, normalSurvival } from "./normal.ts";
export { poissonLowerTail, poissonUpperTail } from "./poisson.ts";
export { populationStabilityIndex } from "./psi.ts";
export { quantileOfSorted } from "./quantile.ts";
export type { MergedCounts } from "./rare-cells.ts";
export { mergeRareCells } from "./rare-cells.ts";
export type { ReliabilityCell } from "./reliability.ts";
export {
  calibrationInTheLarge,
  expectedCalibrationError,
  reliabilityTable,
} from "./reliability.ts";
export { splitScoreCounts } from "./split-score-counts.ts";
export { studentQuantile, studentSurvival } from "./student-t.ts";
export { totalVariation } from "./total-variation.ts";
export type { SlotHistory, TrafficPlausibility } from "./traffic.ts";
export { learnDispersion, trafficPlausibility } from "./traffic.ts";
export type { Undoing } from "./undoing.ts";
export type { ValueCounts } from "./value-counts.ts";
export { countValues, rowsOf } from "./value-counts.ts";
export type { PointMasses } from "./wasserstein.ts";
export { wassersteinDistance, wassersteinOfPoints } from "./wasserstein.ts";
