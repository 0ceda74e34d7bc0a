import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as stats from "../../stats/index.ts";
import { expectClose, reference } from "./reference.ts";

describe("performance metrics", () => {
  it("agree with scikit-learn", () => {
    for (const example of reference.metrics) {
      const { score, label, weight } = example;
      expectClose(stats.logLoss(score, label), example.logLoss, 1e-12, "logLoss");
      expectClose(stats.logLoss(score, label), example.logLossSklearn, 1e-9, "logLoss");
      expectClose(stats.brierScore(score, label), example.brier, 1e-12, "brier");
      expectClose(stats.auc(score, label), example.auc, 1e-12, "auc");
      expectClose(stats.auc(score, label, weight), example.aucWeighted, 1e-12, "weighted auc");
      const confusion = stats.confusionOf(score, label, 0.4);
      expectClose(stats.accuracy(confusion), example.accuracy, 1e-12, "accuracy");
      expectClose(stats.f1Score(confusion), example.f1, 1e-12, "f1");
      const share = label.reduce((total, value) => total + value, 0) / label.length;
      expectClose(stats.entropy(share), example.entropy, 1e-12, "entropy");
    }
  });

  it("logLoss() clips at 1e-15, so that one wrong certainty costs 34.5", () => {
    expect(stats.logLoss([0], [1])).toBeCloseTo(-Math.log(1e-15), 9);
    expect(stats.logLoss([1, 1], [1, 1])).toBeCloseTo(0, 12);
    expect(stats.logLoss([], [])).toBeNaN();
    expect(() => stats.logLoss([0.5], [])).toThrow("Cannot pair probabilities with labels");
  });

  it("skill() is 0 for the base rate, 1 for perfection and nothing for one class", () => {
    const labels = [1, 0, 0, 0];
    const loss = stats.logLoss([0.25, 0.25, 0.25, 0.25], labels);
    expect(stats.skill(loss, 0.25)).toBeCloseTo(0, 12);
    expect(stats.skill(0, 0.25)).toBe(1);
    expect(stats.skill(0.1, 1)).toBeNaN();
  });

  it("auc() counts ties one half and knows no answer for one class", () => {
    expect(stats.auc([0.5, 0.5, 0.5], [1, 0, 0])).toBe(0.5);
    expect(stats.auc([0.1, 0.2, 0.9], [0, 0, 1])).toBe(1);
    expect(stats.auc([0.1, 0.2], [1, 1])).toBeNaN();
  });

  it("auc() agrees with the definition by pairs, and mirrors when scores are negated", () => {
    const row = fc.record({
      score: fc.integer({ min: 0, max: 12 }),
      label: fc.integer({ min: 0, max: 1 }),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 40 }), (rows) => {
        const positives = rows.filter((r) => r.label === 1);
        const negatives = rows.filter((r) => r.label === 0);
        fc.pre(positives.length > 0 && negatives.length > 0);
        let wins = 0;
        for (const p of positives) {
          for (const n of negatives) {
            wins += p.score > n.score ? 1 : p.score === n.score ? 0.5 : 0;
          }
        }
        const labels = rows.map((r) => r.label);
        const value = stats.auc(
          rows.map((r) => r.score),
          labels,
        );
        expect(value).toBeCloseTo(wins / (positives.length * negatives.length), 12);
        const mirrored = stats.auc(
          rows.map((r) => -r.score),
          labels,
        );
        expect(mirrored).toBeCloseTo(1 - value, 12);
        const weighted = stats.auc(
          rows.map((r) => r.score),
          labels,
          rows.map(() => 2),
        );
        expect(weighted).toBeCloseTo(value, 12);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it("the reliability table gives calibration in the large and the expected error", () => {
    const table = stats.reliabilityTable([0.05, 0.05, 0.95, 1], [0, 1, 1, 1]);
    expect(table).toHaveLength(10);
    expect(table[0]).toEqual({ rows: 2, predicted: 0.1, observed: 1 });
    expect(table[9]?.rows).toBe(2);
    expect(stats.calibrationInTheLarge(table)).toBeCloseTo((2.05 - 3) / 4, 12);
    expect(stats.expectedCalibrationError(table)).toBeCloseTo((0.9 + 0.05) / 4, 12);
  });
});

describe("corrections for many tests", () => {
  it("agree with statsmodels", () => {
    const { p, holm, benjaminiHochberg } = reference.corrections;
    stats.holm(p).forEach((value, i) => expect(value).toBeCloseTo(holm[i] ?? -1, 12));
    stats
      .benjaminiHochberg(p)
      .forEach((value, i) => expect(value).toBeCloseTo(benjaminiHochberg[i] ?? -1, 12));
  });

  it("never make a p-value smaller, and Holm never less than Benjamini–Hochberg", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }), (p) => {
        const strict = stats.holm(p);
        stats.benjaminiHochberg(p).forEach((q, i) => {
          expect(q).toBeGreaterThanOrEqual((p[i] ?? 0) - 1e-15);
          expect(strict[i]).toBeGreaterThanOrEqual(q - 1e-12);
        });
      }),
      { seed: 4, numRuns: 300 },
    );
  });
});
