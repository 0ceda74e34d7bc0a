import { describe, expect, it } from "vitest";
import { STEP_MS } from "../../../analyzer/rules/steps.ts";
import { type LatencyStep, judgeLatency } from "../../../analyzer/rules/latency.ts";
import { seededRandom } from "../../../runtime/random.ts";
import { normalSample, poissonSample } from "./support/samples.ts";

const HOUR_STEPS = 12;
const DAY_STEPS = 24 * HOUR_STEPS;
/** 95th percentile of a standard normal. */
const Z95 = 1.645;

interface Service {
  readonly steps: number;
  /** Predictions of a step. */
  readonly rows: number;
  /** The true p95 over the promised one. */
  readonly p95: (step: number) => number;
  /** How far the level wanders from step to step, on the scale of logarithms. */
  readonly wander: number;
  readonly seed: number;
}

/** Log-normal latencies whose level wanders as a loaded server's does: slow requests come together. */
function serve({ steps, rows, p95, wander, seed }: Service): LatencyStep[] {
  const random = seededRandom(seed);
  const sigma = 0.5;
  let level = 0;
  return Array.from({ length: steps }, (_, step) => {
    level = 0.8 * level + 0.6 * wander * normalSample(random);
    const n = poissonSample(random, rows);
    // The wander is part of the p95 that is meant.
    const spread = Math.hypot(sigma, wander);
    let slow = 0;
    for (let row = 0; row < n; row++) {
      const log = Math.log(p95(step)) - Z95 * spread + level + sigma * normalSample(random);
      if (log > 0) slow++;
    }
    return { endMs: (step + 1) * STEP_MS, rows: n, slow };
  });
}

/** Steps at which the alert fires: two breaches in a row; it ends after three good ones. */
function fired(steps: readonly LatencyStep[]): number[] {
  const at: number[] = [];
  let [breaches, clean, firing] = [0, 0, false];
  steps.forEach((step, i) => {
    const last = steps.slice(Math.max(0, i - HOUR_STEPS + 1), i + 1);
    const { breach } = judgeLatency(last, step.endMs, 60);
    breaches = breach ? breaches + 1 : 0;
    clean = breach ? 0 : clean + 1;
    if (!firing && breaches === 2) at.push(i);
    firing = firing ? clean < 3 : breaches >= 2;
  });
  return at;
}

describe("p95 latency", () => {
  it("is not told in eight weeks of a service that keeps its promise with a third to spare", () => {
    const alarms = [20, 200].flatMap((rows) =>
      [0, 0.1].flatMap((wander, seed) =>
        fired(serve({ steps: 14 * DAY_STEPS, rows, p95: () => 0.75, wander, seed })),
      ),
    );
    expect(alarms).toEqual([]);
  }, 120_000);

  it("is rarely told of one that is exactly at its promise", () => {
    // Independent rows: what is promised is kept, to the last per cent.
    const alarms = fired(
      serve({ steps: 14 * DAY_STEPS, rows: 100, p95: () => 1, wander: 0, seed: 3 }),
    );
    expect(alarms.length).toBeLessThanOrEqual(2);
  }, 120_000);

  it.each([
    ["three times what is promised", 3, 2],
    ["double", 2, 3],
    ["a third above", 1.33, 12],
  ])("is told when it is %s", (_what, factor, stepsMax) => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const p95 = (step: number): number => (step >= 24 ? factor : 0.75);
      const at = fired(serve({ steps: 48, rows: 200, p95, wander: 0.05, seed }));
      expect(at[0]! - 23).toBeGreaterThan(0);
      expect(at[0]! - 23).toBeLessThanOrEqual(stepsMax);
    }
  });

  it("takes one pause of a minute for what it is", () => {
    const steps = serve({ steps: 24, rows: 200, p95: () => 0.75, wander: 0, seed: 5 });
    const paused = steps.map((step, i) => (i === 12 ? { ...step, slow: step.slow + 40 } : step));
    expect(fired(paused)).toEqual([]);
  });

  it("says nothing of a few predictions, and tells the sums that it judged by", () => {
    const few = [{ endMs: STEP_MS, rows: 30, slow: 30 }];
    expect(judgeLatency(few, STEP_MS, 60)).toMatchObject({ breach: false });
    const many = [{ endMs: STEP_MS, rows: 400, slow: 200 }];
    expect(judgeLatency(many, STEP_MS, 60)).toMatchObject({
      breach: true,
      fromMs: 0,
      toMs: STEP_MS,
    });
    expect(judgeLatency(many, STEP_MS, 60).reason).toMatch(
      /^200 of 400 predictions took longer than 60 ms in 5 minutes \(50\.0 %, a p95 allows 5\.0 %; /,
    );
  });
});
