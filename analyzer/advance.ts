/** Evaluates what closed: the minutes of a day, then the day, then the week that ends with it. */
import { DAY_MS, startOfDay, startOfWeek, windowEndingAt } from "../contract/window.ts";
import type { Evaluation, StageDeps } from "./evaluation.ts";
import { evaluateDay } from "./stages/day.ts";
import { evaluateMinutes } from "./stages/minutes.ts";
import { evaluateWeek } from "./stages/week.ts";

/**
 * A past that is all there: from `fromMs` to at most the end of its day or `toMs`, whichever is first.
 * @returns the moment through which all is evaluated; call again until it is `toMs`
 */
export async function advance(
  evaluation: Evaluation,
  fromMs: number,
  toMs: number,
  deps: StageDeps,
): Promise<number> {
  const dayEndMs = startOfDay(fromMs) + DAY_MS;
  const throughMs = Math.min(dayEndMs, toMs);
  await evaluateMinutes(evaluation, fromMs, throughMs, deps);
  if (throughMs === dayEndMs) await closeDay(evaluation, dayEndMs, deps);
  return throughMs;
}

/** The day that ends at `dayEndMs`, and the week if it ends with it. */
export async function closeDay(
  evaluation: Evaluation,
  dayEndMs: number,
  deps: StageDeps,
): Promise<void> {
  await evaluateDay(evaluation, windowEndingAt("day", dayEndMs), deps);
  if (startOfWeek(dayEndMs) === dayEndMs) {
    await evaluateWeek(evaluation, windowEndingAt("week", dayEndMs), deps);
  }
}
