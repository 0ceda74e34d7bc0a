/** A metric of a version on its own training set, from the counts of its reference by cell of the score. */
import { aucOfCounts, rowLogLoss, skill } from "../../stats/index.ts";

export interface ScoreCell {
  readonly cell: number;
  readonly n: number;
  readonly score_sum: number;
  readonly positives: number;
}

/** Null for a metric that the cells do not give. Every row counts as its cell's mean score. */
export function referenceMetric(metric: string, cells: readonly ScoreCell[]): number | null {
  const rows = cells.reduce((sum, { n }) => sum + n, 0);
  const positives = cells.reduce((sum, cell) => sum + cell.positives, 0);
  const mean = (of: (cell: ScoreCell, score: number) => number): number =>
    cells.reduce((sum, cell) => sum + of(cell, cell.score_sum / cell.n), 0) / rows;
  const logLoss = (): number =>
    mean(
      (cell, score) =>
        cell.positives * rowLogLoss(score, 1) + (cell.n - cell.positives) * rowLogLoss(score, 0),
    );
  switch (metric) {
    case "log_loss":
      return logLoss();
    case "skill":
      return skill(logLoss(), positives / rows);
    case "brier":
      return mean(
        (cell, score) =>
          cell.positives * (score - 1) ** 2 + (cell.n - cell.positives) * score * score,
      );
    case "auc": {
      const sorted = [...cells].sort((a, b) => a.score_sum / a.n - b.score_sum / b.n);
      return aucOfCounts(
        sorted.map((cell) => cell.positives),
        sorted.map((cell) => cell.n - cell.positives),
      );
    }
    default:
      return null;
  }
}

export function accuracyOf(cells: readonly ScoreCell[], threshold: number): number {
  const rows = cells.reduce((sum, { n }) => sum + n, 0);
  const right = cells.reduce(
    (sum, { n, score_sum, positives }) =>
      sum + (score_sum / n >= threshold ? positives : n - positives),
    0,
  );
  return right / rows;
}
