import { expect, it } from "vitest";
import { daysJudged } from "../../../analyzer/stages/drift.ts";
import { DAY_MS, windowEndingAt } from "../../../contract/window.ts";

const week = windowEndingAt("week", Date.UTC(2026, 7, 24));
const daysOf = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => week.fromMs + (from + i) * DAY_MS);

it.each([
  ["a whole week", daysOf(-7, 7), 7],
  ["the first week of a model that began on Monday", daysOf(0, 7), 7],
  ["a week whose Monday was a holiday", [...daysOf(-7, -2), ...daysOf(1, 5)], 4],
  ["the week in which a model began on Friday", daysOf(4, 7), null],
  ["a week without requests", daysOf(-7, 0), null],
  ["a model that never had one", [], null],
])("daysJudged() counts the days of %s", (_name, days, judged) => {
  expect(daysJudged(days, week)).toBe(judged);
});
