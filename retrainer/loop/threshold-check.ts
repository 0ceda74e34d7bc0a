/** A threshold trigger: the newest windows of a metric against a limit, and the metric on the reference. */
import type { Threshold } from "../../contract/threshold.ts";
import type { Finding } from "../policy/decide.ts";
import { type WindowFigure, thresholdFindingOf } from "../policy/threshold.ts";
import { accuracyOf, referenceMetric } from "../policy/reference-metric.ts";
import { metricWindows } from "../../store/queries/retraining.ts";
import { versionReference } from "../../store/queries/references.ts";
import type { ModelContext, RetrainerDeps } from "./deps.ts";

const LOOK_BACK_MS = 120 * 86_400_000;

/** Windows as long as the model's season (a week unless it says otherwise), else the shortest; oldest first. */
export async function windowsOf(
  context: ModelContext,
  threshold: Threshold,
  throughMs: number,
  deps: RetrainerDeps,
): Promise<readonly WindowFigure[]> {
  const found = await deps.store.query(metricWindows, {
    model: context.model,
    metric: threshold.metric,
    afterMs: throughMs - LOOK_BACK_MS,
    throughMs,
  });
  const { season } = context.document.reference;
  const lengths = found.map(({ fromMs, toMs }) => toMs - fromMs);
  const wanted = lengths.includes(season) ? season : Math.min(...lengths);
  return found.filter(
    ({ fromMs, toMs, value }) => toMs - fromMs === wanted && Number.isFinite(value),
  );
}

/** What the windows up to and including the last one given say. */
export async function thresholdFinding(
  context: ModelContext,
  threshold: Threshold,
  windows: readonly WindowFigure[],
  deps: RetrainerDeps,
): Promise<Finding> {
  const baseline = threshold.ofBaseline ? await baselineOf(context, threshold, deps) : null;
  return thresholdFindingOf(threshold, windows, baseline);
}

async function baselineOf(
  context: ModelContext,
  threshold: Threshold,
  deps: RetrainerDeps,
): Promise<number | null> {
  const { model, document } = context;
  const champion = deps.journal.registry.champion(model);
  if (champion === null) return null;
  const cells = await deps.store.query(versionReference, { model, version: champion.version });
  const value =
    threshold.metric === "accuracy"
      ? accuracyOf(cells, document.task.threshold)
      : referenceMetric(threshold.metric, cells);
  return value !== null && Number.isFinite(value) ? value : null;
}
