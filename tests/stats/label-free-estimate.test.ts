import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/random.ts";
import * as stats from "../../stats/index.ts";
import { reference } from "./reference.ts";

describe("fitIsotonic()", () => {
  it("agrees with scikit-learn, between and beyond its points", () => {
    for (const { score, label, isotonic } of reference.metrics) {
      const map = stats.fitIsotonic(stats.countScores(score, label));
      for (const [x, y] of isotonic) {
        expect(stats.isotonicAt(map, x)).toBeCloseTo(y, 12);
      }
    }
  });

  it("pools adjacent violators, by hand", () => {
    const counts = stats.countScores([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1]);
    const map = stats.fitIsotonic(counts);
    expect([...map.x]).toEqual([0.1, 0.2, 0.3, 0.4]);
    expect([...map.y]).toEqual([0, 0.5, 0.5, 1]);
    const none = new Float64Array(0);
    expect(() => stats.fitIsotonic({ scores: none, rows: none, positives: none })).toThrow(
      "no rows",
    );
  });

  it("never decreases and keeps the number of positives", () => {
    const row = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.boolean());
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 60 }), (rows) => {
        const counts = stats.countScores(
          rows.map(([score]) => score / 10),
          rows.map(([, label]) => (label ? 1 : 0)),
        );
        const map = stats.fitIsotonic(counts);
        let total = 0;
        let previous = 0;
        counts.scores.forEach((score, i) => {
          const level = stats.isotonicAt(map, score);
          expect(level).toBeGreaterThanOrEqual(previous - 1e-12);
          previous = level;
          total += level * (counts.rows[i] ?? 0);
        });
        expect(total).toBeCloseTo(rows.filter(([, label]) => label).length, 9);
      }),
      { seed: 30, numRuns: 300 },
    );
  });
});

describe("fitCalibration()", () => {
  const random = seededRandom(31);
  /** Ten parts whose true probability is the score to this power. */
  function parts(power: number): stats.ScoreCounts[] {
    return Array.from({ length: 10 }, () => {
      const scores = Array.from({ length: 1000 }, () => Math.round(random.next() * 100) / 100);
      return stats.countScores(
        scores,
        scores.map((score) => (random.next() < score ** power ? 1 : 0)),
      );
    });
  }

  it("mends scores that are wrong", () => {
    const calibration = stats.fitCalibration(parts(2));
    expect(calibration.kind).toBe("isotonic");
    expect(calibration.errorCalibrated).toBeLessThan(calibration.errorRaw / 2);
    expect(stats.calibrated(calibration, 0.5)).toBeCloseTo(0.25, 1);
  });

  it("judges a single table by dealing its rows into folds, which add up", () => {
    const whole = stats.mergeScoreCounts(parts(2));
    const folds = stats.splitScoreCounts(whole, 10, random);
    expect(stats.mergeScoreCounts(folds)).toEqual(whole);
    expect(stats.fitCalibration(folds).kind).toBe("isotonic");
  });

  it("leaves alone scores that are right, and cannot judge one part alone", () => {
    const right = stats.fitCalibration(parts(1));
    expect([right.kind, stats.calibrated(right, 0.3)]).toEqual(["identity", 0.3]);
    expect(stats.fitCalibration(parts(2).slice(0, 1)).reason).toBe("one_part_only");
  });
});

describe("estimatePerformance()", () => {
  const identity: stats.Calibration = {
    kind: "identity",
    reason: "no_lower_error_on_held_out",
    errorRaw: 0,
    errorCalibrated: 0,
  };

  it("is the expectation over labels, by hand", () => {
    const window = { scores: Float64Array.of(0.2, 0.9), rows: Float64Array.of(10, 30) };
    const estimate = stats.estimatePerformance(identity, window);
    expect(estimate.confusion.truePositives).toBeCloseTo(27, 12);
    expect(estimate.confusion.falseNegatives).toBeCloseTo(2, 12);
    expect(estimate.accuracy.value).toBeCloseTo((27 + 8) / 40, 12);
    expect(estimate.positiveShare.value).toBeCloseTo(29 / 40, 12);
    expect(estimate.brier.value).toBeCloseTo((10 * 0.16 + 30 * 0.09) / 40, 12);
    // 27·8 pairs won, 27·3 + 2·8 tied, of 29·11.
    expect(estimate.auc.value).toBeCloseTo((27 * 8 + (27 * 3 + 2 * 8) / 2) / (29 * 11), 12);
    const empty = { scores: new Float64Array(0), rows: new Float64Array(0) };
    expect(() => stats.estimatePerformance(identity, empty)).toThrow("it has no rows");
  });

  it("has a band that holds what labels then show", () => {
    const random = seededRandom(32);
    const runs = 400;
    const outside = { logLoss: 0, brier: 0, accuracy: 0, f1: 0, auc: 0 };
    for (let run = 0; run < runs; run++) {
      const scores = Array.from({ length: 600 }, () => Math.round(100 * random.next() ** 2) / 100);
      const labels = scores.map((score) => (random.next() < score ? 1 : 0));
      const estimate = stats.estimatePerformance(identity, stats.countScores(scores, labels), {
        threshold: 0.4,
        bandErrors: 2,
      });
      const confusion = stats.confusionOf(scores, labels, 0.4);
      const realised = {
        logLoss: stats.logLoss(scores, labels),
        brier: stats.brierScore(scores, labels),
        accuracy: stats.accuracy(confusion),
        f1: stats.f1Score(confusion),
        auc: stats.auc(scores, labels),
      };
      for (const name of ["logLoss", "brier", "accuracy", "f1", "auc"] as const) {
        const { lower, upper } = estimate[name];
        outside[name] += realised[name] < lower || realised[name] > upper ? 1 : 0;
      }
    }
    // Two standard errors: at most 4.6 % outside; fewer, since the rows are given and only labels
    // vary.
    for (const name of ["logLoss", "brier", "accuracy", "f1", "auc"] as const) {
      expect(outside[name] / runs, `of ${name}`).toBeLessThan(0.075);
    }
    expect(outside.accuracy + outside.f1).toBeGreaterThan(0);
  });

  it("adds up over windows: the estimate of the whole is that of merged counts", () => {
    const a = { scores: Float64Array.of(0.1, 0.6), rows: Float64Array.of(5, 7) };
    const b = { scores: Float64Array.of(0.1, 0.6), rows: Float64Array.of(2, 9) };
    const whole = { scores: a.scores, rows: Float64Array.of(7, 16) };
    const [left, right, both] = [a, b, whole].map((w) => stats.estimatePerformance(identity, w));
    const sum = (left?.logLoss.value ?? 0) * 12 + (right?.logLoss.value ?? 0) * 11;
    expect((both?.logLoss.value ?? 0) * 23).toBeCloseTo(sum, 10);
  });
});

const FOLDER = new URL("../../../shared/data/nannyml/", import.meta.url);
const hasData = existsSync(new URL("california_housing_reference.csv", FOLDER));
const why = hasData
  ? ""
  : " (skipped: california_housing_*.csv are not in ../shared/data/nannyml beside the checkout)";

type Row = Record<string, string>;

function readCsv(name: string): Row[] {
  const [head = "", ...lines] = readFileSync(new URL(name, FOLDER), "utf8").trim().split("\n");
  const keys = head.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(keys.map((key, i) => [key, cells[i] ?? ""]));
  });
}

const column = (rows: readonly Row[], name: string): Float64Array =>
  Float64Array.from(rows, (row) => Number(row[name]));

function byMonth(rows: readonly Row[]): Map<string, Row[]> {
  return Map.groupBy(rows, (row) => (row["timestamp"] ?? "").slice(0, 7));
}

describe.skipIf(!hasData)(`NannyML's published figures on California housing${why}`, () => {
  const analysis = hasData ? readCsv("california_housing_analysis.csv") : [];
  const training = hasData ? readCsv("california_housing_reference.csv") : [];

  it("CBPE's estimated AUC per month, to 1e-4", () => {
    const folds = Array.from({ length: 10 }, (_, fold) => {
      const rows = training.filter((_row, i) => i % 10 === fold);
      return stats.countScores(column(rows, "y_pred_proba"), column(rows, "clf_target"));
    });
    const calibration = stats.fitCalibration(folds);
    expect(calibration.kind).toBe("isotonic");
    const published: Record<string, number> = {
      "2021-06": 0.8593,
      "2021-07": 0.751,
      "2021-08": 0.7093,
      "2021-09": 0.6643,
      "2021-10": 0.8243,
      "2021-11": 0.8703,
      "2021-12": 0.8983,
      "2022-01": 0.8516,
      "2022-02": 0.9111,
      "2022-03": 0.829077,
      "2022-04": 0.910661,
      "2022-05": 0.9399,
    };
    for (const [month, rows] of byMonth(analysis)) {
      const scores = column(rows, "y_pred_proba");
      const window = stats.countScores(scores, new Float64Array(scores.length));
      const estimate = stats.estimatePerformance(calibration, window);
      const difference = Math.abs(estimate.auc.value - (published[month] ?? Number.NaN));
      expect(difference, `in ${month}`).toBeLessThan(1e-4);
    }
    const months = [...byMonth(training).values()].map((rows) =>
      stats.auc(column(rows, "y_pred_proba"), column(rows, "clf_target")),
    );
    const mean = months.reduce((total, value) => total + value, 0) / months.length;
    const spread = Math.sqrt(
      months.reduce((total, value) => total + (value - mean) ** 2, 0) / months.length,
    );
    expect(mean - 3 * spread).toBeCloseTo(0.708336, 5);
  });

  it("the mean KS statistic per feature, to 1e-6", () => {
    const published: Record<string, number> = {
      Longitude: 0.712709,
      Latitude: 0.672904,
      HouseAge: 0.201638,
      MedInc: 0.154952,
      AveOccup: 0.14389,
      AveRooms: 0.129277,
      AveBedrms: 0.08914,
      Population: 0.073562,
    };
    const months = [...byMonth(training).values(), ...byMonth(analysis).values()];
    for (const [feature, expected] of Object.entries(published)) {
      const whole = column(training, feature).sort();
      const total = months.reduce(
        (sum, rows) => sum + stats.ksStatistic(whole, column(rows, feature).sort()),
        0,
      );
      expect(total / months.length, `of ${feature}`).toBeCloseTo(expected, 5);
    }
  });
});
