/**
 * Rows that came after their window had closed: the weeks that they belong to are judged again, as a new
 * revision of the same window's verdict. Alerts that were told stay as they were told.
 */
import {
  DAY_MS,
  type Window,
  startOfWeek,
  windowEndingAt,
  WEEK_MS,
} from "../../contract/window.ts";
import { trafficDays } from "../../store/queries/model-traffic.ts";
import type { Evaluation, StageDeps } from "../evaluation.ts";
import { LATE_DAYS } from "../memory.ts";
import { evaluateDrift } from "./drift.ts";

/** @param day the window that has just closed */
export async function reissueLateWeeks(
  evaluation: Evaluation,
  day: Window,
  deps: StageDeps,
): Promise<void> {
  const { model, reference } = evaluation.context;
  const rows = await deps.store.query(trafficDays, {
    ...{ model, fromMs: day.toMs - LATE_DAYS * DAY_MS, toMs: day.toMs },
  });
  const counts: Record<string, number> = {};
  for (const { day: dayMs, segment_tag: tag, n } of rows) {
    if (tag === "") counts[String(dayMs)] = (counts[String(dayMs)] ?? 0) + n;
  }
  const weeks = lateWeeks(evaluation.memory.dayRows, counts, day.toMs);
  evaluation.memory = { ...evaluation.memory, dayRows: counts };
  if (reference === null) return;
  for (const endMs of weeks) {
    const week = windowEndingAt("week", endMs);
    deps.logger.info({ model, week: week.fromMs }, "late rows: the week is judged again");
    await evaluateDrift(evaluation, reference, week, day.toMs, deps);
  }
}

/** Ends of the weeks before `throughMs` whose days have other counts than when they were judged. */
export function lateWeeks(
  before: Readonly<Record<string, number>>,
  now: Readonly<Record<string, number>>,
  throughMs: number,
): readonly number[] {
  const ends = Object.entries(now)
    .filter(([day, n]) => before[day] !== undefined && before[day] !== n)
    .map(([day]) => startOfWeek(Number(day)) + WEEK_MS)
    .filter((endMs) => endMs < throughMs);
  return [...new Set(ends)].sort((a, b) => a - b);
}
