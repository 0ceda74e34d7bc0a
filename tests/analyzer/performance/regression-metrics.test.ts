import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ValueBlock,
  regressionMetrics,
} from "../../../analyzer/performance/regression-metrics.ts";

type Row = readonly [predicted: number, actual: number];

const blockOf = (rows: readonly Row[], center = 0): ValueBlock => {
  const sum = (of: (row: Row) => number): number => rows.reduce((total, row) => total + of(row), 0);
  return {
    n: rows.length,
    error: sum(([p, y]) => p - y),
    absolute: sum(([p, y]) => Math.abs(p - y)),
    squared: sum(([p, y]) => (p - y) ** 2),
    actual: sum(([, y]) => y - center),
    actualSquared: sum(([, y]) => (y - center) ** 2),
  };
};

describe("metrics of a regression", () => {
  it("are those of its rows", () => {
    const rows: Row[] = [
      [3, 1],
      [2, 2],
      [4, 5],
      [9, 8],
    ];
    const { mae, rmse, skill, bias, labelled, blocks } = regressionMetrics([
      blockOf(rows.slice(0, 1)),
      blockOf(rows.slice(1)),
    ]);
    // scikit-learn: mean_absolute_error 1.0, root_mean_squared_error 1.224745, r2_score 0.8
    expect([mae.value, rmse.value, skill.value, bias.value, labelled, blocks]).toEqual([
      1,
      expect.closeTo(1.224745, 6),
      expect.closeTo(0.8, 9),
      0.5,
      4,
      2,
    ]);
    expect(mae.lower).toBeLessThan(1);
    expect(mae.upper).toBeGreaterThan(1);
  });

  it("have no interval from one block, and no skill where nothing varies", () => {
    const { mae, skill } = regressionMetrics([
      blockOf([
        [1, 2],
        [3, 2],
      ]),
    ]);
    expect([mae.value, mae.lower, skill.value]).toEqual([1, Number.NaN, Number.NaN]);
  });

  it("do not depend on the centre that squares are taken around", () => {
    const value = fc.double({ min: -100, max: 100, noNaN: true });
    const block = fc.array(fc.tuple(value, value), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(block, { minLength: 2, maxLength: 5 }), value, (all, center) => {
        fc.pre(new Set(all.flat().map(([, y]) => Math.round(y))).size > 2);
        const plain = regressionMetrics(all.map((rows) => blockOf(rows)));
        const moved = regressionMetrics(all.map((rows) => blockOf(rows, center)));
        expect(moved.skill.value).toBeCloseTo(plain.skill.value, 6);
        expect(plain.mae.value).toBeLessThanOrEqual(plain.rmse.value + 1e-9);
      }),
    );
  });
});
