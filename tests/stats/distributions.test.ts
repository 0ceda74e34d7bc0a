import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as stats from "../../stats/index.ts";
import { expectClose, reference } from "./reference.ts";

const { distributions } = reference;

function agrees(name: string, evaluate: (...row: number[]) => number, relative = 1e-10): void {
  it(`${name}() agrees with scipy to ${relative} relative`, () => {
    const rows = distributions[name];
    expect(rows?.length).toBeGreaterThan(0);
    for (const row of rows ?? []) {
      const expected = row.at(-1) ?? Number.NaN;
      expectClose(
        evaluate(...row.slice(0, -1)),
        expected,
        relative,
        `${name}(${row.slice(0, -1)})`,
      );
    }
  });
}

describe("distribution functions", () => {
  agrees("logGamma", (x) => stats.logGamma(x ?? 0), 1e-12);
  agrees("upperGamma", (a, x) => stats.upperGamma(a ?? 0, x ?? 0));
  agrees("regularizedBeta", (a, b, x) => stats.regularizedBeta(x ?? 0, a ?? 0, b ?? 0));
  agrees("normalSurvival", (z) => stats.normalSurvival(z ?? 0), 1e-12);
  agrees("normalQuantile", (p) => stats.normalQuantile(p ?? 0), 1e-13);
  agrees("chiSquareSurvival", (x, d) => stats.chiSquareSurvival(x ?? 0, d ?? 0));
  agrees("chiSquareQuantile", (p, d) => stats.chiSquareQuantile(p ?? 0, d ?? 0));
  agrees("studentSurvival", (t, v) => stats.studentSurvival(t ?? 0, v ?? 0));
  agrees("studentQuantile", (p, v) => stats.studentQuantile(p ?? 0, v ?? 0));
  agrees("fSurvival", (f, d, v) => stats.fSurvival(f ?? 0, d ?? 0, v ?? 0));
  agrees("kolmogorovSurvival", (x) => stats.kolmogorovSurvival(x ?? 0));
  agrees("kolmogorovQuantile", (p) => stats.kolmogorovQuantile(p ?? 0));
  agrees("binomialUpperTail", (k, n, p) => stats.binomialUpperTail(k ?? 0, n ?? 0, p ?? 0));
  agrees("binomialLowerTail", (k, n, p) => stats.binomialLowerTail(k ?? 0, n ?? 0, p ?? 0));
  agrees("poissonUpperTail", (k, m) => stats.poissonUpperTail(k ?? 0, m ?? 0));
  agrees("poissonLowerTail", (k, m) => stats.poissonLowerTail(k ?? 0, m ?? 0));

  it("shareInterval() is the Clopper–Pearson interval of scipy", () => {
    for (const [k = 0, n = 0, lower = 0, upper = 0] of distributions["shareInterval"] ?? []) {
      const interval = stats.shareInterval(k, n);
      expect(interval.lower).toBeCloseTo(lower, 10);
      expect(interval.upper).toBeCloseTo(upper, 10);
    }
  });

  it("quantiles invert their survival functions", () => {
    const p = fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true });
    const degrees = fc.double({ min: 1, max: 400, noNaN: true });
    fc.assert(
      fc.property(p, degrees, (tail, d) => {
        expectClose(stats.chiSquareSurvival(stats.chiSquareQuantile(tail, d), d), tail, 1e-9);
        expectClose(1 - stats.studentSurvival(stats.studentQuantile(tail, d), d), tail, 1e-5);
        expectClose(stats.normalCdf(stats.normalQuantile(tail)), tail, 1e-9);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("refuses what has no answer", () => {
    expect(() => stats.normalQuantile(1.1)).toThrow('Cannot take a normal quantile: p is "1.1"');
    expect(() => stats.studentSurvival(1, 0)).toThrow(RangeError);
    expect(() => stats.chiSquareQuantile(0, 3)).toThrow(RangeError);
    expect(() => stats.upperGamma(-1, 3)).toThrow(RangeError);
    expect(() => stats.regularizedBeta(2, 1, 1)).toThrow(RangeError);
  });
});
