/** Which predictions are kept, and how many each of them stands for. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { captureRules } from "../../../agent/sampling/capture-rules.ts";
import { storedWeight, traceStateTextWeight } from "../../../agent/sampling/record-weight.ts";
import { keptBelow, sampleHash } from "../../../agent/sampling/sample-hash.ts";
import { takePlainLabel, takePlainPrediction } from "../../../agent/plain-record.ts";
import { LIMITS } from "../../../contract/limits.ts";
import { seededRandom } from "../../../runtime/random.ts";
import { createCapture, plainLabel, plainPrediction } from "../capture-harness.ts";

const hashOf = (id: string): number => {
  const bytes = Buffer.from(id);
  return sampleHash(bytes, 0, bytes.length);
};

describe("the hash of an id", () => {
  it("is the same for ever: a sample of today is one of tomorrow, in every agent", () => {
    const ids = ["", "a", "order-1", "Zürich", "0b6f2f0e-7b0a-4c47-9d0f-2f9f0b1a9a11"];
    expect(ids.map(hashOf)).toEqual([0xab3e7c0b, 0x1a80b1b3, 0x92005a9c, 0xad5bb597, 0x13e60cc2]);
  });

  it.each([
    ["counted ids", (i: number) => `order-${i}`],
    ["rows of requests", (i: number) => `request-${i >> 5}/${i & 31}`],
    ["random ids", (i: number) => `${seededRandom(i).next()}`],
    ["ids that end alike", (i: number) => `${i}-prediction`],
  ])("keeps the share that is asked for of %s", (_name, id) => {
    const n = 40_000;
    for (const share of [0.01, 0.1, 0.5]) {
      let kept = 0;
      for (let i = 0; i < n; i++) if (hashOf(id(i)) < keptBelow(share)) kept++;
      const deviation = Math.sqrt(n * share * (1 - share));
      expect(Math.abs(kept - n * share), `${share}`).toBeLessThan(5 * deviation);
    }
  });

  it("keeps under a larger share whatever it keeps under a smaller one", () => {
    const share = fc.double({ min: 1e-6, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.string(), share, share, (id, a, b) => {
        const [small, large] = [keptBelow(Math.min(a, b)), keptBelow(Math.max(a, b))];
        if (hashOf(id) < small) expect(hashOf(id)).toBeLessThan(large);
        expect(hashOf(id)).toBeLessThan(keptBelow(1));
      }),
    );
  });
});

describe("a weight", () => {
  it("is stored to three digits, whole ones up to 512 as they are, and never below 1", () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: LIMITS.recordWeightMax, noNaN: true }), (weight) => {
        const stored = storedWeight(weight);
        expect(Math.abs(stored / weight - 1)).toBeLessThanOrEqual(2 ** -9);
        expect(Math.fround(stored)).toBe(stored);
        expect(storedWeight(stored)).toBe(stored);
      }),
    );
    for (let weight = 1; weight <= 512; weight++) expect(storedWeight(weight)).toBe(weight);
    expect([Number.NaN, 0, -3, 0.5, 1e300, Number.POSITIVE_INFINITY].map(storedWeight)).toEqual([
      ...[1, 1, 1, 1, LIMITS.recordWeightMax, LIMITS.recordWeightMax],
    ]);
  });

  it.each([
    ["ot=th:0", 1],
    ["ot=th:8", 2],
    ["ot=th:c", 4],
    ["ot=th:fd70a4", 1 / (1 - 0xfd70a4 / 2 ** 24)],
    ["ot=th:fd70a3d70a3d7", 100],
    ["ot=rv:123456789abcde;th:c", 4],
    ["vendor=th:8, ot=p:3;th:e ,other=1", 8],
    ["congo=t61rcWkgMzE,rojo=00f067aa0ba902b7", 1],
    ["ot=th:", 1],
    ["ot=th:8x", 1],
    ["ot=th:C", 1],
    ["ot=th:123456789abcdef", 1],
    ["ot=", 1],
    ["ot", 1],
    ["", 1],
  ])("of the trace state %j is %d", (state, weight) => {
    expect(traceStateTextWeight(state)).toBeCloseTo(weight, 6);
  });
});

describe("a model that is sampled", () => {
  const documents = { m: { capture: { sample: "10%", keep: "errors" } } };

  it("keeps what its hash keeps, with what it stands for, and every failure as itself", () => {
    const capture = createCapture(documents);
    const ids = Array.from({ length: 2_000 }, (_, i) => `id-${i}`);
    capture.take(() => {
      for (const id of ids) takePlainPrediction(capture.recorder, plainPrediction(id));
      for (const id of ids) {
        takePlainPrediction(
          capture.recorder,
          plainPrediction(`failed-${id}`, { error: "timeout" }),
        );
      }
    });
    const { predictions } = capture.rows();
    const kept = ids.filter((id) => hashOf(id) < keptBelow(0.1));
    expect(predictions.filter(({ error }) => error === "").map(({ id }) => id)).toEqual(kept);
    expect(
      new Set(predictions.filter(({ error }) => error === "").map((row) => row["weight"])),
    ).toEqual(new Set([10]));
    const failed = predictions.filter(({ error }) => error !== "");
    expect(failed).toHaveLength(ids.length);
    expect(new Set(failed.map((row) => row["weight"]))).toEqual(new Set([1]));
    expect(capture.recorder.outcome.sampledOut).toBe(ids.length - kept.length);
  });

  it("multiplies by what somebody sampled before", () => {
    const capture = createCapture({ m: { capture: { sample: 0.5 } } });
    const id =
      Array.from({ length: 50 }, (_, i) => `id-${i}`).find((id) => hashOf(id) < keptBelow(0.5)) ??
      "";
    capture.take(() => {
      takePlainPrediction(capture.recorder, plainPrediction(id, { weight: 4 }));
      takePlainPrediction(capture.recorder, plainPrediction(id, { weight: "nonsense" }));
    });
    expect(capture.rows().predictions.map(({ weight }) => weight)).toEqual([8, 2]);
    expect(capture.recorder.outcome.valuesSkipped).toBe(1);
  });

  it("keeps every label, and says of which nobody needs to wait for the prediction", () => {
    const capture = createCapture(documents);
    const ids = Array.from({ length: 300 }, (_, i) => `id-${i}`);
    capture.take(() => ids.forEach((id) => takePlainLabel(capture.recorder, plainLabel(id))));
    const { labels } = capture.rows();
    expect(labels.map(({ id, unsampled }) => [id, unsampled])).toEqual(
      ids.map((id) => [id, hashOf(id) < keptBelow(0.1) ? 0 : 1]),
    );
    expect(capture.recorder.outcome.labelsUnsampled).toBe(
      labels.filter(({ unsampled }) => unsampled === 1).length,
    );
  });

  it("sends blocks as before where nobody samples: older collectors take no others", () => {
    const capture = createCapture();
    capture.take(() => {
      takePlainPrediction(capture.recorder, plainPrediction("a"));
      takePlainLabel(capture.recorder, plainLabel("a"));
    });
    const { predictions, labels } = capture.rows();
    expect(predictions[0]).not.toHaveProperty("weight");
    expect(labels[0]).not.toHaveProperty("unsampled");
  });
});

describe("what a document does not say", () => {
  it("holds as the agent's own settings say", () => {
    const byDefault = { sample: 0.25, keep: "errors", rate: "500/s" } as const;
    expect(captureRules({ sample: 1 }, byDefault)).toMatchObject({
      ...{ keptBelow: 2 ** 32, weight: 1, keepsErrors: true },
      rate: { records: 500, perMs: 1_000 },
    });
    expect(captureRules({ keep: "nothing" }, byDefault)).toMatchObject({
      weight: 4,
      keepsErrors: false,
    });
    expect(captureRules({}, {})).toMatchObject({ weight: 1, rate: null });
  });
});
