import { describe, expect, it } from "vitest";
import { judgeErrorShare } from "../../../analyzer/rules/error-share.ts";
import { STEP_MS } from "../../../analyzer/rules/steps.ts";
import { USUAL_DAYS, usualErrors } from "../../../analyzer/rules/usual-errors.ts";
import { seededRandom } from "../../../runtime/random.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = 30 * 24 * HOUR_MS + 10 * HOUR_MS;
const FLOOR = 0.01;

/** The hours of past days, `daysAgo` from 1; a thousand requests each. */
const past = (days: number, share: (daysAgo: number, hourOfDay: number) => number) =>
  Array.from({ length: days * 24 }, (_, i) => {
    const hour = NOW_MS - (i + 1) * HOUR_MS;
    const errors = 1_000 * share(Math.floor(i / 24) + 1, (hour / HOUR_MS) % 24);
    return { hour, n: 1_000, errors: Math.round(errors) };
  });

describe("what an undescribed model usually fails", () => {
  it.each([
    ["a steady 2 %", past(15, () => 0.02), 0.02],
    ["less than the floor", past(15, () => 0.001), FLOOR],
    ["an outage of a whole day", past(15, (daysAgo) => (daysAgo === 3 ? 0.9 : 0.001)), FLOOR],
    ["a new level for ten days", past(15, (daysAgo) => (daysAgo <= 10 ? 0.05 : 0.001)), 0.05],
    ["a batch that fails by night", past(15, (_days, hour) => (hour < 4 ? 0.3 : 0)), FLOOR],
    ["two days only", past(2, () => 0.02), FLOOR],
    ["no past at all", [], FLOOR],
  ])("is learnt from %s", (_name, hours, share) => {
    expect(usualErrors(hours, NOW_MS, FLOOR).share).toBeCloseTo(share, 2);
    expect(usualErrors(hours, NOW_MS, FLOOR).share).toBeGreaterThanOrEqual(share);
  });

  it("is above the median by what few rows leave open", () => {
    const few = past(15, () => 0.02).map((hour) => ({ ...hour, n: 50, errors: 1 }));
    const { share } = usualErrors(few, NOW_MS, FLOOR);
    expect(share).toBeGreaterThan(0.025);
    expect(share).toBeLessThan(0.03);
  });

  it("says where the promise comes from", () => {
    const { origin } = usualErrors(
      past(USUAL_DAYS + 1, () => 0.02),
      NOW_MS,
      FLOOR,
    );
    expect(origin).toContain("same hours of 14 past days");
    expect(origin).toContain("2.00 %");
    expect(usualErrors([], NOW_MS, FLOOR).origin).toContain("1.00 % is assumed");
  });

  it("seldom accuses a service of its usual 2 %, and sees that it doubled within the hour", () => {
    const random = seededRandom(11);
    const { share } = usualErrors(
      past(15, () => 0.02),
      NOW_MS,
      FLOOR,
    );
    const hourOf = (rate: number) =>
      Array.from({ length: 12 }, (_, i) => {
        let errors = 0;
        for (let row = 0; row < 200; row++) if (random.next() < rate) errors++;
        return { endMs: (i + 1) * STEP_MS, rows: 200, errors };
      });
    const breaches = (rate: number, promised: number): number =>
      Array.from({ length: 100 }, () =>
        judgeErrorShare(hourOf(rate), 12 * STEP_MS, promised),
      ).filter(({ breach }) => breach).length;
    expect(breaches(0.02, FLOOR)).toBeGreaterThan(50);
    expect(breaches(0.02, share)).toBeLessThanOrEqual(3);
    expect(breaches(0.04, share)).toBeGreaterThan(90);
  });
});
