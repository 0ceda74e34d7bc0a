import { describe, expect, it } from "vitest";
import { type StepCounts, judgeErrorShare } from "../../../analyzer/rules/error-share.ts";
import { STEP_MS } from "../../../analyzer/rules/steps.ts";
import { seededRandom } from "../../../runtime/random.ts";

/** Steps from time 0, newest last. */
const steps = (counts: readonly (readonly [number, number])[]): StepCounts[] =>
  counts.map(([rows, errors], i) => ({ endMs: (i + 1) * STEP_MS, rows, errors }));
const hour = (rows: number, errors: number): StepCounts[] =>
  steps(Array.from({ length: 12 }, () => [rows, errors] as const));

describe("error share", () => {
  it.each([
    ["an hour at 3 % of a thousand requests", hour(85, 3), true],
    ["the promised share", hour(100, 1), false],
    ["no errors", hour(100, 0), false],
    ["one failed request of two", steps([[2, 1]]), false],
    [
      "an outage of five minutes",
      steps([
        [80, 0],
        [80, 0],
        [80, 60],
      ]),
      true,
    ],
    ["silence", [], false],
  ])("judges %s", (_name, given, breach) => {
    expect(judgeErrorShare(given, given.at(-1)?.endMs ?? STEP_MS, 0.01).breach).toBe(breach);
  });

  it("says from when to when it was bad", () => {
    const given = steps([
      [80, 0],
      [80, 9],
      [80, 9],
      [80, 0],
    ]);
    const verdict = judgeErrorShare(given, given[3]?.endMs ?? 0, 0.01);
    expect(verdict).toMatchObject({ breach: true, fromMs: STEP_MS, toMs: 3 * STEP_MS });
  });

  it("seldom accuses a service that fails half as often as it promised", () => {
    const random = seededRandom(7);
    let alarms = 0;
    const days = 30;
    const past: StepCounts[] = [];
    for (let step = 1; step <= days * 288; step++) {
      let errors = 0;
      for (let i = 0; i < 80; i++) if (random.next() < 0.005) errors++;
      past.push({ endMs: step * STEP_MS, rows: 80, errors });
      if (past.length > 12) past.shift();
      if (judgeErrorShare(past, step * STEP_MS, 0.01).breach) alarms++;
    }
    expect(alarms).toBeLessThanOrEqual(days / 10);
  });
});
