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

  describe("of a service that is sampled", () => {
    /** An hour of 12 000 requests in truth: `failing` of them fail, one in ten is kept, every failure if so asked. */
    const sampled = (failing: number, keepsErrors: boolean, seed: number): StepCounts[] => {
      const random = seededRandom(seed);
      return steps(Array.from({ length: 12 }, () => [0, 0] as const)).map(({ endMs }) => {
        const kept = { rows: 0, errors: 0, requests: 0, failed: 0 };
        for (let i = 0; i < 1_000; i++) {
          const fails = random.next() < failing;
          const always = fails && keepsErrors;
          if (!always && random.next() >= 0.1) continue;
          const weight = always ? 1 : 10;
          kept.rows++;
          kept.requests += weight;
          kept.errors += fails ? 1 : 0;
          kept.failed += fails ? weight : 0;
        }
        return { endMs, ...kept };
      });
    };
    const judged = (failing: number, keepsErrors: boolean, seed: number) =>
      judgeErrorShare(sampled(failing, keepsErrors, seed), 12 * STEP_MS, 0.01);

    it.each([false, true])(
      "accuses none that keeps its promise (errors kept: %s), and finds the share that there is",
      (keepsErrors) => {
        const seeds = Array.from({ length: 200 }, (_, i) => i);
        const verdicts = seeds.map((seed) => judged(0.01, keepsErrors, seed));
        // Three spans, each at a chance of one in a thousand, on the very edge of the promise.
        expect(verdicts.filter(({ breach }) => breach).length).toBeLessThanOrEqual(4);
        const shares = seeds.map((seed) => {
          const all = sampled(0.02, keepsErrors, seed);
          const sum = (of: (step: StepCounts) => number): number =>
            all.reduce((total, step) => total + of(step), 0);
          return sum(({ failed = 0 }) => failed) / sum(({ requests = 0 }) => requests);
        });
        const mean = shares.reduce((total, share) => total + share, 0) / shares.length;
        expect(mean).toBeCloseTo(0.02, 3);
      },
    );

    it("sees twice the promise where errors are kept, though the sample is small", () => {
      const found = (keepsErrors: boolean): number =>
        Array.from({ length: 40 }, (_, seed) => judged(0.02, keepsErrors, seed)).filter(
          ({ breach }) => breach,
        ).length;
      expect(found(true)).toBe(40);
      expect(found(false)).toBeLessThan(40);
    });

    it("would accuse every one if stored rows were taken for requests", () => {
      const naive = sampled(0.01, true, 1).map(({ endMs, rows, errors }) => ({
        endMs,
        rows,
        errors,
      }));
      expect(judgeErrorShare(naive, 12 * STEP_MS, 0.01).breach).toBe(true);
    });
  });
});
