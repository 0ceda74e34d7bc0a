/**
 * Labels that came after their week had closed: the weeks and fortnights that they belong to are computed
 * again, as a new revision of the same windows. Alerts that were told stay as they were told; what the late
 * labels mean is judged with the next window that closes.
 */
import { WEEK_MS, type Window, startOfWeek, windowEndingAt } from "../../contract/window.ts";
import type { Evaluation, StageDeps } from "../evaluation.ts";
import { evaluateSpans } from "./performance.ts";

/** @param changedDays starts of days whose outcomes changed, as found at `throughMs` */
export async function reissueLateSpans(
  evaluation: Evaluation,
  changedDays: readonly number[],
  throughMs: number,
  deps: StageDeps,
): Promise<void> {
  for (const windows of lateSpans(changedDays, throughMs)) {
    await evaluateSpans(evaluation, windows, throughMs, deps);
  }
}

/**
 * The weeks and fortnights that closed before `throughMs` and hold one of the days; what closes just now
 * is not late.
 * @returns grouped by their common end, oldest first
 */
export function lateSpans(
  changedDays: readonly number[],
  throughMs: number,
): readonly (readonly Window[])[] {
  const weekEnds = new Set(changedDays.map((day) => startOfWeek(day) + WEEK_MS));
  const ends = new Set([...weekEnds].flatMap((endMs) => [endMs, endMs + WEEK_MS]));
  return [...ends]
    .filter((endMs) => endMs < throughMs)
    .sort((a, b) => a - b)
    .map((endMs) => [
      ...(weekEnds.has(endMs) ? [windowEndingAt("week", endMs)] : []),
      windowEndingAt("fortnight", endMs),
    ]);
}
