import { describe, expect, it } from "vitest";
import { seededRandom, type Random } from "../../runtime/random.ts";
import * as stats from "../../stats/index.ts";
import { normal, zipf } from "./samplers.ts";

/** Distances of 900 routes, integers of 50 to 2 700 miles, few of them flown often. */
function routes(random: Random): () => number {
  const distances = Array.from({ length: 900 }, () => 50 + Math.floor(2650 * random.next() ** 2));
  const pick = zipf(900);
  return () => distances[pick(random)] ?? 50;
}

/** Local hours of departure: two peaks, quiet nights; busier mornings where `early`. */
function hour(random: Random, early: number): number {
  const u = random.next();
  const center = u < early ? 8 : 17;
  return Math.min(23, Math.max(5, Math.round(center + 2.2 * normal(random))));
}

const numeric = (
  clean: ArrayLike<number>,
  broken: ArrayLike<number>,
  period?: number,
): stats.BreakInput => ({
  kind: "numeric",
  clean: stats.countValues(clean),
  broken: stats.countValues(broken),
  cleanMissing: 0,
  brokenMissing: 0,
  ...(period === undefined ? {} : { period }),
});

const list = (length: number, make: () => number): number[] => Array.from({ length }, make);

describe("estimateFactor()", () => {
  it.each([1.609344, 1 / 1.609344, 1609.344, 5280, 1.15])(
    "finds %f from 1 000 rows of distances within 0.1 %%, rounded or not",
    (factor) => {
      const random = seededRandom(40);
      const draw = routes(random);
      const clean = list(4000, draw);
      for (const round of [Math.round, Math.fround]) {
        const broken = list(1000, () => round(draw() * factor));
        const estimate = stats.estimateFactor(stats.countValues(clean), stats.countValues(broken));
        expect(estimate?.method).toBe("atoms");
        expect(Math.abs((estimate?.factor ?? 0) / factor - 1)).toBeLessThan(0.001);
        expect(estimate?.lower).toBeLessThanOrEqual(factor);
        expect(estimate?.upper).toBeGreaterThanOrEqual(factor);
        expect(estimate?.explained).toBeGreaterThan(0.6);
      }
    },
  );

  it("says how well it knows the factor of a continuous feature", () => {
    const random = seededRandom(41);
    let covered = 0;
    const runs = 60;
    for (let run = 0; run < runs; run++) {
      const clean = stats.countValues(list(1000, () => Math.exp(normal(random))));
      const broken = stats.countValues(list(1000, () => 2.54 * Math.exp(normal(random))));
      const estimate = stats.estimateFactor(clean, broken);
      expect(estimate?.method).toBe("quantiles");
      covered += estimate && estimate.lower <= 2.54 && 2.54 <= estimate.upper ? 1 : 0;
    }
    expect(covered / runs).toBeGreaterThan(0.85);
  });

  it("has no answer for a handful of rows or a changed sign", () => {
    const some = stats.countValues([1, 2, 3]);
    expect(stats.estimateFactor(some, some)).toBeUndefined();
    const positive = stats.countValues(list(50, () => 3));
    const negative = stats.countValues(list(50, () => -3));
    expect(stats.estimateFactor(positive, negative)).toBeUndefined();
  });
});

describe("estimateShift()", () => {
  it.each([-8, -3, 1, 5, 12])("finds %d hours on the circle", (shift) => {
    const random = seededRandom(42);
    const clean = stats.countValues(list(4000, () => hour(random, 0.6)));
    const broken = stats.countValues(list(800, () => (hour(random, 0.6) + shift + 24) % 24));
    const estimate = stats.estimateShift(clean, broken, { period: 24 });
    expect(estimate?.shift).toBe(shift);
    expect(estimate?.explained).toBeGreaterThan(0.8);
    expect(estimate?.distanceAfter).toBeLessThan(estimate?.distanceBefore ?? 0);
  });

  it("finds no shift where there is none, and an offset off the circle", () => {
    const random = seededRandom(43);
    const clean = stats.countValues(list(2000, () => hour(random, 0.6)));
    const same = stats.countValues(list(2000, () => hour(random, 0.6)));
    expect(stats.estimateShift(clean, same, { period: 24 })?.shift).toBe(0);
    const warm = stats.countValues(list(1000, () => 20 + 5 * normal(random)));
    const warmer = stats.countValues(list(1000, () => 52 + 5 * normal(random)));
    const estimate = stats.estimateShift(warm, warmer);
    expect(estimate?.lower).toBeLessThan(32);
    expect(estimate?.upper).toBeGreaterThan(32);
    expect(() => stats.estimateShift(warm, warmer, { period: 24 })).toThrow("on a circle of 24");
    expect(stats.estimateShift(stats.countValues([]), warm)).toBeUndefined();
  });
});

/** Hours at airports of several zones, in UTC where broken. */
function airports(random: Random, rowsEach: number): stats.ShiftGroup[] {
  return Array.from({ length: 12 }, (_, i) => {
    const zone = 4 + (i % 4);
    const early = 0.3 + 0.05 * i;
    return {
      name: `airport ${i}`,
      clean: stats.countValues(list(4 * rowsEach, () => hour(random, early))),
      broken: stats.countValues(list(rowsEach, () => (hour(random, early) + zone) % 24)),
    };
  });
}

function sum(groups: readonly stats.ShiftGroup[], side: "clean" | "broken"): stats.ValueCounts {
  const values = groups.flatMap((group) => [...group[side].values]);
  return stats.countValues(
    values,
    groups.flatMap((group) => [...group[side].counts]),
  );
}

describe("estimateShiftWithin()", () => {
  it("finds the range of shifts when UTC is sent for local hours", () => {
    const within = stats.estimateShiftWithin(airports(seededRandom(44), 300), { period: 24 });
    expect([within?.min, within?.max]).toEqual([4, 7]);
    expect([5, 6]).toContain(within?.shift);
    expect(within?.explained).toBeGreaterThan(0.85);
    expect(within?.share).toBe(1);
  });

  it("does not let small groups speak", () => {
    expect(
      stats.estimateShiftWithin(airports(seededRandom(45), 9), { period: 24 }),
    ).toBeUndefined();
  });
});

describe("explainBreak()", () => {
  it("names kilometres for miles", () => {
    const random = seededRandom(46);
    const draw = routes(random);
    const broken = list(3000, () => Math.round(draw() * 1.609344));
    const found = stats.explainBreak(numeric(list(9000, draw), broken));
    expect(found.kind).toBe("factor");
    expect(found.kind === "factor" && found.factor).toBeCloseTo(1.609344, 3);
  });

  it("names one shift for all, and prefers it where groups explain no more", () => {
    const random = seededRandom(47);
    const clean = list(4000, () => hour(random, 0.6));
    const broken = list(900, () => (hour(random, 0.6) + 19) % 24);
    const found = stats.explainBreak(numeric(clean, broken, 24));
    expect(found).toMatchObject({ kind: "shift", shift: -5, lower: -5, upper: -5 });
  });

  it("names the shift within groups where UTC is sent for local hours", () => {
    const groups = airports(seededRandom(48), 300);
    const input = {
      ...numeric([], [], 24),
      clean: sum(groups, "clean"),
      broken: sum(groups, "broken"),
      groups,
    };
    const found = stats.explainBreak(input as stats.BreakInput);
    expect(found).toMatchObject({ kind: "shift", lower: 4, upper: 7 });
    expect(found.kind === "shift" && found.within?.groups).toBe(12);
  });

  it("names the shifted weekday of a single day", () => {
    const found = stats.explainBreak(numeric(Array(500).fill(2), Array(90).fill(3), 7));
    expect(found).toMatchObject({ kind: "shift", shift: 1, explained: 1 });
  });

  it("names missing values, a constant and new categories", () => {
    const random = seededRandom(49);
    const base = numeric(
      list(1000, () => normal(random)),
      list(500, () => normal(random)),
    );
    const missing = stats.explainBreak({ ...base, cleanMissing: 10, brokenMissing: 200 });
    expect(missing).toMatchObject({ kind: "missing", shareAfter: 200 / 700 });
    const constant = stats.explainBreak(
      numeric(
        list(1000, () => normal(random)),
        Array(80).fill(0),
      ),
    );
    expect(constant).toMatchObject({ kind: "constant", value: 0, shareAfter: 1 });
    const categories = stats.explainBreak({
      kind: "categorical",
      clean: new Map([
        ["a", 50],
        ["b", 50],
      ]),
      broken: new Map([
        ["a", 40],
        ["x", 9],
        ["y", 11],
      ]),
      cleanMissing: 0,
      brokenMissing: 0,
    });
    expect(categories).toMatchObject({ kind: "new-categories", examples: ["y", "x"] });
  });

  it("does not invent a name: unknown where nothing broke or nothing restores", () => {
    const random = seededRandom(50);
    const draw = routes(random);
    const quiet = stats.explainBreak(numeric(list(4000, draw), list(2000, draw)));
    expect(quiet).toMatchObject({ kind: "unknown", reason: "no_distance" });
    const split = (): number => (random.next() < 0.5 ? -1 : 1) + 0.1 * normal(random);
    const wider = numeric(
      list(3000, () => normal(random)),
      list(3000, split),
    );
    expect(stats.explainBreak(wider)).toMatchObject({
      kind: "unknown",
      reason: "nothing_restores",
    });
    expect(stats.explainBreak(numeric([], []))).toMatchObject({
      kind: "unknown",
      reason: "no_rows",
    });
    const other = stats.explainBreak({
      kind: "categorical",
      clean: new Map([
        ["a", 90],
        ["b", 10],
      ]),
      broken: new Map([
        ["a", 10],
        ["b", 90],
      ]),
      cleanMissing: 0,
      brokenMissing: 0,
    });
    expect(other).toMatchObject({
      kind: "unknown",
      reason: "nothing_restores",
      distanceBefore: 0.8,
    });
  });

  it("names nothing in 200 pairs of unbroken hours and distances", () => {
    const random = seededRandom(51);
    const draw = routes(random);
    for (let run = 0; run < 100; run++) {
      const hours = numeric(
        list(1500, () => hour(random, 0.5)),
        list(400, () => hour(random, 0.5)),
        24,
      );
      expect(stats.explainBreak(hours).kind).toBe("unknown");
      const distances = numeric(list(1500, draw), list(400, draw));
      expect(stats.explainBreak(distances).kind).toBe("unknown");
    }
  });
});
