import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/random.ts";
import * as stats from "../../stats/index.ts";
import { draw, drawCategories, normal, SAMPLERS, type Sampler, zipf } from "./samplers.ts";

function compare(reference: ArrayLike<number>, current: ArrayLike<number>): stats.DriftInput {
  const grid = stats.learnGrid(Float64Array.from(reference).sort());
  const cells = {
    reference: stats.countCells(reference, grid),
    current: stats.countCells(current, grid),
  };
  const histogram = stats.numericHistogram(cells.reference);
  return { histogram, current: stats.projectCells(histogram, cells.current), cells };
}

describe("driftVerdict()", () => {
  it("sees a shift of half a σ, names the effects and gives its numbers", () => {
    const random = seededRandom(20);
    const verdict = stats.driftVerdict(
      compare(
        draw(random, normal, 5000),
        draw(random, (r) => 0.5 + normal(r), 2000),
      ),
    );
    expect(verdict.verdict).toBe("drift");
    expect(verdict.reason).toBe("evidence_and_effect");
    expect(verdict.evidence.statistics.wasserstein).toBeCloseTo(0.5, 1);
    expect(verdict.evidence.statistics.ks).toBeCloseTo(0.197, 1);
    expect(verdict.evidence.statistics.psi).toBeCloseTo(0.25, 1);
    expect(verdict.pValue).toBeLessThan(1e-20);
    expect(verdict.verdict === "drift" && verdict.effects).toContain("wasserstein");
  });

  it("keeps quiet about a shift that is certain but does not matter", () => {
    const random = seededRandom(21);
    const verdict = stats.driftVerdict(
      compare(
        draw(random, normal, 50_000),
        draw(random, (r) => 0.05 + normal(r), 50_000),
      ),
    );
    expect([verdict.verdict, verdict.reason]).toEqual(["no_drift", "effect_below_floor"]);
    expect(verdict.pValue).toBeLessThan(0.001);
  });

  it("keeps quiet about a large distance that 50 rows give by chance", () => {
    const random = seededRandom(22);
    const verdict = stats.driftVerdict(
      compare(draw(random, normal, 5000), draw(random, normal, 50)),
    );
    expect([verdict.verdict, verdict.reason]).toEqual(["no_drift", "no_evidence"]);
    expect(verdict.evidence.statistics.psi).toBeGreaterThan(0.1);
  });

  it("says when there is too little to tell, and what could have been seen", () => {
    const verdict = stats.driftVerdict(compare([1, 2, 3, 4], Array(100).fill(2)));
    expect([verdict.verdict, verdict.reason]).toEqual(["insufficient_data", "too_few_rows"]);
    expect(verdict.evidence.smallestDetectableShift).toBeGreaterThan(1);
    const input = compare(
      Array.from({ length: 900 }, (_, i) => i % 9),
      Array(500).fill(3),
    );
    const designEffect = { ...stats.INDEPENDENT_ROWS, correlation: 0.5, blockRows: 100 };
    const few = stats.driftVerdict({
      ...input,
      designEffect,
      blocks: { reference: 9, current: 1 },
    });
    expect([few.verdict, few.reason]).toEqual(["insufficient_data", "too_few_effective_rows"]);
  });

  it("finds identical samples identical, and a constant that moved drifted", () => {
    const same = stats.driftVerdict(compare(Array(100).fill(7), Array(50).fill(7)));
    expect([same.verdict, same.reason]).toEqual(["no_drift", "identical"]);
    const empty = stats.driftVerdict(compare(Array(100).fill(7), []));
    expect([empty.verdict, empty.reason]).toEqual(["insufficient_data", "too_few_rows"]);
    const half = Array.from({ length: 100 }, (_, i) => (i < 50 ? 7 : 8));
    const moved = stats.driftVerdict(compare(Array(100).fill(7), half));
    expect(moved.verdict).toBe("drift");
    expect(moved.evidence.statistics.wasserstein).toBeCloseTo(0.5 / 7, 12);
  });

  it("sees missing values that became frequent", () => {
    const random = seededRandom(23);
    const input = compare(draw(random, normal, 2000), draw(random, normal, 1500));
    const current = input.current.slice();
    current[current.length - 1] = 500;
    const verdict = stats.driftVerdict({ ...input, current });
    expect(verdict.verdict === "drift" && verdict.effects).toContain("psi");
  });

  it("decides by a corrected p-value where one is given", () => {
    const random = seededRandom(24);
    const evidence = stats.driftEvidence(
      compare(
        draw(random, normal, 2000),
        draw(random, (r) => 0.3 + normal(r), 200),
      ),
    );
    expect(stats.decideDrift(evidence, { alpha: 0.05 }).verdict).toBe("drift");
    expect(stats.decideDrift(evidence, { alpha: 0.05, pValueAdjusted: 0.2 }).reason).toBe(
      "no_evidence",
    );
  });

  it("comes out the same from evidence that went through JSON", () => {
    const random = seededRandom(28);
    const input = compare(draw(random, normal, 900), draw(random, normal, 700));
    const evidence = stats.driftEvidence(input);
    const stored = JSON.parse(JSON.stringify(evidence)) as stats.DriftEvidence;
    expect(stored).toEqual(evidence);
    expect(stats.decideDrift(stored)).toEqual(stats.driftVerdict(input));
  });

  it("needs no outlier-proof range: one value of 1e4 hides nothing", () => {
    const random = seededRandom(25);
    const current = draw(random, (r) => 1 + normal(r), 1000);
    current[0] = 1e4;
    const verdict = stats.driftVerdict(compare(draw(random, normal, 5000), current));
    expect(verdict.evidence.statistics.psi).toBeGreaterThan(0.8);
  });
});

describe("false alarms under no drift", () => {
  /** Upper 99.9 % binomial limit of what a perfect test at 5 % gives in this many runs. */
  function atMost(runs: number): number {
    let hits = 0;
    while (stats.binomialUpperTail(hits, runs, 0.05) > 0.001) {
      hits++;
    }
    return hits;
  }
  const sizes = [
    [1000, 50],
    [2000, 200],
    [1500, 1500],
  ] as const;

  it.each(Object.entries(SAMPLERS))(
    "of the joint p-value are at most nominal: %s",
    (_, sampler) => {
      const random = seededRandom(26);
      const runs = 400;
      for (const [m, n] of sizes) {
        let hits = 0;
        for (let run = 0; run < runs; run++) {
          const input = compare(
            draw(random, sampler as Sampler, m),
            draw(random, sampler as Sampler, n),
          );
          hits += stats.driftEvidence(input).pValues.joint <= 0.05 ? 1 : 0;
        }
        expect(hits, `${m} rows against ${n}`).toBeLessThanOrEqual(atMost(runs));
        // A test that never speaks is no test either.
        expect(hits, `${m} rows against ${n}`).toBeGreaterThan(runs * 0.012);
      }
    },
  );

  it("of 50 Zipf categories are at most nominal, 50 rows included", () => {
    const random = seededRandom(27);
    const runs = 800;
    const sampler = zipf(50);
    for (const [m, n] of sizes) {
      let hits = 0;
      for (let run = 0; run < runs; run++) {
        const counts = drawCategories(random, sampler, m);
        const histogram = stats.categoryHistogram({ counts, missing: 0 });
        const window = { counts: drawCategories(random, sampler, n), missing: 0 };
        const current = stats.projectCategories(histogram, window);
        hits += stats.driftEvidence({ histogram, current }).pValues.joint <= 0.05 ? 1 : 0;
      }
      expect(hits, `${m} rows against ${n}`).toBeLessThanOrEqual(atMost(runs));
    }
  });
});
