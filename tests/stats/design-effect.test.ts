import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/random.ts";
import * as stats from "../../stats/index.ts";
import { draw, normal } from "./samplers.ts";

/** Days whose mean moves by `dayEffect` σ, as cell counts per day. */
function days(seed: number, count: number, rows: number, dayEffect: number): stats.CellCounts[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    const shift = dayEffect * normal(random);
    const values = draw(random, (r) => shift + normal(r), rows);
    return stats.countCells(values, { center: 0, invScale: 1 / 1.35 });
  });
}

function learn(parts: readonly stats.CellCounts[]): stats.DesignEffect {
  const histogram = stats.numericHistogram(stats.mergeCellCounts(parts), { binsMax: 20 });
  return stats.learnDesignEffect(
    parts.map((part) => stats.projectCells(histogram, part)),
    { orderedCells: histogram.orderedCells },
  );
}

describe("learnDesignEffect()", () => {
  it("is that of independent rows where blocks do not differ at all, as those of a schedule", () => {
    const block = [25, 25, 25, 25];
    const effect = stats.learnDesignEffect([block, block, block, block, block]);
    expect(effect).toMatchObject({ designEffect: 1, correlation: 0, rank: 3, blocks: 5 });
    const { pValue } = stats.chiSquareTest(block, [30, 20, 25, 25], {
      ...{ rowsA: 100, rowsB: 100, rank: effect.rank, degreesOfFreedom: effect.degreesOfFreedom },
    });
    expect(pValue).toBeGreaterThan(0.1);
    expect(pValue).toBeLessThan(1);
  });

  it("is Pearson's χ² of homogeneity over its degrees of freedom, by hand", () => {
    const blocks = [
      [10, 10],
      [16, 4],
      [4, 16],
      [10, 10],
    ];
    // Each cell: p̄ = 0.5, residuals (0.3, −0.3) in two blocks of 20: X² = 2·2·20·0.09/0.5 = 14.4
    // on 3.
    const effect = stats.learnDesignEffect(blocks);
    expect(effect.designEffect).toBeCloseTo(14.4 / 3, 12);
    expect(effect.blockRows).toBeCloseTo(20, 12);
    expect(effect.rank).toBe(1);
  });

  it("finds independent rows independent", () => {
    const effect = learn(days(1, 60, 400, 0));
    expect(effect.designEffect).toBeLessThan(1.1);
    expect(effect.cumulative).toBeLessThan(1.6);
    expect(effect.serialCorrelation).toBe(0);
    expect(stats.effectiveSampleSize(400, effect)).toBeGreaterThan(350);
  });

  it("finds that a shared shift costs KS more than χ², since it lies in few directions", () => {
    const effect = learn(days(2, 60, 1000, 0.2));
    // Var F(0) between days is (0.2 φ(0))² = 0.00637: over 0.25/1000 it is 25.
    expect(effect.cumulative).toBeGreaterThan(15);
    expect(effect.cumulative).toBeLessThan(45);
    expect(effect.designEffect).toBeLessThan(effect.cumulative / 3);
    expect(effect.rank).toBeLessThan(4);
  });

  it("takes the days of a week out where the season is told", () => {
    const random = seededRandom(3);
    const blocks = Array.from({ length: 56 }, (_, day) => {
      const weekend = day % 7 >= 5;
      const counts = [0, 0];
      for (let i = 0; i < 500; i++) {
        const cell = random.next() < (weekend ? 0.3 : 0.6) ? 0 : 1;
        counts[cell] = (counts[cell] ?? 0) + 1;
      }
      return counts;
    });
    expect(stats.learnDesignEffect(blocks).designEffect).toBeGreaterThan(20);
    expect(stats.learnDesignEffect(blocks, { seasonBlocks: 7 }).designEffect).toBeLessThan(1.6);
  });

  it("says that rows are independent where there are too few blocks to know", () => {
    const effect = stats.learnDesignEffect([
      [1, 2],
      [3, 4],
      [0, 0],
    ]);
    expect(effect).toEqual({ ...stats.INDEPENDENT_ROWS, blocks: 2 });
    expect(() => stats.learnDesignEffect([[1, 2], [3]])).toThrow("Cannot compare blocks");
  });

  it("makes more rows of the same day worth hardly more, and more days worth more", () => {
    const effect = { ...learn(days(4, 40, 1000, 0.3)), serialCorrelation: 0 };
    const oneDay = stats.effectiveSampleSize(1000, effect, effect.correlation, 1);
    const fullDay = stats.effectiveSampleSize(100_000, effect, effect.correlation, 1);
    const tenDays = stats.effectiveSampleSize(10_000, effect, effect.correlation, 10);
    expect(fullDay).toBeLessThan(1 / effect.correlation + 1);
    expect(tenDays).toBeCloseTo(10 * oneDay, 6);
    expect(stats.effectiveSampleSize(0, effect)).toBe(0);
  });
});

describe("driftVerdict() on dependent rows", () => {
  it("keeps its false-alarm rate, where independence cries wolf every other week", () => {
    const runs = 300;
    let learnt = 0;
    let independent = 0;
    for (let run = 0; run < runs; run++) {
      const all = days(1000 + run, 35, 300, 0.25);
      const parts = all.slice(0, 28);
      const reference = stats.mergeCellCounts(parts);
      const histogram = stats.numericHistogram(reference, { binsMax: 16 });
      const current = stats.mergeCellCounts(all.slice(28));
      const base = {
        histogram,
        current: stats.projectCells(histogram, current),
        cells: { reference, current },
      };
      const designEffect = stats.learnDesignEffect(
        parts.map((part) => stats.projectCells(histogram, part)),
        { orderedCells: histogram.orderedCells },
      );
      const blocks = { reference: 28, current: 7 };
      const evidence = stats.driftEvidence({ ...base, designEffect, blocks });
      learnt += evidence.pValues.joint <= 0.05 ? 1 : 0;
      independent += stats.driftEvidence(base).pValues.joint <= 0.05 ? 1 : 0;
    }
    expect(learnt / runs).toBeLessThan(0.09);
    expect(independent / runs).toBeGreaterThan(0.5);
  });
});
