import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Progress, goalOf, nextStep } from "../../analyzer/next-step.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEP = 5 * MINUTE;
const START = Date.UTC(2026, 2, 2);
const begin: Progress = { minutesMs: START, windowsMs: START };

interface Tick {
  readonly watermarkMs: number;
  readonly latenessMs: number;
}

/** What is evaluated, in order, and how far it comes: "m" with the end of a step, "d" with that of a day. */
function evaluate(ticks: readonly Tick[]): {
  readonly order: readonly string[];
  readonly progress: Progress;
} {
  const order: string[] = [];
  let progress = begin;
  for (const { watermarkMs, latenessMs } of ticks) {
    const goal = goalOf(watermarkMs, latenessMs);
    for (;;) {
      const step = nextStep(progress, goal, latenessMs);
      if (step === null) break;
      // Minutes of two days are two queries of the stage that reads them.
      expect(Math.floor((step.minutesToMs - 1) / DAY)).toBeLessThanOrEqual(
        Math.floor(progress.minutesMs / DAY),
      );
      const first = Math.floor(progress.minutesMs / STEP) + 1;
      for (let end = first; end * STEP <= step.minutesToMs; end++) order.push(`m ${end * STEP}`);
      if (step.dayEndMs !== null) order.push(`d ${step.dayEndMs}`);
      progress = step.after;
    }
  }
  return { order, progress };
}

const latenesses = fc.constantFrom(0, MINUTE, HOUR, 30 * HOUR, 7 * DAY);
const watermarks = fc
  .array(fc.integer({ min: 0, max: 12 * DAY }), { minLength: 1, maxLength: 30 })
  .map((offsets) => offsets.toSorted((a, b) => a - b).map((offset) => START + offset));

describe("what is evaluated next", () => {
  it("is the minutes of a failing server within a minute, while its day waits for late labels", () => {
    const noon = START + 12 * HOUR;
    const { progress } = evaluate([{ watermarkMs: noon, latenessMs: 7 * DAY }]);
    expect(progress).toEqual({ minutesMs: noon - MINUTE, windowsMs: START });
  });

  it("is in one order, however often watermarks come", () => {
    fc.assert(
      fc.property(watermarks, latenesses, (moments, latenessMs) => {
        const often = evaluate(moments.map((watermarkMs) => ({ watermarkMs, latenessMs })));
        const once = evaluate([{ watermarkMs: moments.at(-1) ?? START, latenessMs }]);
        expect(often).toEqual(once);
      }),
    );
  });

  it("is every step and every day once, however often the document changes its lateness", () => {
    const ticks = watermarks.chain((moments) =>
      fc.tuple(
        ...moments.map((watermarkMs) =>
          fc.record({ watermarkMs: fc.constant(watermarkMs), latenessMs: latenesses }),
        ),
      ),
    );
    fc.assert(
      fc.property(ticks, (given) => {
        const { order, progress } = evaluate(given);
        const ends = (kind: string): number[] =>
          order.filter((text) => text.startsWith(kind)).map((text) => Number(text.slice(2)));
        const every = (period: number, toMs: number): number[] =>
          Array.from(
            { length: Math.floor((toMs - START) / period) },
            (_, i) => START + (i + 1) * period,
          );
        expect(ends("m")).toEqual(every(STEP, progress.minutesMs));
        expect(ends("d")).toEqual(every(DAY, progress.windowsMs));
      }),
    );
  });

  it("is a day after its last minute, without lateness", () => {
    const { order } = evaluate([{ watermarkMs: START + DAY + HOUR, latenessMs: 0 }]);
    const day = order.indexOf(`d ${START + DAY}`);
    expect(order.slice(day - 1, day + 2)).toEqual([
      `m ${START + DAY}`,
      `d ${START + DAY}`,
      `m ${START + DAY + STEP}`,
    ]);
  });
});
