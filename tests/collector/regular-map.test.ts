import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelSettings } from "../../collector/model-settings.ts";
import { predictionColumns } from "../../collector/prediction-columns.ts";
import { regularWidth } from "../../collector/rollup/regular-map.ts";
import { RollupBuilder } from "../../collector/rollup/rollup-builder.ts";
import { readBlock } from "../../contract/native-block.ts";
import { type PredictionRow, buildPredictionBlock } from "../../contract/payload-blocks.ts";

const HOUR_MS = 3_600_000;
const settings: ModelSettings = {
  gridNumber: 1,
  grain: "1h",
  segments: ["client"],
  grids: new Map([
    ["distance", { kind: "numeric", grid: 1, center: 10, invScale: 0.1 }],
    ["origin", { kind: "categorical", grid: 1, categories: ["a", "b"] }],
  ]),
};

/** Every cell of the model "m" with its counts, in an order of its own. */
function cellsOf(rows: readonly PredictionRow[]): readonly string[] {
  const builder = new RollupBuilder(() => settings, {
    isKnown: (_model, _tag, value) => value !== "c2",
  });
  builder.add(predictionColumns(readBlock(buildPredictionBlock(rows))));
  const seen: string[] = [];
  builder.parts.get("m")?.cells.visit((cohort, cell, n, s, q) => {
    seen.push(JSON.stringify([cohort, cell, n, s, q]));
  });
  return seen.toSorted();
}

const value = fc.oneof(
  fc.integer({ min: -40, max: 40 }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 1e300),
);
const row = fc.record({
  model: fc.constant("m"),
  version: fc.constantFrom("1", "2"),
  id: fc.constant("x"),
  ts: fc.integer({ min: 0, max: 3 * HOUR_MS }),
  num: fc.record({ distance: value, hour: value }),
  cat: fc.record({ origin: fc.constantFrom("a", "b", "new"), kind: fc.constantFrom("x", "y") }),
  tags: fc.record({ client: fc.constantFrom("c0", "c1", "c2") }),
  score: fc.constantFrom(0.25, Number.NaN),
  latency: fc.constantFrom(0.5, Number.NaN),
  error: fc.constantFrom("", "", "timeout"),
});

describe("rows that all have the same features", () => {
  it("are told from those that have not", () => {
    const widthOf = (...maps: Record<string, number>[]): number => {
      const rows = maps.map((num) => ({ model: "m", id: "x", ts: 0, num }));
      return regularWidth(predictionColumns(readBlock(buildPredictionBlock(rows))).num);
    };
    expect(widthOf({ a: 1, b: 2 }, { a: 3, b: 4 })).toBe(2);
    expect(widthOf({ a: 1, b: 2 }, { b: 3, a: 4 })).toBe(0);
    expect(widthOf({ a: 1, b: 2 }, { a: 3 }, { b: 4, c: 1 })).toBe(0);
    expect(widthOf({}, {})).toBe(0);
  });

  it("are counted as if they were read one by one, in every order of cohorts", () => {
    // Beside a row of another shape all of them take the general way.
    const other: PredictionRow = { model: "another", id: "y", ts: 0, num: { odd: 1 } };
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 40 }), fc.nat(30), (rows, repeats) => {
        const many = Array.from({ length: 1 + repeats }, () => rows).flat();
        expect(cellsOf(many)).toEqual(cellsOf([...many, other]));
      }),
      { numRuns: 60 },
    );
  });

  it("are counted alike where a feature has so many values that its cells get a block", () => {
    const rows = Array.from({ length: 6_000 }, (_, i) => ({
      model: "m",
      version: "1",
      id: "x",
      ts: 0,
      num: { distance: (i * 7919) % 97, hour: i % 24 },
      cat: { origin: ["a", "b", "new"][i % 3] ?? "" },
    }));
    expect(cellsOf(rows)).toEqual(
      cellsOf([...rows, { model: "another", id: "y", ts: 0, cat: { odd: "1" } }]),
    );
  });
});
