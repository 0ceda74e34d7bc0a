import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RequestRate } from "../../runtime/request-rate.ts";

const rate = { burst: 3, perSecond: 2 };

describe("how often a caller may ask", () => {
  it("is a burst at once, and then as the bucket refills", () => {
    const rates = new RequestRate(10);
    const waits = [0, 0, 0, 0, 499, 500, 5_000].map((nowMs) => rates.take("a", rate, nowMs));
    expect(waits).toEqual([0, 0, 0, 500, 1, 0, 0]);
  });

  it("does not depend on what others ask, nor on a clock that goes back", () => {
    const rates = new RequestRate(10);
    for (let i = 0; i < 9; i++) rates.take("b", rate, 0);
    expect(rates.take("a", rate, 0)).toBe(0);
    expect(rates.take("b", rate, -5_000)).toBe(500);
  });

  it("forgets who was idle longest", () => {
    const rates = new RequestRate(2);
    for (let i = 0; i < 4; i++) rates.take("a", rate, 0);
    rates.take("b", rate, 0);
    rates.take("c", rate, 0);
    expect(rates.take("a", rate, 0)).toBe(0);
  });

  it("lets nobody through for nothing where parts of a refill add up to a whole one", () => {
    const rates = new RequestRate(1);
    const waits = [0, 232, 426, 496, 500, 500].map((nowMs) => rates.take("a", rate, nowMs));
    expect(waits).toEqual([0, 0, 0, 4, 0, 500]);
  });

  it("never lets more through than burst and refill allow", () => {
    const gaps = fc.array(fc.nat({ max: 800 }), { maxLength: 60 });
    fc.assert(
      fc.property(gaps, (steps) => {
        const rates = new RequestRate(1);
        let nowMs = 0;
        let passed = 0;
        for (const step of steps) {
          nowMs += step;
          if (rates.take("a", rate, nowMs) === 0) passed++;
        }
        expect(passed).toBeLessThanOrEqual(rate.burst + (nowMs / 1000) * rate.perSecond + 1e-9);
      }),
      { numRuns: 2_000 },
    );
  });
});
