import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/random.ts";
import * as stats from "../../stats/index.ts";
import { CONTINUOUS, draw } from "./samplers.ts";

const values = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), {
  minLength: 1,
  maxLength: 60,
});
const grid = { center: 1, invScale: 0.25 };

describe("cell counts", () => {
  it("sum rows per cell, ascending by value, non-finite and missing apart", () => {
    const counts = stats.countCells([1, 1, -3, Number.NaN, 9, Number.POSITIVE_INFINITY], grid, 2);
    expect([...counts.n]).toEqual([1, 2, 1]);
    expect([...counts.sum]).toEqual([-3, 2, 9]);
    expect([counts.nonFinite, counts.missing]).toEqual([2, 2]);
  });

  it("read columns in any order, the same cell in several rows", () => {
    const counts = stats.cellCounts(grid, {
      cell: [5, -3, 5, stats.CELL_NAN],
      n: [1, 2, 3, 7],
      sum: [1, 2, 3, 0],
      sumOfSquares: [1, 2, 3, 0],
    });
    expect([...counts.cells]).toEqual([-3, 5]);
    expect([...counts.n]).toEqual([2, 4]);
    expect(counts.nonFinite).toBe(7);
    const bad = { cell: [1], n: [], sum: [1], sumOfSquares: [1] };
    expect(() => stats.cellCounts(grid, bad)).toThrow("their lengths differ");
  });

  it("merged from parts are the counts of the whole, with or without a grid", () => {
    fc.assert(
      fc.property(values, values, fc.boolean(), (a, b, withGrid) => {
        const scale = withGrid ? grid : stats.NO_GRID;
        const parts = [stats.countCells(a, scale, 1), stats.countCells(b, scale, 2)];
        const merged = stats.mergeCellCounts(parts);
        const whole = stats.countCells([...a, ...b], scale, 3);
        expect([...merged.cells]).toEqual([...whole.cells]);
        expect([...merged.n]).toEqual([...whole.n]);
        expect(merged.missing).toBe(3);
        merged.sum.forEach((sum, i) => expect(sum).toBeCloseTo(whole.sum[i] ?? 0, 9));
      }),
      { seed: 11, numRuns: 200 },
    );
  });

  it("give mean and deviation of the values themselves, far from 0 too", () => {
    fc.assert(
      fc.property(values, fc.constantFrom(0, 1e6), (raw, offset) => {
        const shifted = raw.map((value) => value + offset);
        const own = { center: offset, invScale: 0.25 };
        const moments = stats.cellMoments(stats.countCells(shifted, own));
        const mean = shifted.reduce((total, value) => total + value, 0) / shifted.length;
        const squares = shifted.reduce((total, value) => total + (value - mean) ** 2, 0);
        expect(moments.rows).toBe(raw.length);
        expect(moments.mean).toBeCloseTo(mean, 6);
        const deviation = raw.length > 1 ? Math.sqrt(squares / (raw.length - 1)) : 0;
        expect(Math.abs(moments.standardDeviation - deviation)).toBeLessThan(0.05);
      }),
      { seed: 12, numRuns: 200 },
    );
  });

  it("of other grids cannot be compared", () => {
    const other = stats.countCells([1], { center: 2, invScale: 1 });
    const counts = stats.countCells([1], grid);
    expect(() => stats.mergeCellCounts([counts, other])).toThrow(
      "Cannot compare cells of one grid",
    );
    expect(() => stats.mergeCellCounts([])).toThrow("there are none");
  });
});

describe("cellQuantile()", () => {
  it("is within 0.6 % of the IQR from p1 to p99 on continuous features", () => {
    const random = seededRandom(3);
    for (const [name, sampler] of Object.entries(CONTINUOUS)) {
      const sample = draw(random, sampler, 100_000).sort();
      const counts = stats.countCells(
        sample,
        stats.learnGrid(sample.subarray(0, 5000).slice().sort()),
      );
      const iqr = stats.quantileOfSorted(sample, 0.75) - stats.quantileOfSorted(sample, 0.25);
      for (let p = 1; p <= 99; p++) {
        const exact = stats.quantileOfSorted(sample, p / 100);
        const error = Math.abs(stats.cellQuantile(counts, p / 100) - exact);
        expect(error / iqr, `${name} p${p}`).toBeLessThan(0.006);
      }
    }
  });

  it("is exact on integers", () => {
    const random = seededRandom(4);
    const sample = Float64Array.from({ length: 5000 }, () =>
      Math.floor(24 * random.next() ** 2),
    ).sort();
    const counts = stats.countCells(sample, stats.learnGrid(sample));
    for (let p = 0; p <= 100; p++) {
      expect(stats.cellQuantile(counts, p / 100)).toBeCloseTo(
        stats.quantileOfSorted(sample, p / 100),
        12,
      );
    }
  });

  it("has no answer without rows", () => {
    expect(stats.cellQuantile(stats.countCells([], grid), 0.5)).toBeNaN();
    expect(() => stats.cellQuantile(stats.countCells([1], grid), 2)).toThrow(
      "Cannot take a quantile",
    );
  });
});

describe("numericHistogram()", () => {
  it("freezes bins of equal share on borders of cells, with empty tails to both infinities", () => {
    const sample = Float64Array.from({ length: 10_000 }, (_, i) => i / 100);
    const counts = stats.countCells(sample, stats.learnGrid(sample), 4);
    const histogram = stats.numericHistogram(counts, { binsMax: 20 });
    expect(histogram.edges[0]).toBe(Number.NEGATIVE_INFINITY);
    expect(histogram.edges.at(-1)).toBe(Number.POSITIVE_INFINITY);
    expect(histogram.orderedCells).toBe(22);
    expect([histogram.reference[0], histogram.reference[21]]).toEqual([0, 0]);
    for (const share of histogram.reference.subarray(1, 21)) {
      expect(share / 10_000).toBeGreaterThan(0.04);
      expect(share / 10_000).toBeLessThan(0.06);
    }
    expect(histogram.reference[23]).toBe(4);
    for (const edge of histogram.edges.slice(1, -1)) {
      const { center, invScale } = counts.grid;
      expect(stats.snapToCellBorder(edge, center, invScale)).toBeCloseTo(edge, 9);
    }
  });

  it("gives each distinct value a bin of its own where there are few", () => {
    const hours = Float64Array.from({ length: 240 }, (_, i) => i % 24).sort();
    const counts = stats.countCells(hours, stats.learnGrid(hours));
    expect([...stats.numericHistogram(counts).reference]).toEqual([
      0,
      ...Array(24).fill(10),
      0,
      0,
      0,
    ]);
  });

  it("counts from rollups equal counts of raw values on its edges, bit for bit", () => {
    const window = fc.array(fc.double({ min: -1e4, max: 1e4, noNaN: true }), { maxLength: 80 });
    fc.assert(
      fc.property(values, window, fc.integer({ min: 2, max: 9 }), (reference, current, bins) => {
        const counts = stats.countCells(reference, grid);
        const histogram = stats.numericHistogram(counts, { binsMax: bins });
        const projected = stats.projectCells(histogram, stats.countCells(current, grid, 3));
        const expected = new Float64Array(histogram.orderedCells + 2);
        for (const value of current) {
          const rank = stats.cellOf(value, grid.center, grid.invScale);
          let bin = 0;
          while ((histogram.startRanks[bin + 1] ?? Number.POSITIVE_INFINITY) <= rank) {
            bin++;
          }
          expected[bin] = (expected[bin] ?? 0) + 1;
        }
        expected[histogram.orderedCells + 1] = 3;
        expect([...projected]).toEqual([...expected]);
      }),
      { seed: 13, numRuns: 200 },
    );
  });

  it("needs a finite value, and windows on its own grid", () => {
    expect(() => stats.numericHistogram(stats.countCells([Number.NaN], grid))).toThrow("no finite");
    const histogram = stats.numericHistogram(stats.countCells([1, 2], grid));
    const other = stats.countCells([1], { center: 0, invScale: 1 });
    expect(() => stats.projectCells(histogram, other)).toThrow("Cannot compare cells of one grid");
  });
});

describe("categoryHistogram()", () => {
  it("knows the most frequent categories; all else shares one cell", () => {
    const counts = new Map([
      ["b", 5],
      ["a", 5],
      ["c", 1],
      ["d", 9],
    ]);
    const histogram = stats.categoryHistogram({ counts, missing: 2 }, { categoriesMax: 3 });
    expect(histogram.categories).toEqual(["d", "a", "b"]);
    expect([...histogram.reference]).toEqual([9, 5, 5, 1, 2]);
    const window = {
      counts: new Map([
        ["a", 1],
        ["new", 6],
      ]),
      missing: 1,
    };
    expect([...stats.projectCategories(histogram, window)]).toEqual([0, 1, 0, 6, 1]);
    expect(() => stats.categoryHistogram({ counts: new Map(), missing: 1 })).toThrow("no category");
  });
});
