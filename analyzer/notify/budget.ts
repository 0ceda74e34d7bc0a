/**
 * The budget of a model's statistical alerts: so many may notify in such a span of model time. What is over
 * it is told by a digest, and stays in the list. Failures of the service have no budget.
 */
import type { AlertKind, AlertSeverity } from "../../contract/alert.ts";
import { isStatistical } from "./notice.ts";

export interface BudgetLimit {
  readonly severity: "page" | "ticket";
  readonly count: number;
  readonly spanMs: number;
}

/** An alert of the same model and severity that notified at model time `atMs`. */
export interface Spent {
  readonly alertId: string;
  readonly atMs: number;
}

export type BudgetVerdict =
  | { readonly kind: "free" }
  | { readonly kind: "within"; readonly used: number }
  | { readonly kind: "over"; readonly reason: string };

/** @param spent what was told before within the budget, of this model and severity */
export function judgeBudget(
  alert: {
    readonly alertId: string;
    readonly kind: AlertKind;
    readonly severity: AlertSeverity;
    readonly atMs: number;
  },
  limits: readonly BudgetLimit[],
  spent: readonly Spent[],
): BudgetVerdict {
  if (!isStatistical(alert.kind)) return { kind: "free" };
  let used = 0;
  let bound = false;
  for (const limit of limits.filter(({ severity }) => severity === alert.severity)) {
    bound = true;
    used = spent.filter(
      ({ alertId, atMs }) =>
        alertId !== alert.alertId && Math.abs(alert.atMs - atMs) < limit.spanMs,
    ).length;
    if (used >= limit.count) {
      const days = Math.round((limit.spanMs / 86_400_000) * 10) / 10;
      const reason = `over the budget of ${limit.count} ${limit.severity}${limit.count === 1 ? "" : "s"} in ${days} days`;
      return { kind: "over", reason };
    }
  }
  return bound ? { kind: "within", used: used + 1 } : { kind: "free" };
}
