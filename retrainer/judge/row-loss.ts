/** What a wrong answer costs, by the primary metric: lower is better for every one of them. */
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import { rowLogLoss } from "../../stats/index.ts";

export type PrimaryMetric = OnboardingDocument["quality"]["primary"];

/** Loss of one row: `answer` is the score or the value, `target` 1 or 0, or the true value. */
export type RowLoss = (answer: number, target: number) => number;

export interface Loss {
  /** What the differences are called in texts and numbers. */
  readonly name: string;
  /** Null where the metric is one of a block, not of a row: AUC. */
  readonly ofRow: RowLoss | null;
}

/**
 * Skill is judged by log-loss: on the same rows both are divided by the same entropy. RMSE is judged by
 * the squared error, whose mean it is the root of.
 */
export function lossOf(primary: PrimaryMetric, threshold: number): Loss {
  switch (primary) {
    case "skill":
    case "log_loss":
      return { name: "log-loss", ofRow: rowLogLoss };
    case "brier":
      return { name: "Brier score", ofRow: (answer, target) => (answer - target) ** 2 };
    case "accuracy":
      return {
        name: "error share",
        ofRow: (answer, target) => (answer >= threshold === (target === 1) ? 0 : 1),
      };
    case "mae":
      return { name: "absolute error", ofRow: (answer, target) => Math.abs(answer - target) };
    case "rmse":
      return { name: "squared error", ofRow: (answer, target) => (answer - target) ** 2 };
    case "auc":
      return { name: "1 − AUC", ofRow: null };
  }
}
