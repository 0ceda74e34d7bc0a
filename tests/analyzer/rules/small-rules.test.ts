import { describe, expect, it } from "vitest";
import { AgentHeads, BLIND_AFTER_MS } from "../../../analyzer/rules/blind-agents.ts";
import { judgeCalibration } from "../../../analyzer/rules/calibration.ts";
import { judgeLabels } from "../../../analyzer/rules/no-labels.ts";
import type { BlockSums } from "../../../analyzer/performance/metrics.ts";

/** Days of a thousand rows whose predictions exceed outcomes by `gap` of them. */
const days = (gaps: readonly number[]): BlockSums[] =>
  gaps.map((gap, day) => ({
    fromMs: day * 86_400_000,
    n: 1_000,
    logLoss: 500,
    brier: 180,
    score: 200 + gap * 1_000,
    positives: 200,
    correct: 800,
    auc: 0.7,
  }));
const swing = (mean: number, by: number): number[] =>
  Array.from({ length: 14 }, (_, i) => mean + (i % 2 === 0 ? by : -by));

const ALL = { predictions: 14_000, labelled: 14_000 };

describe("calibration", () => {
  it.each([
    ["0.058 too high on every day", swing(0.058, 0.03), true],
    ["0.06 too low", swing(-0.06, 0.03), true],
    ["0.045, however sure", swing(0.045, 0.001), false],
    ["0.06 lost in the weather", swing(0.06, 0.2), false],
    ["13 days only", swing(0.08, 0.01).slice(1), false],
  ])("judges %s", (_name, gaps, breach) => {
    expect(judgeCalibration(days(gaps), ALL).breach).toBe(breach);
  });

  it("asks for t ≥ 2.16 with 13 degrees of freedom", () => {
    expect(judgeCalibration(days(swing(0.058, 0.03)), ALL).tMin).toBe(2.16);
  });
});

describe("calibration on few of the labels", () => {
  const gaps = days(swing(0.058, 0.03));
  it("is no breach, and the reason names the coverage", () => {
    const verdict = judgeCalibration(gaps, { predictions: 20_000, labelled: 14_000 });
    expect(verdict).toMatchObject({ breach: false, coverage: 0.7 });
    expect(verdict.reason).toBe(
      "labels are immature: 70.0 % of the fortnight's predictions have one, 80 % are needed",
    );
    expect(judgeCalibration(gaps, { predictions: 17_500, labelled: 14_000 }).breach).toBe(true);
  });
});

describe("labels", () => {
  const usual = Array.from({ length: 6 }, () => ({ predictions: 1_000, labelled: 960 }));
  it.each([
    ["as usual", { predictions: 1_000, labelled: 950 }, usual, false],
    ["gone", { predictions: 1_000, labelled: 0 }, usual, true],
    ["no predictions", { predictions: 0, labelled: 0 }, usual, false],
    [
      "nobody ever sent any",
      { predictions: 1_000, labelled: 0 },
      usual.map(({ predictions }) => ({ predictions, labelled: 0 })),
      false,
    ],
  ])("judges %s", (_name, week, before, breach) => {
    expect(judgeLabels(week, before).breach).toBe(breach);
  });
});

describe("agents", () => {
  it("are blind when all that carried the model are silent, not when they have no traffic", () => {
    const heads = new AgentHeads();
    heads.hear("a", ["m"], 0);
    heads.hear("b", ["m"], 10);
    expect(heads.stateOf("m", 20)).toEqual({ kind: "seen" });
    heads.hear("b", [], BLIND_AFTER_MS);
    expect(heads.stateOf("m", 2 * BLIND_AFTER_MS)).toEqual({ kind: "seen" });
    expect(heads.stateOf("m", 3 * BLIND_AFTER_MS)).toMatchObject({ kind: "blind", spools: 2 });
    expect(heads.stateOf("other", 3 * BLIND_AFTER_MS)).toEqual({ kind: "unknown" });
  });
});
