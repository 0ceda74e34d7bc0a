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
    const calibration: Calibration = {
      kind: "isotonic",
      reason: "lower_error_on_held_out",
      map: fitIsotonic({
        scores: Float64Array.from(cells, ({ score_sum: sum, n }) => sum / n),
        rows: Float64Array.from(cells, ({ n }) => n),
        positives: Float64Array.from(cells, ({ positives }) => positives),
      }),
      errorRaw: Number.NaN,
      errorCalibrated: Number.NaN,
    };
    const points = cellPoints(scores.counts);
    const estimate = estimatePerformance(
      calibration,
      { scores: points.values, rows: points.weights },
      { threshold: document.task.threshold },
    );
    results.push({
      kind: "estimated",
      ...{ tag: "", value: "", version, predictions: scores.rows, labelled: 0, blocks: 0 },
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

const figure = ({ value, lower, upper }: EstimatedMetric): Figure => ({ value, lower, upper });
