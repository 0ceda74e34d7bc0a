/**
 * The hand-written reader against protobufjs: what protobufjs decodes, taken in through the JSON door, must
 * give the same rows; and no bytes, however wrong, may do anything but be refused.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readJsonRequest } from "../../../agent/otlp/json-request.ts";
import { DriftmendError } from "../../../contract/driftmend-error.ts";
import { createCapture, NOW_MS } from "../capture-harness.ts";
import { decodeRequest, encodeRequest } from "../otlp-schema.ts";

type Any = Record<string, unknown>;
const key = fc.oneof(
  fc.constantFrom(
    "ml.model.name",
    "ml.model.version",
    "ml.prediction.id",
    "ml.features",
    "ml.prediction.label",
    "ml.prediction.score",
    "ml.prediction.value",
    "ml.prediction.probabilities",
    "ml.tags",
    "ml.latency",
    "error.type",
    "client.version",
    "ml.actual.label",
    "ml.actual.value",
    "ml.actual.source",
    "ml.prediction.weight",
    "event.name",
    "http.route",
  ),
  fc.string({ unit: "grapheme", maxLength: 9 }).map((name) => `ml.feature.${name}`),
  fc.string({ unit: "grapheme", maxLength: 9 }).map((name) => `ml.tag.${name}`),
);
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.constantFrom("", "ml.prediction", "ml.ground_truth", "12.5", '{"a":1,"b":"x"}'),
  fc.string({ minLength: 120, maxLength: 300 }),
);
const plain = fc.oneof(
  text.map((stringValue): Any => ({ stringValue })),
  // Without the sign of zero, which JSON.stringify() drops.
  fc.double().map((n): Any => ({ doubleValue: n === 0 ? 0 : n })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n): Any => ({ intValue: String(n) })),
  fc.boolean().map((boolValue): Any => ({ boolValue })),
  fc.constant<Any>({ bytesValue: "AAEC" }),
  fc.constant<Any>({ arrayValue: { values: [{ stringValue: "a" }] } }),
  fc.constant<Any>({}),
);
const map = fc
  .array(fc.record({ key: fc.string({ unit: "grapheme", maxLength: 12 }), value: plain }), {
    maxLength: 8,
  })
  .map((values): Any => ({ kvlistValue: { values } }));
const nanos = fc.oneof(
  fc.constant("0"),
  fc
    .bigInt({ min: -(10n ** 14n), max: 10n ** 13n })
    .map((offset) => String(BigInt(NOW_MS) * 1_000_000n + offset)),
);
const attributes = fc
  .tuple(
    fc.uniqueArray(fc.record({ key, value: fc.oneof(plain, map) }), {
      maxLength: 10,
      selector: (attribute) => attribute.key,
    }),
    fc.boolean(),
    fc.constantFrom(null, "id-é", "id-é", "id-2", "id-3"),
  )
  .map(([some, hasModel, id]) => {
    const given = (name: string, value: string) => [{ key: name, value: { stringValue: value } }];
    const rest = some.filter((attribute) => {
      return attribute.key !== "ml.prediction.id" && attribute.key !== "ml.model.name";
    });
    return [
      ...rest,
      ...(hasModel ? given("ml.model.name", "m") : some.slice(0, 1)),
      ...(id === null ? [] : given("ml.prediction.id", id)),
    ].filter(({ key: name }, i, all) => all.findIndex((other) => other.key === name) === i);
  });
const logRecord = fc.record({
  timeUnixNano: nanos,
  observedTimeUnixNano: nanos,
  eventName: fc.constantFrom("ml.prediction", "ml.ground_truth", "ml.prediction", "other", ""),
  severityText: text,
  body: plain,
  attributes,
  droppedAttributesCount: fc.nat(3),
});
/** The sampler of the trace, where it says anything. */
const traceState = fc.oneof(
  fc.constantFrom("", "ot=th:8", "vendor=x,ot=rv:1;th:fd70a4", "ot=th:xyz", "ot=th", "ot="),
  fc.string({ maxLength: 12 }).map((text) => `ot=th:${text}`),
);
const span = fc.record({
  traceState,
  name: fc.constantFrom("ml.prediction", "POST /predict", "ml.ground_truth"),
  startTimeUnixNano: nanos,
  endTimeUnixNano: nanos,
  attributes,
  droppedAttributesCount: fc.nat(3),
  status: fc.record({ code: fc.nat(2), message: text }),
});
const resource = { attributes: [{ key: "service.name", value: { stringValue: "flights" } }] };
const documents = {
  flights: { match: { resource: { "service.name": "flights" } } },
  m: { features: { a: { type: "categorical" }, b: { type: "numeric" } } },
};
/** Of the ids below one is kept, the others only where they failed. */
const sampled = {
  ...documents,
  m: { ...documents.m, capture: { sample: 0.7, keep: "errors" } },
};

const logsRequest = fc.array(logRecord, { maxLength: 6 }).map((logRecords) => ({
  resourceLogs: [{ resource, scopeLogs: [{ scope: { name: "s" }, logRecords }] }],
}));
const tracesRequest = fc.array(span, { maxLength: 6 }).map((spans) => ({
  resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "s" }, spans }] }],
}));
const request = fc.oneof(
  logsRequest.map((value) => ({ signal: "logs" as const, value })),
  tracesRequest.map((value) => ({ signal: "traces" as const, value })),
);

/** Dead letters without their sample: it is a courtesy, and lists are shown in one door only. */
function withoutSamples(rows: ReturnType<ReturnType<typeof createCapture>["rows"]>) {
  return { ...rows, deadLetters: rows.deadLetters.map((row) => ({ ...row, sample: "" })) };
}

describe("the protobuf reader", () => {
  it("gives the rows that protobufjs and the JSON door give", () => {
    const fast = createCapture(sampled);
    const slow = createCapture(sampled);
    let rows = 0;
    fc.assert(
      fc.property(request, ({ signal, value }) => {
        const bytes = encodeRequest(signal, value);
        fast.rows();
        slow.rows();
        fast.take(() => fast.reader.read(signal, bytes));
        const json = JSON.stringify(decodeRequest(signal, bytes));
        slow.take(() => readJsonRequest(signal, json, slow.recorder, slow.rules, slow.mappings));
        const read = fast.rows();
        rows += read.predictions.length + read.labels.length;
        expect(withoutSamples(read)).toEqual(withoutSamples(slow.rows()));
        expect({ ...fast.recorder.outcome, valuesSkipped: 0 }).toEqual({
          ...slow.recorder.outcome,
          valuesSkipped: 0,
        });
      }),
      { numRuns: 3000 },
    );
    expect(rows).toBeGreaterThan(1000);
  });

  it("refuses or takes damaged bodies, and reads the next good one as if nothing had been", () => {
    const capture = createCapture(documents);
    const good = encodeRequest("logs", {
      resourceLogs: [{ scopeLogs: [{ logRecords: [predictionRecord("good")] }] }],
    });
    const change = fc.tuple(fc.nat(100_000), fc.nat(255));
    let refused = 0;
    fc.assert(
      fc.property(
        request,
        fc.array(change, { minLength: 1, maxLength: 3 }),
        fc.nat(100_000),
        ({ signal, value }, changes, cut) => {
          const bytes = Buffer.from(encodeRequest(signal, value));
          if (bytes.length === 0) return;
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          const damaged = cut % 3 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes;
          try {
            capture.take(() => capture.reader.read(signal, damaged));
          } catch (error) {
            expect(error).toBeInstanceOf(DriftmendError);
            expect(error).toMatchObject({ code: "request_malformed" });
            refused++;
            expect(capture.rows().predictions).toEqual([]);
          }
          capture.rows();
          capture.take(() => capture.reader.read("logs", good));
          expect(capture.rows().predictions).toEqual([goodRow]);
        },
      ),
      { numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(300);
  });

  it("never accepts what protobufjs refuses", () => {
    const capture = createCapture(documents);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
        const bytes = Buffer.from(noise);
        let ours = true;
        try {
          capture.take(() => capture.reader.read("logs", bytes));
        } catch {
          ours = false;
        }
        let theirs = true;
        try {
          decodeRequest("logs", bytes);
        } catch {
          theirs = false;
        }
        if (ours) expect(theirs).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});

const goodRow = {
  model: "m",
  version: "",
  ts: NOW_MS,
  id: "good",
  num: [["x", 1.5]],
  cat: [["origin", "ATL"]],
  tags: [],
  label: "",
  score: 0.25,
  value: Number.NaN,
  probabilities: [],
  latency: Number.NaN,
  error: "",
};

function predictionRecord(id: string) {
  const features = [
    { key: "x", value: { doubleValue: 1.5 } },
    { key: "origin", value: { stringValue: "ATL" } },
  ];
  return {
    timeUnixNano: String(BigInt(NOW_MS) * 1_000_000n),
    eventName: "ml.prediction",
    attributes: [
      { key: "ml.features", value: { kvlistValue: { values: features } } },
      { key: "ml.prediction.id", value: { stringValue: id } },
      { key: "ml.model.name", value: { stringValue: "m" } },
      { key: "ml.prediction.score", value: { doubleValue: 0.25 } },
    ],
  };
}
