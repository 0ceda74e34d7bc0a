/**
 * Where the evaluation of a model without a checkpoint begins: with the first day of its traffic, but not
 * further back than stated. Without traffic there is nothing to begin with.
 */
import { LIMITS } from "../contract/limits.ts";
import { startOfDay } from "../contract/window.ts";
import type { Goal } from "./next-step.ts";

/**
 * @param firstMs start of the first day with traffic; null without any
 * @param goal moments up to which may be evaluated now
 * @returns null: wait
 */
export function planStart(firstMs: number | null, goal: Goal): number | null {
  if (firstMs === null || firstMs >= goal.minutesMs) return null;
  const earliest = startOfDay(goal.windowsMs - LIMITS.analyzedPastMsMax);
  return Math.max(startOfDay(firstMs), earliest);
}
