/** What an agent gives up while its spool fills, and that what it keeps stands for the rest. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { takePlainLabel, takePlainPrediction } from "../../../agent/plain-record.ts";
import { sampleHash } from "../../../agent/sampling/sample-hash.ts";
import {
  NOTHING_SHED,
  ShedOrder,
  type SheddingPlan,
  sheddingAt,
} from "../../../agent/sampling/shedding.ts";
import { LIMITS } from "../../../contract/limits.ts";
import { createCapture, plainLabel, plainPrediction } from "../capture-harness.ts";

const BOTH: SheddingPlan = { order: ["dead-letter-samples", "predictions"], fromShare: 0.5 };

describe("how much is given up", () => {
  it.each([
    [0, false, 0],
    [0.499, false, 0],
    [0.5, true, 0],
    [0.749, true, 0],
    [0.75, true, 1],
    [0.81, true, 2],
    [0.86, true, 3],
    [0.99, true, 5],
    [1.2, true, 5],
  ])("of a spool filled to %d", (filled, withoutSamples, halvings) => {
    expect(sheddingAt(filled, BOTH)).toMatchObject({ withoutSamples, halvings });
  });

  it("follows the order, and is nothing where nobody asked", () => {
    const other: SheddingPlan = { order: ["predictions", "dead-letter-samples"], fromShare: 0.5 };
    expect(sheddingAt(0.5, other)).toMatchObject({ withoutSamples: false, halvings: 1 });
    expect(sheddingAt(0.75, other)).toMatchObject({ withoutSamples: true, halvings: 3 });
    expect(sheddingAt(0.9, { order: ["predictions"], fromShare: 0.8 }).reason).toBe(
      "the spool is 90 % full: one prediction in 8 is kept",
    );
    expect(sheddingAt(0.999, { order: [], fromShare: 0 })).toBe(NOTHING_SHED);
  });

  it("never falls while the spool fills", () => {
    const share = fc.double({ min: 0, max: 1.5, noNaN: true });
    const order = fc.shuffledSubarray(["dead-letter-samples", "predictions"] as const);
    const fromShare = fc.double({ min: 0.001, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, share, order, fromShare, (a, b, wanted, from) => {
        const plan = { order: wanted, fromShare: from };
        const [less, more] = [Math.min(a, b), Math.max(a, b)].map((at) => sheddingAt(at, plan));
        expect(more?.halvings).toBeGreaterThanOrEqual(less?.halvings ?? 0);
        expect(Number(more?.withoutSamples)).toBeGreaterThanOrEqual(Number(less?.withoutSamples));
        expect(more?.halvings).toBeLessThanOrEqual(LIMITS.shedHalvingsMax);
      }),
    );
  });

  it("is asked for by names in their order", () => {
    expect(ShedOrder.parse("predictions, dead-letter-samples")).toEqual([
      "predictions",
      "dead-letter-samples",
    ]);
    for (const text of ["labels", "predictions,predictions", ""]) {
      expect(ShedOrder.safeParse(text)).toMatchObject({ success: false });
    }
  });
});

describe("records while the spool fills", () => {
  const hashOf = (id: string): number => sampleHash(Buffer.from(id), 0, Buffer.from(id).length);
  const ids = Array.from({ length: 8_000 }, (_, i) => `id-${i}`);

  it("are kept by their hash, and weigh what they stand for; what is left out is counted by model", () => {
    const capture = createCapture(
      { m: { capture: { sample: "50%", keep: "errors" } } },
      [],
      () => ({
        ...{ withoutSamples: false, halvings: 2, reason: "test" },
      }),
    );
    capture.take(() => {
      for (const id of ids) takePlainPrediction(capture.recorder, plainPrediction(id));
      takePlainPrediction(capture.recorder, plainPrediction("failed", { error: "timeout" }));
    });
    const { predictions } = capture.rows();
    const kept = ids.filter((id) => hashOf(id) < 2 ** 29);
    expect(predictions.map(({ id, weight }) => [id, weight])).toEqual([
      ...kept.map((id) => [id, 8]),
      ["failed", 1],
    ]);
    const { outcome } = capture.recorder;
    const sampled = ids.filter((id) => hashOf(id) < 2 ** 31).length;
    expect(Object.fromEntries(outcome.thinned)).toEqual({ m: sampled - kept.length });
    expect(outcome.sampledOut).toBe(ids.length - sampled);
    // An estimate of all that came, by one in eight: five deviations.
    expect(Math.abs(8 * kept.length - ids.length)).toBeLessThan(5 * Math.sqrt(ids.length * 7));
  });

  it("are all kept where their weight could not be stored", () => {
    const capture = createCapture({}, [], () => ({
      ...{ withoutSamples: false, halvings: 1, reason: "test" },
    }));
    const weight = LIMITS.recordWeightMax;
    capture.take(() => {
      for (const id of ids.slice(0, 50)) {
        takePlainPrediction(capture.recorder, plainPrediction(id, { weight }));
      }
    });
    expect(capture.rows().predictions.map((row) => row["weight"])).toEqual(Array(50).fill(weight));
  });

  it("keep every label, and dead letters without the record where those go first", () => {
    const capture = createCapture({}, [], () => ({
      ...{ withoutSamples: true, halvings: 5, reason: "test" },
    }));
    capture.take(() => {
      for (const id of ids) takePlainLabel(capture.recorder, plainLabel(id));
      takePlainPrediction(capture.recorder, plainPrediction(""));
    });
    const { labels, deadLetters } = capture.rows();
    expect(labels).toHaveLength(ids.length);
    expect(deadLetters).toMatchObject([{ reason: "id_missing", sample: "" }]);
    expect(capture.recorder.outcome.samplesShed).toBe(1);
  });
});
