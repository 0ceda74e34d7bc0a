/**
 * Performance of a week before its labels: what metrics would be if the scores, calibrated on the version's
 * own training set, were true probabilities. It is blind to a changed world, and says so in its detail.
 */
import type { Window } from "../../contract/window.ts";
import {
  type Calibration,
  type EstimatedMetric,
  cellPoints,
  estimatePerformance,
  expectedCalibrationError,
  fitIsotonic,
} from "../../stats/index.ts";
import { versionReference } from "../../store/queries/references.ts";
import type { Evaluation, StageDeps } from "../evaluation.ts";
import type { Figure } from "../performance/metrics.ts";
import {
  type PerformanceOf,
  performanceRows,
  storePerformance,
} from "../results/store-performance.ts";
import { scoreWindow, versionsIn } from "./score-drift.ts";

const ROWS_MIN = 100;

export async function evaluateEstimates(
  evaluation: Evaluation,
  window: Window,
  atMs: number,
  deps: StageDeps,
): Promise<void> {
  const { model, document } = evaluation.context;
  if (document.task.type !== "binary") return;
  const results: PerformanceOf[] = [];
  for (const { version } of await versionsIn(model, window, deps.store)) {
    const cells = await deps.store.query(versionReference, { model, version });
    const scores = await scoreWindow(evaluation, window, version, deps.store);
    if (cells.length === 0 || scores?.kind !== "numeric" || scores.rows < ROWS_MIN) continue;
    const calibration = calibrationOfCells(cells);
    const points = cellPoints(scores.counts);
    const estimate = estimatePerformance(
      calibration,
      { scores: points.values, rows: points.weights },
      { threshold: document.task.threshold },
    );
    results.push({
      kind: "estimated",
      ...{
        tag: "",
        value: "",
        version,
        predictions: scores.rows,
        labelled: 0,
        censored: 0,
        blocks: 0,
      },
      figures: {
        log_loss: figure(estimate.logLoss),
        brier: figure(estimate.brier),
        accuracy: figure(estimate.accuracy),
        auc: figure(estimate.auc),
        positive_share: figure(estimate.positiveShare),
      },
      detail: { estimator: "cbpe", band: "three standard errors", blindTo: "a changed world" },
    });
  }
  await storePerformance(performanceRows(model, window, results), atMs, deps);
}

/** Above this error on the training set scores are no probabilities and are mapped to some. */
const CALIBRATION_ERROR_MAX = 0.1;

/**
 * Scores of a model that was fitted to probabilities stay as they are: its stored sample is the newest part
 * of the training set, and mapping to that part would bend the scores to the weather of its weeks.
 */
function calibrationOfCells(
  cells: readonly { readonly n: number; readonly score_sum: number; readonly positives: number }[],
): Calibration {
  const errorRaw = expectedCalibrationError(
    cells.map(({ n, score_sum: predicted, positives: observed }) => ({
      ...{ rows: n, predicted, observed },
    })),
  );
  const errorCalibrated = Number.NaN;
  if (errorRaw <= CALIBRATION_ERROR_MAX) {
    return { kind: "identity", reason: "one_part_only", errorRaw, errorCalibrated };
  }
  const map = fitIsotonic({
    scores: Float64Array.from(cells, ({ score_sum: sum, n }) => sum / n),
    rows: Float64Array.from(cells, ({ n }) => n),
    positives: Float64Array.from(cells, ({ positives }) => positives),
  });
  const reason = "lower_error_on_held_out";
  return { kind: "isotonic", reason, map, errorRaw, errorCalibrated };
}

const figure = ({ value, lower, upper }: EstimatedMetric): Figure => ({ value, lower, upper });
