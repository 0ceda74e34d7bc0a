import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/random.ts";
import * as stats from "../../stats/index.ts";
import { expectClose, reference } from "./reference.ts";

describe("chiSquareTest()", () => {
  it("agrees with scipy's contingency test", () => {
    for (const { a, b, chiSquare, pValue } of reference.counts) {
      const test = stats.chiSquareTest(a, b);
      expectClose(test.statistic, chiSquare, 1e-11);
      expectClose(test.pValue, pValue, 1e-9);
      expect(test.degreesOfFreedom).toBe(a.length - 1);
    }
  });

  it("is n (ad − bc)² over the margins on 2 × 2", () => {
    // n (ad − bc)² over the product of the margins.
    const test = stats.chiSquareTest([8, 2], [5, 5]);
    expect(test.statistic).toBeCloseTo((20 * 30 ** 2) / (13 * 7 * 10 * 10), 12);
  });

  it("has nothing to compare with one cell or an empty sample", () => {
    expect(stats.chiSquareTest([5], [9]).pValue).toBe(1);
    expect(stats.chiSquareTest([5, 5], [0, 0]).pValue).toBe(1);
  });

  it("divides by the design effect where rows are dependent", () => {
    const plain = stats.chiSquareTest([80, 20], [50, 50]);
    const design = { rank: 1e9, degreesOfFreedom: 1e9 };
    const same = stats.chiSquareTest([80, 20], [50, 50], { rowsA: 100, rowsB: 100, ...design });
    expectClose(same.pValue, plain.pValue, 1e-12);
    const tenth = stats.chiSquareTest([80, 20], [50, 50], { rowsA: 10, rowsB: 10, ...design });
    expect(tenth.statistic).toBeCloseTo(plain.statistic / 10, 12);
    const few = { rowsA: 10, rowsB: 10, rank: 1, degreesOfFreedom: 4 };
    expect(stats.chiSquareTest([80, 20], [50, 50], few).pValue).toBeGreaterThan(tenth.pValue);
  });

  it("is symmetric", () => {
    const cells = fc.array(fc.tuple(fc.nat(40), fc.nat(40)), { minLength: 2, maxLength: 15 });
    fc.assert(
      fc.property(cells, (pairs) => {
        const a = pairs.map(([x]) => x);
        const b = pairs.map(([, y]) => y);
        expect(stats.chiSquareTest(a, b).pValue).toBeCloseTo(stats.chiSquareTest(b, a).pValue, 12);
      }),
      { seed: 14, numRuns: 200 },
    );
  });
});

describe("mergeRareCells()", () => {
  it("keeps totals and leaves no cell below the expected minimum", () => {
    const cells = fc.array(fc.tuple(fc.nat(9), fc.nat(300)), { minLength: 1, maxLength: 25 });
    fc.assert(
      fc.property(cells, (pairs) => {
        const a = pairs.map(([x]) => x);
        const b = pairs.map(([, y]) => y);
        const merged = stats.mergeRareCells(a, b);
        const sum = (values: Iterable<number>): number => [...values].reduce((s, v) => s + v, 0);
        expect(sum(merged.a)).toBe(sum(a));
        expect(sum(merged.b)).toBe(sum(b));
        const share = Math.min(sum(a), sum(b)) / (sum(a) + sum(b));
        if (merged.a.length > 1) {
          merged.a.forEach((x, i) => {
            expect((x + (merged.b[i] ?? 0)) * share).toBeGreaterThanOrEqual(1);
          });
        }
      }),
      { seed: 15, numRuns: 300 },
    );
  });
});

describe("chanceThresholds()", () => {
  it("are the ones published for ten bins against 5 000 rows at 0.1 %", () => {
    const psi = (rows: number): number => stats.chanceThresholds(0.001, 10, 5000, rows).psi;
    expect(psi(200)).toBeCloseTo(0.145, 3);
    expect(psi(500)).toBeCloseTo(0.0613, 4);
    expect(psi(1000)).toBeCloseTo(0.0335, 4);
    expect(psi(5000)).toBeCloseTo(0.0112, 4);
    const { hellinger, jensenShannon } = stats.chanceThresholds(0.001, 10, 5000, 1000);
    expect(hellinger).toBeCloseTo(Math.sqrt(psi(1000) / 8), 12);
    expect(jensenShannon).toBeCloseTo(Math.sqrt(psi(1000) / 8 / Math.LN2), 12);
  });

  it("is exceeded by chance as often as it says, where a constant 0.1 cries wolf", () => {
    const random = seededRandom(16);
    const runs = 2000;
    let above = 0;
    let wolf = 0;
    for (let run = 0; run < runs; run++) {
      const draw = (): number[] => {
        const counts = Array.from({ length: 5 }, () => 0);
        for (let i = 0; i < 50; i++) {
          const cell = random.integer(5);
          counts[cell] = (counts[cell] ?? 0) + 1;
        }
        return counts;
      };
      const psi = stats.populationStabilityIndex(draw(), draw());
      above += psi > stats.chanceThresholds(0.05, 5, 50, 50).psi ? 1 : 0;
      wolf += psi > 0.1 ? 1 : 0;
    }
    // The survey's independent table has 64–67 % for 50 rows on 5 bins.
    expect(wolf / runs).toBeGreaterThan(0.6);
    expect(wolf / runs).toBeLessThan(0.72);
    expect(above / runs).toBeLessThan(0.08);
  });
});

describe("smallestDetectableShift()", () => {
  it("shrinks with the root of the rows and is what KS finds", () => {
    const shift = stats.smallestDetectableShift(0.05, 1000, 1000);
    expect(stats.smallestDetectableShift(0.05, 4000, 4000)).toBeCloseTo(shift / 2, 12);
    expect(shift).toBeGreaterThan(0.1);
    expect(shift).toBeLessThan(0.25);
    expect(stats.smallestDetectableShift(0.05, 50_000, 50_000)).toBeCloseTo(0.0282, 3);
  });
});
