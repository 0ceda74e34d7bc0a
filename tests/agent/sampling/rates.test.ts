/** A model that sends too much, or too large records, costs itself and nobody else. */
import { describe, expect, it } from "vitest";
import { refusalText } from "../../../agent/outcome.ts";
import { takePlainPrediction } from "../../../agent/plain-record.ts";
import { ModelRates } from "../../../agent/sampling/model-rates.ts";
import { LIMITS } from "../../../contract/limits.ts";
import { createCapture, NOW_MS } from "../capture-harness.ts";

const RATE = { records: 10, perMs: 1_000 };
const prediction = (model: string, id: string, features: Record<string, unknown> = { x: 1 }) => ({
  ...{ model, version: "1", id, timeMs: NOW_MS, label: undefined, score: 0.5, value: undefined },
  ...{ latency: undefined, error: undefined, features: Object.entries(features) },
  ...{ featuresJson: null, tags: [], probabilities: [] },
});

function takeMany(rates: ModelRates, model: string, count: number, nowMs: number): number {
  const bucket = rates.bucketOf(model, RATE, nowMs);
  let taken = 0;
  for (let i = 0; i < count; i++) if (rates.take(bucket)) taken++;
  return taken;
}

describe("the rate of a model", () => {
  it("lets through what gathers in ten seconds, then as much as time brings, to the record", () => {
    const rates = new ModelRates();
    expect(takeMany(rates, "m", 1_000, 0)).toBe(100);
    expect(takeMany(rates, "m", 1_000, 99)).toBe(0);
    expect(takeMany(rates, "m", 1_000, 100)).toBe(1);
    let taken = 0;
    for (let ms = 101; ms <= 60_100; ms += 7) taken += takeMany(rates, "m", 5, ms);
    expect(taken).toBe(599);
    expect(takeMany(rates, "m", 1_000, 10_000_000)).toBe(100);
  });

  it("counts a request that is read again once", () => {
    const rates = new ModelRates();
    rates.begin();
    expect(takeMany(rates, "m", 60, 0)).toBe(60);
    rates.giveBack();
    rates.begin();
    expect(takeMany(rates, "m", 1_000, 0)).toBe(100);
  });

  it("is kept for so many models; further ones share a bucket, and take no other's", () => {
    const rates = new ModelRates();
    for (let i = 0; i < LIMITS.shedModelsMax; i++) takeMany(rates, `m${i}`, 1, 0);
    let taken = 0;
    for (let i = 0; i < 500; i++) taken += takeMany(rates, `stranger${i}`, 1, 0);
    expect(taken).toBe(100);
    expect(takeMany(rates, "m7", 1_000, 0)).toBe(99);
  });
});

describe("capture", () => {
  it("keeps every record of the others where one model sends a hundred times its rate", () => {
    const capture = createCapture({ hot: { capture: { rate: "10/s" } } });
    capture.take(() => {
      for (let i = 0; i < 10_000; i++) {
        takePlainPrediction(capture.recorder, prediction("hot", `h${i}`));
        if (i % 100 === 0)
          takePlainPrediction(capture.recorder, prediction(`cold${i % 3}`, `c${i}`));
      }
    });
    const { predictions, deadLetters } = capture.rows();
    expect(predictions.filter(({ model }) => model === "hot")).toHaveLength(100);
    expect(predictions.filter(({ model }) => model !== "hot")).toHaveLength(100);
    expect(deadLetters).toEqual([]);
    expect([...capture.recorder.outcome.shed]).toEqual([["hot", 9_900]]);
    expect(refusalText(capture.recorder.outcome, 5)).toContain("9900 of hot");
  });

  it("sets aside what is larger than its model takes, and keeps what stands beside it", () => {
    const capture = createCapture({ m: { capture: { record: "1KiB" } } });
    const wide = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`feature-${i}`, i]));
    capture.take(() => {
      takePlainPrediction(capture.recorder, prediction("m", "before", { a: 1, b: "text" }));
      takePlainPrediction(capture.recorder, prediction("m", "large", wide));
      takePlainPrediction(capture.recorder, prediction("m", "long", { text: "x".repeat(1_024) }));
      takePlainPrediction(capture.recorder, prediction("m", "after", { a: 2, b: "text" }));
      takePlainPrediction(capture.recorder, prediction("other", "large", wide));
    });
    const { predictions, deadLetters } = capture.rows();
    expect(predictions.map(({ id, model }) => [model, id])).toEqual([
      ...[
        ["m", "before"],
        ["m", "after"],
        ["other", "large"],
      ],
    ]);
    expect(predictions[1]).toMatchObject({ num: [["a", 2]], cat: [["b", "text"]] });
    expect(deadLetters).toMatchObject([
      { id: "large", reason: "record_too_large" },
      {
        id: "long",
        reason: "record_too_large",
        detail: "it has 1032 characters, its model takes at most 1024",
      },
    ]);
  });
});
