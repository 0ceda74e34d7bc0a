/** A metric's level on the reference: the serving version's own training set, from its stored scores. */
import type { Window } from "../../contract/window.ts";
import { rowLogLoss, skill } from "../../stats/index.ts";
import { versionReference } from "../../store/queries/references.ts";
import type { Evaluation, StageDeps } from "../evaluation.ts";
import { versionsIn } from "./score-drift.ts";

/** NaN where nobody stored the version's scores, or the metric cannot be read off them. */
export async function baselineOf(
  evaluation: Evaluation,
  window: Window,
  metric: string,
  deps: StageDeps,
): Promise<number> {
  const { model, document } = evaluation.context;
  const serving = (await versionsIn(model, window, deps.store))[0];
  if (serving === undefined) return Number.NaN;
  const cells = await deps.store.query(versionReference, { model, version: serving.version });
  const total = cells.reduce((sum, { n }) => sum + n, 0);
  const positives = cells.reduce((sum, cell) => sum + cell.positives, 0);
  const mean = (loss: (score: number, label: 0 | 1) => number): number =>
    cells.reduce((sum, cell) => {
      const score = cell.score_sum / cell.n;
      const ifNegative = (cell.n - cell.positives) * loss(score, 0);
      return sum + cell.positives * loss(score, 1) + ifNegative;
    }, 0) / total;
  if (total === 0) return Number.NaN;
  switch (metric) {
    case "log_loss":
      return mean(rowLogLoss);
    case "skill":
      return skill(mean(rowLogLoss), positives / total);
    case "brier":
      return mean((score, label) => (score - label) ** 2);
    case "accuracy":
      return mean((score, label) => (score >= document.task.threshold === (label === 1) ? 1 : 0));
    default:
      return Number.NaN;
  }
}
