/** Metrics of windows as rows of `performance_results`; a later evaluation of a window replaces an earlier. */
import type { Window } from "../../contract/window.ts";
import type { Store } from "../../store/client.ts";
import { performanceRevisions } from "../../store/queries/analysis-results.ts";
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
  /** Of the predictions those whose outcome is never seen. */
  readonly censored: number;
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
      censored: result.censored,
      blocks: result.blocks,
      detail: JSON.stringify(result.detail),
    })),
  );
}

export interface PerformanceRow {
  readonly model: string;
  readonly kind: "realised" | "estimated";
  readonly metric: string;
  readonly from: number;
  readonly to: number;
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
}

/**
 * Each row names the revision of its window that it replaces.
 * @param atMs model time of the evaluation, which is the revision
 */
export async function storePerformance(
  rows: readonly PerformanceRow[],
  atMs: number,
  deps: { readonly store: Store },
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const revisions = await deps.store.query(performanceRevisions, {
    model: first.model,
    fromMs: rows.reduce((least, { from }) => Math.min(least, from), first.from),
    toMs: rows.reduce((most, { to }) => Math.max(most, to), first.to),
    atMs,
  });
  const replaced = new Map(revisions.map((row) => [windowKey(row), row.replaces]));
  await deps.store.insert(
    "performance_results",
    rows.map((row) => ({
      ...row,
      evaluated: atMs,
      revision: atMs,
      replaces: replaced.get(windowKey(row)) ?? 0,
    })),
  );
}

const windowKey = (row: { readonly kind: string; readonly from: number; readonly to: number }) =>
  `${row.kind}/${row.from}/${row.to}`;
