/** The end of the story for a person: what the loop was worth, the honest lesson, and what to type next. */
import type { Difference, Figures } from "../offline/figures.ts";

export interface StoryEnd {
  readonly figures: Figures;
  readonly predictions: number;
  /** Kinds of all alerts that were raised. */
  readonly alertKinds: readonly string[];
  /** Versions that were promoted. */
  readonly promoted: number;
}

const DRIFT_KINDS = ["drift", "prediction-drift"];

export function lastLines(end: StoryEnd): readonly string[] {
  const { figures, promoted } = end;
  const since = figures.sinceFirstPromotion;
  return [
    "",
    `The story has ended: ${count(end.predictions)} predictions in ${figures.weeks.length} weeks, ${promoted} retrained versions promoted.`,
    "Log-loss of what served against version 1 alone, on the same flights (lower is better, 95 % by day):",
    `  all weeks              ${difference(figures.total)}`,
    ...(since === null ? [] : [`  since first promotion  ${difference(since)}`]),
    `  better in ${figures.weeksBetter} of ${figures.weeksPromoted} weeks that a retrained version served`,
    ...lesson(end.alertKinds),
    "Look at it in a second terminal (README.md says more):",
    "  npx driftmend runs flights      what was retrained, and which gates it passed",
    "  npx driftmend checks flights    every Monday's decision, with its numbers",
    "  npx driftmend alerts --all      everything that fired;  npx driftmend why <alert> explains it",
    "  npx driftmend rollback flights  take the last version back, proven by what the server answers",
    "",
  ];
}

/** "0.4711 against 0.4836: −0.0125 [−0.0180, −0.0070]". */
function difference({ served, stale, difference: gap, byDay }: Difference): string {
  const interval = `[${signed(byDay.lower)}, ${signed(byDay.upper)}]`;
  return `${served.toFixed(4)} against ${stale.toFixed(4)}: ${signed(gap)} ${interval}`;
}

/** Says that inputs and predictions stayed quiet only where they did. */
function lesson(kinds: readonly string[]): string[] {
  const drifted = kinds.filter((kind) => DRIFT_KINDS.includes(kind)).length;
  if (drifted > 0)
    return [`${drifted} alert${drifted === 1 ? "" : "s"} said that inputs or predictions drift.`];
  return [
    "The lesson: no alert said that inputs or predictions drift, and an estimate without labels takes the",
    "scores at their word, so it cannot see this. Only the labels showed that the model had grown stale.",
  ];
}

const signed = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(4)}`;

const count = (rows: number): string => rows.toLocaleString("en").replaceAll(",", "\u202f");
