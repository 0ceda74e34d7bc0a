/**
 * Where the evaluation of a model begins: after its checkpoint, else with the first day of its traffic, but
 * not further back than stated. Without traffic there is nothing to begin with.
 */
import { LIMITS } from "../contract/limits.ts";
import { startOfDay } from "../contract/window.ts";

export type Start =
  | { readonly kind: "resume" | "begin"; readonly throughMs: number }
  | { readonly kind: "wait" };

/**
 * @param firstMs start of the first day with traffic; null without any
 * @param targetMs moment up to which windows may be evaluated now
 */
export function planStart(
  checkpointMs: number | null,
  firstMs: number | null,
  targetMs: number,
): Start {
  if (checkpointMs !== null) return { kind: "resume", throughMs: checkpointMs };
  if (firstMs === null || firstMs >= targetMs) return { kind: "wait" };
  const earliest = startOfDay(targetMs - LIMITS.analyzedPastMsMax);
  return { kind: "begin", throughMs: Math.max(startOfDay(firstMs), earliest) };
}
