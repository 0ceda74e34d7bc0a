import { describe, expect, it } from "vitest";
import { decideCalibration, decideProbe } from "../../../../examples/flights/offline/decisions.ts";
import { fitPlatt, recalibrated } from "../../../../examples/flights/offline/recalibration.ts";
import { seededRandom } from "../../../../runtime/random.ts";

/** Seven days of 1000 rows; the refit's loss is lower by `gain` a row, more or less. */
const week = (gain: number, spread = 0): { challenger: number; champion: number; rows: number }[] =>
  Array.from({ length: 7 }, (_, day) => ({
    challenger: 500 - 1000 * (gain + spread * (day - 3)),
    champion: 500,
    rows: 1000,
  }));

describe("decideProbe()", () => {
  it.each([
    ["RETRAIN", "probe_better", 0.0065, 0.0001, false],
    ["WAIT", "gain_too_small", 0.0064, 0, false],
    ["WAIT", "not_beyond_doubt", 0.008, 0.006, false],
    ["INVESTIGATE", "data_broken", 0.011, 0.0001, true],
    ["WAIT", "gain_too_small", 0.001, 0.0001, true],
  ])(
    "says %s (%s) at a gain of %d with a spread of %d",
    (decision, reason, gain, spread, broken) => {
      const decided = decideProbe(week(gain, spread), broken);
      expect(decided).toMatchObject({ decision, reason, rows: 7000 });
      expect(decided.gain).toBeCloseTo(gain, 10);
    },
  );

  it("takes the one-sided bound with six degrees of freedom", () => {
    // Standard error of seven equally spaced days: spread * sqrt(28 / 6 / 7); t(0.95, 6) = 1.943180.
    const { upperBound } = decideProbe(week(0.01, 0.002), false);
    expect(upperBound).toBeCloseTo(-0.01 + 1.94318 * 0.002 * Math.sqrt(28 / 42), 6);
  });
});

describe("decideCalibration()", () => {
  const days = (gap: number, swing: number): { sum: number; rows: number }[] =>
    Array.from({ length: 14 }, (_, day) => ({
      sum: 1000 * (gap + (day % 2 === 0 ? swing : -swing)),
      rows: 1000,
    }));

  it("fires on a gap that matters and is beyond doubt, to either side", () => {
    expect(decideCalibration(days(0.06, 0.02)).isFiring).toBe(true);
    expect(decideCalibration(days(-0.06, 0.02)).isFiring).toBe(true);
  });

  it("is quiet on a small gap however sure, and on a large one that may be chance", () => {
    expect(decideCalibration(days(0.04, 0.001)).isFiring).toBe(false);
    expect(decideCalibration(days(0.06, 0.2)).isFiring).toBe(false);
  });
});

it("fitPlatt() finds the two parameters with which outcomes were drawn", () => {
  const random = seededRandom(5);
  const scores = Float64Array.from({ length: 200_000 }, () => 0.05 + 0.9 * random.next());
  const truth = { intercept: -0.7, slope: 0.6 };
  const late = Array.from(scores, (score) => (random.next() < recalibrated(truth, score) ? 1 : 0));
  const platt = fitPlatt(scores, late, scores.keys());
  expect(platt.intercept).toBeCloseTo(truth.intercept, 1);
  expect(platt.slope).toBeCloseTo(truth.slope, 1);
});
