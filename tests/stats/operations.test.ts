import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/random.ts";
import * as stats from "../../stats/index.ts";
import { normal } from "./samplers.ts";

describe("errorShareTest()", () => {
  it("knows that 3 % of 600 is too much at 1 %, and 3 of 150 may be chance", () => {
    const bad = stats.errorShareTest(18, 600, 0.01);
    expect(bad.pValue).toBeLessThan(1e-3);
    expect(bad.lower).toBeGreaterThan(0.01);
    expect(stats.errorShareTest(3, 150, 0.01).pValue).toBeGreaterThan(0.1);
    expect(stats.errorShareTest(0, 0, 0.01).pValue).toBe(1);
    expect(stats.errorShareTest(1, 100, 0).pValue).toBe(0);
  });
});

/** Counts that vary by `spread` from week to week beyond Poisson. */
function weeks(seed: number, count: number, mean: number, spread: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    const level = mean * Math.exp(spread * normal(random) - (spread * spread) / 2);
    return Math.max(0, Math.round(level + Math.sqrt(level) * normal(random)));
  });
}

describe("traffic", () => {
  it("learns the dispersion that counts have beyond Poisson", () => {
    const wild = Array.from({ length: 200 }, (_, i) => weeks(i, 4, 200, 0.3));
    expect(stats.learnDispersion(wild)).toBeGreaterThan(0.07);
    expect(stats.learnDispersion(wild)).toBeLessThan(0.13);
    const calm = Array.from({ length: 200 }, (_, i) => weeks(i, 4, 200, 0));
    expect(stats.learnDispersion(calm)).toBeLessThan(0.002);
    expect(stats.learnDispersion([[5]])).toBe(0);
    expect(stats.learnDispersion(calm, 0.05)).toBe(0.05);
  });

  it("finds silence at a busy hour implausible, and at a quiet one ordinary", () => {
    const busy = stats.trafficPlausibility(0, [210, 240, 190, 260], 0.05);
    expect(busy.expected).toBe(225);
    expect(busy.pValue).toBeLessThan(1e-9);
    const quiet = stats.trafficPlausibility(0, [0, 3, 1, 2], 0.05);
    expect(quiet.pValue).toBeGreaterThan(0.15);
    expect(stats.trafficPlausibility(0, [], 0.05).pValue).toBe(1);
    expect(stats.trafficPlausibility(0, [0, 0, 0], 0.05).pValue).toBe(1);
  });

  it("trusts one week less than ten", () => {
    const one = stats.trafficPlausibility(0, [6], 0.1);
    const ten = stats.trafficPlausibility(0, Array(10).fill(6), 0.1);
    expect(one.pValue).toBeGreaterThan(ten.pValue);
  });

  it("calls no more than nominal of ordinary intervals implausible", () => {
    const history = Array.from({ length: 3000 }, (_, i) => weeks(5000 + i, 5, 40, 0.25));
    const dispersion = stats.learnDispersion(history.map((slot) => slot.slice(0, 4)));
    const low = history.filter((slot) => {
      const now = slot[4] ?? 0;
      return stats.trafficPlausibility(now, slot.slice(0, 4), dispersion).pValue <= 0.01;
    });
    expect(low.length / history.length).toBeLessThan(0.015);
  });
});

describe("sequentialTest()", () => {
  it("is the normal mixture, by hand", () => {
    // σ² = 1, n = 100, d̄ = 0.3, τ = 0.5: Λ = √(1/26) exp(100²·0.25·0.09/(2·26)).
    const sumOfSquares = 99 + 100 * 0.09;
    const look = stats.sequentialTest({ rows: 100, sum: 30, sumOfSquares }, 0.5);
    expect(look.logLikelihoodRatio).toBeCloseTo(-0.5 * Math.log(26) + 225 / 52, 12);
    expect(look.pValue).toBeCloseTo(Math.sqrt(26) * Math.exp(-225 / 52), 12);
  });

  it("rejects exactly when its interval leaves 0", () => {
    const random = seededRandom(60);
    for (let run = 0; run < 200; run++) {
      const sums = { rows: 50, sum: 20 * normal(random), sumOfSquares: 60 };
      const look = stats.sequentialTest(sums, 0.3);
      expect(look.pValue <= 0.05).toBe(look.lower >= 0 || look.upper <= 0);
    }
  });

  it("stays at its level when looked at after every row, where a z-test does not", () => {
    const random = seededRandom(61);
    const runs = 400;
    let sequential = 0;
    let peeking = 0;
    for (let run = 0; run < runs; run++) {
      let sum = 0;
      let sumOfSquares = 0;
      let least = 1;
      let hasPeeked = false;
      for (let rows = 1; rows <= 1500; rows++) {
        const value = normal(random);
        sum += value;
        sumOfSquares += value * value;
        if (rows >= 30) {
          least = Math.min(least, stats.sequentialTest({ rows, sum, sumOfSquares }, 0.1).pValue);
          hasPeeked ||= Math.abs(sum) / Math.sqrt(rows) > 1.96;
        }
      }
      sequential += least <= 0.05 ? 1 : 0;
      peeking += hasPeeked ? 1 : 0;
    }
    expect(sequential / runs).toBeLessThan(0.06);
    expect(peeking / runs).toBeGreaterThan(0.25);
  });

  it("finds a true difference, and knows nothing from one row", () => {
    const look = stats.sequentialTest({ rows: 4000, sum: 400, sumOfSquares: 4000 }, 0.1);
    expect(look.pValue).toBeLessThan(1e-6);
    expect(stats.sequentialTest({ rows: 1, sum: 1, sumOfSquares: 1 }, 0.1).pValue).toBe(1);
    expect(() => stats.sequentialTest({ rows: 9, sum: 1, sumOfSquares: 9 }, 0)).toThrow("tau");
    expect(stats.rowsForDifference(0.1, 1)).toBe(785);
  });
});
