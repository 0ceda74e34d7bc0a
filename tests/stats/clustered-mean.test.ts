import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/random.ts";
import { clusteredDifference, clusteredMean, normalQuantile } from "../../stats/index.ts";
import { expectClose, reference } from "./reference.ts";

describe("clusteredMean()", () => {
  it("weights blocks by their rows unless told otherwise", () => {
    const blocks = [
      { sum: 10, rows: 10 },
      { sum: 0, rows: 30 },
    ];
    expect(clusteredMean(blocks).mean).toBe(0.25);
    expect(clusteredMean(blocks, { weighting: "blocks" }).mean).toBe(0.5);
  });

  it("gives the interval of the block means where blocks are equal, by hand", () => {
    // Means 1, 2, 3: standard deviation 1, SE 1/√3, t(2 df, 97.5 %) = 4.30265.
    const result = clusteredMean([1, 2, 3].map((mean) => ({ sum: 5 * mean, rows: 5 })));
    expect(result.standardError).toBeCloseTo(1 / Math.sqrt(3), 12);
    expect(result.upper).toBeCloseTo(2 + 4.302652729911275 / Math.sqrt(3), 9);
    expect(result.degreesOfFreedom).toBe(2);
    expect(result.t).toBeCloseTo(2 * Math.sqrt(3), 12);
  });

  it("equals the cluster-robust interval of statsmodels", () => {
    for (const example of reference.clustered) {
      const blocks = example.sums.map((sum, i) => ({ sum, rows: example.rows[i] ?? 0 }));
      const result = clusteredMean(blocks);
      expectClose(result.mean, example.mean, 1e-11, "mean");
      expectClose(result.standardError, example.standardError, 1e-11, "standardError");
      expectClose(result.t, example.t, 1e-10, "t");
      expectClose(result.lower, example.lower, 1e-10, "lower");
      expectClose(result.upper, example.upper, 1e-10, "upper");
      const means = clusteredMean(blocks, { weighting: "blocks" });
      expectClose(means.mean, example.blockMeans.mean, 1e-11);
      expectClose(means.standardError, example.blockMeans.standardError, 1e-11);
    }
  });

  it("proves nothing from one block, and has no mean without rows", () => {
    const one = clusteredMean([{ sum: 3, rows: 4 }]);
    expect([one.mean, one.lower, one.upper, one.t]).toEqual([
      0.75,
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      0,
    ]);
    expect(clusteredMean([{ sum: 0, rows: 0 }]).mean).toBeNaN();
  });

  it("puts the one-sided bound inside the interval, and compares with a hypothesis", () => {
    const blocks = [1, 2, 4].map((sum) => ({ sum, rows: 3 }));
    const result = clusteredMean(blocks, { hypothesis: 0.5 });
    expect(result.lowerBound).toBeGreaterThan(result.lower);
    expect(result.upperBound).toBeLessThan(result.upper);
    expect(result.t).toBeCloseTo((result.mean - 0.5) / result.standardError, 12);
  });

  it("does not depend on the order of blocks, and scales with the figure", () => {
    const block = fc.record({
      sum: fc.double({ min: -100, max: 100, noNaN: true }),
      rows: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(fc.array(block, { minLength: 2, maxLength: 20 }), (blocks) => {
        const forward = clusteredMean(blocks);
        const backward = clusteredMean(blocks.toReversed());
        expect(backward.mean).toBeCloseTo(forward.mean, 9);
        expect(backward.standardError).toBeCloseTo(forward.standardError, 9);
        const tripled = clusteredMean(blocks.map(({ sum, rows }) => ({ sum: 3 * sum, rows })));
        expect(tripled.standardError).toBeCloseTo(3 * forward.standardError, 8);
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  it("covers 95 % with dependent rows, where an i.i.d. interval covers far less", () => {
    const random = seededRandom(41);
    const runs = 2000;
    let clustered = 0;
    let independent = 0;
    for (let run = 0; run < runs; run++) {
      let total = 0;
      const blocks = Array.from({ length: 14 }, () => {
        const rows = 500 + random.integer(1000);
        // The day's weather moves all its rows: sd 0.05 against 0.02 of sampling.
        const share = 0.3 + 0.05 * normalQuantile(random.next() * 0.999999 + 5e-7);
        total += rows;
        const noise = Math.sqrt(0.21 / rows) * normalQuantile(random.next() * 0.999999 + 5e-7);
        return { sum: rows * (share + noise), rows };
      });
      const result = clusteredMean(blocks);
      clustered += result.lower <= 0.3 && 0.3 <= result.upper ? 1 : 0;
      const half = 1.96 * Math.sqrt((result.mean * (1 - result.mean)) / total);
      independent += Math.abs(result.mean - 0.3) <= half ? 1 : 0;
    }
    expect(clustered / runs).toBeGreaterThan(0.93);
    expect(clustered / runs).toBeLessThan(0.965);
    expect(independent / runs).toBeLessThan(0.6);
  });
});

describe("clusteredDifference()", () => {
  it("is the clustered mean of the row differences", () => {
    const blocks = [
      { challenger: 4, champion: 5, rows: 10 },
      { challenger: 3, champion: 5, rows: 10 },
    ];
    const result = clusteredDifference(blocks);
    expect(result.mean).toBeCloseTo(-0.15, 12);
    expect(result.standardError).toBeCloseTo(0.05, 12);
  });
});
