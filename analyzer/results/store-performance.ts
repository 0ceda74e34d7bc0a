/** Metrics of windows as rows of `performance_results`; a later evaluation of a window replaces an earlier. */
import type { Window } from "../../contract/window.ts";
import type { Store } from "../../store/client.ts";
import type { Figure, WindowMetrics } from "../performance/metrics.ts";

export interface PerformanceOf {
  readonly kind: "realised" | "estimated";
  readonly tag: string;
  readonly value: string;
  /** Empty: all versions. */
  readonly version: string;
  /** Predictions in the window; labelled or not. */
  readonly predictions: number;
  readonly labelled: number;
  readonly blocks: number;
  readonly figures: Readonly<Record<string, Figure>>;
  readonly detail: object;
}

/** The figures of realised metrics by the names of the onboarding document. */
export function realisedFigures(metrics: WindowMetrics): Record<string, Figure> {
  return {
    log_loss: metrics.logLoss,
    skill: metrics.skill,
    brier: metrics.brier,
    auc: metrics.auc,
    accuracy: metrics.accuracy,
    calibration: metrics.calibration,
  };
}

/** Rows without the time of evaluation: what is compared to see whether anything changed. */
export function performanceRows(
  model: string,
  window: Window,
  results: readonly PerformanceOf[],
): readonly PerformanceRow[] {
  return results.flatMap((result) =>
    Object.entries(result.figures).map(([metric, { value, lower, upper }]) => ({
      model,
      kind: result.kind,
      metric,
      from: window.fromMs,
      to: window.toMs,
      segment_tag: result.tag,
      segment_value: result.value,
      version: result.version,
      value,
      lower,
      upper,
      n: result.predictions,
      labelled: result.labelled,
      blocks: result.blocks,
      detail: JSON.stringify(result.detail),
    })),
  );
}

export interface PerformanceRow {
  readonly model: string;
  readonly metric: string;
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
}

/** @param atMs model time of the evaluation, which is the revision */
export async function storePerformance(
  rows: readonly PerformanceRow[],
  atMs: number,
  deps: { readonly store: Store },
): Promise<void> {
  await deps.store.insert(
    "performance_results",
    rows.map((row) => ({ ...row, evaluated: atMs, revision: atMs })),
  );
}
