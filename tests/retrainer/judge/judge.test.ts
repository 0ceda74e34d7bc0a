import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type JudgeRules, judge } from "../../../retrainer/judge/judge.ts";
import type { ScoredBlock } from "../../../retrainer/judge/scored-block.ts";
import { seededRandom } from "../../../runtime/random.ts";

const DAY_MS = 86_400_000;
const DAYS = 7;
const ROWS = 700;
const rules: JudgeRules = {
  task: { type: "binary", positive: "1", threshold: 0.5 },
  quality: { primary: "skill", guards: ["calibration", "auc"], slices: "origin" },
  cluster: "day",
};
const latency = { championMs: 10, challengerMs: 12 };
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Seven days; `champion` and `challenger` see the truth's logit through what is done to it. */
function world(
  seed: number,
  champion: (logit: number, slice: number, noise: number) => number,
  challenger: (logit: number, slice: number, noise: number) => number,
): ScoredBlock {
  const random = seededRandom(seed);
  const rows = DAYS * ROWS;
  const columns = {
    timeMs: new Float64Array(rows),
    target: new Float64Array(rows),
    champion: new Float64Array(rows),
    challenger: new Float64Array(rows),
    codes: new Uint8Array(rows),
  };
  for (let row = 0; row < rows; row++) {
    const day = Math.floor(row / ROWS);
    const slice = random.integer(4);
    const logit = -1 + (random.next() - 0.5) * 4 + Math.sin(day) * 0.3;
    const noise = (random.next() - 0.5) * 2;
    columns.timeMs[row] = day * DAY_MS + random.integer(DAY_MS);
    columns.codes[row] = slice;
    columns.target[row] = random.next() < sigmoid(logit) ? 1 : 0;
    columns.champion[row] = sigmoid(champion(logit, slice, noise));
    columns.challenger[row] = sigmoid(challenger(logit, slice, noise));
  }
  const { codes, ...rest } = columns;
  const slices = { feature: "origin", values: ["a", "b", "c", "d"], codes };
  return { fromMs: 0, toMs: DAYS * DAY_MS, ...rest, slices };
}
const noisy = (logit: number, _slice: number, noise: number): number => logit + noise * 1.5;
const exact = (logit: number): number => logit;
const gate = (block: ScoredBlock, name: string) =>
  judge(block, rules, latency, 1).gates.find((candidate) => candidate.name === name);

describe("the judge", () => {
  test("passes a challenger that is better beyond doubt and breaks no guard", () => {
    const judgement = judge(world(1, noisy, exact), rules, latency, 3);
    expect(judgement.verdict).toBe("PASS");
    expect(judgement.blockUses).toBe(3);
    expect(judgement.gates.map(({ name }) => name)).toEqual([
      "primary",
      "auc",
      "calibration",
      "slices of origin",
      "answers",
      "latency",
    ]);
  });
  test("fails one that is worse beyond doubt", () => {
    expect(judge(world(1, exact, noisy), rules, latency, 1).verdict).toBe("FAIL");
  });
  test("says INCONCLUSIVE of one that is the same", () => {
    expect(judge(world(1, noisy, noisy), rules, latency, 1).verdict).toBe("INCONCLUSIVE");
  });
  test("fails one that is better in total and worse for one slice beyond doubt", () => {
    const block = world(2, noisy, (logit, slice, noise) =>
      slice === 2 ? logit + noise * 2.5 : logit,
    );
    const slices = gate(block, "slices of origin");
    expect(slices?.verdict).toBe("FAIL");
    expect(slices?.text).toMatch(/beyond doubt for "c"/);
    expect(gate(block, "primary")?.verdict).toBe("PASS");
  });
  test("fails one that is calibrated better and ranks worse by more than the margin", () => {
    const shifted = (logit: number): number => logit + 2;
    const flat = world(3, shifted, (logit) => (logit > -1 ? -0.1 : -1.9));
    expect(gate(flat, "primary")?.verdict).toBe("PASS");
    expect(gate(flat, "auc")?.verdict).toBe("FAIL");
    expect(judge(flat, rules, latency, 1).verdict).toBe("FAIL");
  });
  test("fails one that answers NaN where the champion answers", () => {
    const block = world(4, noisy, exact);
    const challenger = Float64Array.from(block.challenger);
    challenger[5] = Number.NaN;
    const judgement = judge({ ...block, challenger }, rules, latency, 1);
    expect(judgement.verdict).toBe("FAIL");
    expect(judgement.reason).toMatch(/1 of 4900 rows without a finite answer/);
  });
  test("has one block of time as no proof at all", () => {
    const block = world(5, noisy, exact);
    const oneDay = { ...block, timeMs: Float64Array.from(block.timeMs, () => 5) };
    expect(judge(oneDay, rules, latency, 1).verdict).toBe("INCONCLUSIVE");
  });
  test("judges regressions by their errors", () => {
    const block = world(6, noisy, exact);
    const regression: JudgeRules = {
      ...rules,
      task: { type: "regression", threshold: 0.5 },
      quality: { primary: "mae", guards: [] },
    };
    const target = Float64Array.from(block.challenger);
    const judgement = judge({ ...block, target, slices: null }, regression, latency, 1);
    expect(judgement.verdict).toBe("PASS");
    expect(judgement.gates.map(({ name }) => name)).toEqual(["primary", "answers", "latency"]);
  });
  test("exchanging champion and challenger exchanges the sign, whatever the world", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), (seed) => {
        const block = world(seed, noisy, exact);
        const swapped = { ...block, champion: block.challenger, challenger: block.champion };
        const there = Number(gate(block, "primary")?.numbers["gain"]);
        const back = Number(gate(swapped, "primary")?.numbers["gain"]);
        expect(there).toBeCloseTo(-back, 12);
      }),
      { numRuns: 10 },
    );
  });
});
