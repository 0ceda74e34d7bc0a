import { Session } from "chdb";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/random.ts";
import * as stats from "../../stats/index.ts";

const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e30, max: 1e30 });
const grid = fc.record({
  center: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  invScale: fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
});

describe("cellOf()", () => {
  it("has 128 equal cells within one IQR of the median, doubling outside", () => {
    expect(stats.cellOf(10, 10, 0.5)).toBe(0);
    expect(stats.cellOf(11, 10, 0.5)).toBe(64);
    expect(stats.cellOf(9, 10, 0.5)).toBe(-64);
    expect(stats.cellOf(12, 10, 0.5)).toBe(128);
    expect(stats.cellOf(16, 10, 0.5)).toBe(256);
  });

  it("keeps NaN and the infinities apart", () => {
    for (const invScale of [0, 2]) {
      expect(stats.cellOf(Number.NaN, 0, invScale)).toBe(32001);
      expect(stats.cellOf(Number.POSITIVE_INFINITY, 0, invScale)).toBe(32002);
      expect(stats.cellOf(Number.NEGATIVE_INFINITY, 0, invScale)).toBe(32003);
    }
  });

  it("is bit for bit what the SQL of the rollups gives", () => {
    const random = seededRandom(7);
    const values = [0, -0, 1e300, -1e300, 5e-324, 2 ** -149, 3.4e38, 3.5e38, 1, -1, 0.1, 13, 2700];
    for (let i = 0; i < 6000; i++) {
      values.push((random.next() - 0.5) * 10 ** random.integer(12) * 2 ** -random.integer(12));
    }
    const grids = [
      [0, 0],
      [13, 1 / 8],
      [0.1, 1 / 3],
      [1000, 1e-3],
      [-5e5, 1e4],
    ] as const;
    const session = new Session();
    try {
      for (const [center, invScale] of grids) {
        const sql = `SELECT toInt16(if(${invScale} = 0,
            bitShiftRight(reinterpretAsInt32(toFloat32(v)), 19),
            (1 - 2*((v-c)*w < 0)) *
              bitShiftRight(reinterpretAsInt32(toFloat32(1 + abs((v-c)*w))) - 1065353216, 16)))
          FROM (SELECT
            reinterpretAsFloat64(reverse(unhex(arrayJoin([${values.map(hex).join()}])))) AS v,
            reinterpretAsFloat64(reverse(unhex(${hex(center)}))) AS c,
            reinterpretAsFloat64(reverse(unhex(${hex(invScale)}))) AS w)`;
        const cells = session.query(sql, "TSV").trim().split("\n").map(Number);
        expect(cells).toEqual(values.map((value) => stats.cellOf(value, center, invScale)));
      }
    } finally {
      session.cleanup();
    }
  });

  it("never decreases with the value", () => {
    fc.assert(
      fc.property(finite, finite, grid, (a, b, { center, invScale }) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        for (const scale of [invScale, 0]) {
          const rank = (value: number): number =>
            stats.cellRank(stats.cellOf(value, center, scale), scale);
          expect(rank(low)).toBeLessThanOrEqual(rank(high));
        }
      }),
      { seed: 9, numRuns: 1000 },
    );
  });

  it("puts each value between the bounds of its cell", () => {
    fc.assert(
      fc.property(finite, grid, (value, { center, invScale }) => {
        for (const scale of [invScale, 0]) {
          const bounds = stats.cellBounds(stats.cellOf(value, center, scale), center, scale);
          // 1 + |x| was rounded to 24 bits: the border may be that far off.
          const slack =
            scale === 0
              ? Math.abs(value) * 1e-7
              : ((1 + Math.abs((value - center) * scale)) / scale) * 1.3e-7 +
                Math.abs(center) * 1e-15;
          expect(value).toBeGreaterThanOrEqual(bounds.lower - slack);
          expect(value).toBeLessThanOrEqual(bounds.upper + slack);
        }
      }),
      { seed: 10, numRuns: 1000 },
    );
  });

  it("snaps an edge to the nearer border of its cell", () => {
    expect(stats.snapToCellBorder(11.001, 10, 0.5)).toBe(11);
    expect(stats.snapToCellBorder(11.015, 10, 0.5)).toBe(10 + 65 / 64);
    expect(() => stats.cellBounds(32001, 0, 1)).toThrow("Cannot take the bounds");
  });
});

describe("learnGrid()", () => {
  it("takes median and IQR", () => {
    expect(stats.learnGrid([1, 2, 3, 4, 5])).toEqual({ center: 3, invScale: 0.5 });
  });

  it("falls back to the standard deviation, |median|, 1 where there is no IQR", () => {
    expect(stats.learnGrid([0, 0, 0, 0, 0, 0, 0, 0, 10]).invScale).toBeCloseTo(0.3, 2);
    expect(stats.learnGrid([-7, -7, -7])).toEqual({ center: -7, invScale: 1 / 7 });
    expect(stats.learnGrid([0, 0])).toEqual({ center: 0, invScale: 1 });
    expect(() => stats.learnGrid([])).toThrow("Cannot learn a grid");
  });
});

function hex(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return `'${bytes.toString("hex")}'`;
}
