import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as stats from "../../stats/index.ts";
import { expectClose, reference } from "./reference.ts";

const counts = fc
  .array(fc.tuple(fc.nat(50), fc.nat(50)), { minLength: 1, maxLength: 20 })
  .filter((cells) => cells.some(([a]) => a > 0) && cells.some(([, b]) => b > 0))
  .map((cells) => ({ a: cells.map(([a]) => a), b: cells.map(([, b]) => b) }));
const sample = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 40 });
const sorted = (values: readonly number[]): number[] => [...values].sort((x, y) => x - y);

describe("distances from counts", () => {
  it("agree with scipy", () => {
    for (const example of reference.counts) {
      const { a, b } = example;
      expectClose(stats.populationStabilityIndex(a, b), example.populationStabilityIndex, 1e-11);
      expectClose(stats.jensenShannonDistance(a, b), example.jensenShannonDistance, 1e-10);
      expectClose(stats.jensenShannonDivergence(a, b), example.jensenShannonDivergence, 1e-10);
      expectClose(stats.hellingerDistance(a, b), example.hellinger, 1e-10);
      expectClose(stats.totalVariation(a, b), example.totalVariation, 1e-11);
    }
  });

  it("are 0 for equal shares and largest for disjoint cells", () => {
    expect(stats.populationStabilityIndex([1, 2], [10, 20])).toBe(0);
    expect(stats.jensenShannonDistance([1, 2], [10, 20])).toBe(0);
    expect(stats.jensenShannonDistance([5, 0], [0, 7])).toBe(1);
    expect(stats.hellingerDistance([5, 0], [0, 7])).toBe(1);
    expect(stats.totalVariation([5, 0], [0, 7])).toBe(1);
  });

  it("populationStabilityIndex() of halves against quarters, by hand", () => {
    const expected = (0.5 - 0.25) * Math.log(2) + (0.5 - 0.75) * Math.log(0.5 / 0.75);
    expect(stats.populationStabilityIndex([50, 50], [25, 75])).toBeCloseTo(expected, 14);
    expect(stats.populationStabilityIndex([10, 0], [5, 5])).toBeGreaterThan(0);
    expect(stats.populationStabilityIndex([10, 0], [5, 5])).toBeLessThan(3);
  });

  it("are symmetric, bounded, blind to empty cells, and ordered as theory says", () => {
    fc.assert(
      fc.property(counts, ({ a, b }) => {
        for (const distance of [
          stats.populationStabilityIndex,
          stats.jensenShannonDistance,
          stats.hellingerDistance,
          stats.totalVariation,
          stats.cramerVonMises,
        ]) {
          expect(distance(a, b)).toBeCloseTo(distance(b, a), 12);
          expect(distance(a, b)).toBeGreaterThanOrEqual(0);
          expect(distance([...a, 0], [...b, 0])).toBeCloseTo(distance(a, b), 12);
        }
        const variation = stats.totalVariation(a, b);
        const hellinger = stats.hellingerDistance(a, b);
        expect(hellinger ** 2).toBeLessThanOrEqual(variation + 1e-12);
        expect(variation).toBeLessThanOrEqual(Math.SQRT2 * hellinger + 1e-12);
        expect(stats.ksFromCounts(a, b).lower).toBeLessThanOrEqual(variation + 1e-12);
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  it("refuse counts of other cells, and know no answer for an empty sample", () => {
    expect(() => stats.totalVariation([1], [1, 2])).toThrow("Cannot compare counts");
    expect(stats.populationStabilityIndex([0], [1])).toBeNaN();
    expect(stats.jensenShannonDistance([0], [1])).toBeNaN();
  });
});

describe("distances from sorted samples", () => {
  it("agree with scipy, ties included", () => {
    for (const { a, b, ks, wasserstein, cramerVonMises, quantiles } of reference.samples) {
      expectClose(stats.ksStatistic(a, b), ks, 1e-12, "ks");
      expectClose(stats.wassersteinDistance(a, b), wasserstein, 1e-10, "wasserstein");
      for (const [p, value] of quantiles) {
        expect(stats.quantileOfSorted(a, p)).toBeCloseTo(value, 12);
      }
      const points = sorted([...new Set([...a, ...b])]);
      const cells = (values: readonly number[]): number[] =>
        points.map((point) => values.filter((value) => value === point).length);
      expectClose(stats.ksFromCounts(cells(a), cells(b)).lower, ks, 1e-10, "ks from counts");
      const weighed = stats.wassersteinOfPoints(
        { values: points, weights: cells(a) },
        { values: points, weights: cells(b) },
      );
      expectClose(weighed, wasserstein, 1e-10, "wasserstein of points");
      if (cramerVonMises !== null) {
        expectClose(stats.cramerVonMises(cells(a), cells(b)), cramerVonMises, 1e-9, "cvm");
      }
    }
  });

  it("ksStatistic() agrees with the definition on samples full of ties", () => {
    const share = (values: readonly number[], x: number): number =>
      values.filter((value) => value <= x).length / values.length;
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const slow = Math.max(...[...a, ...b].map((x) => Math.abs(share(a, x) - share(b, x))));
        expect(stats.ksStatistic(sorted(a), sorted(b))).toBeCloseTo(slow, 12);
      }),
      { seed: 6, numRuns: 300 },
    );
  });

  it("ksFromCounts() brackets the exact statistic, whatever the cells", () => {
    fc.assert(
      fc.property(sample, sample, fc.integer({ min: 1, max: 7 }), (a, b, width) => {
        const cells = (values: readonly number[]): number[] => {
          const out = Array.from({ length: 20 }, () => 0);
          for (const value of values) {
            const cell = Math.floor((value + 9) / width);
            out[cell] = (out[cell] ?? 0) + 1;
          }
          return out;
        };
        const exact = stats.ksStatistic(sorted(a), sorted(b));
        const bound = stats.ksFromCounts(cells(a), cells(b));
        expect(bound.lower).toBeLessThanOrEqual(exact + 1e-12);
        expect(bound.upper).toBeGreaterThanOrEqual(exact - 1e-12);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it("wassersteinDistance() is the shift for a shifted sample, and a metric", () => {
    fc.assert(
      fc.property(sample, sample, sample, fc.integer({ min: -5, max: 5 }), (a, b, c, shift) => {
        const [x, y, z] = [sorted(a), sorted(b), sorted(c)];
        const moved = x.map((value) => value + shift);
        expect(stats.wassersteinDistance(x, moved)).toBeCloseTo(Math.abs(shift), 9);
        const xy = stats.wassersteinDistance(x, y);
        expect(stats.wassersteinDistance(y, x)).toBeCloseTo(xy, 12);
        const detour = stats.wassersteinDistance(x, z) + stats.wassersteinDistance(z, y);
        expect(xy).toBeLessThanOrEqual(detour + 1e-9);
      }),
      { seed: 8, numRuns: 200 },
    );
  });

  it("cannot compare with an empty sample", () => {
    expect(() => stats.ksStatistic([], [1])).toThrow("Cannot compare two samples");
    expect(() => stats.wassersteinDistance([1], [])).toThrow("Cannot compare two samples");
  });
});
