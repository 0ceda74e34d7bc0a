/** What docs/capture.md says under "When things are wrong": each is stored or set aside as it says, and counted. */
import { expect, it } from "vitest";
import { readEventLines } from "../../agent/doors/json-lines.ts";
import { LIMITS } from "../../contract/limits.ts";
import { createCapture, NOW_MS } from "./capture-harness.ts";
import { encodeRequest } from "./otlp-schema.ts";

const record = (id: string, values: object[], more: object = {}) => ({
  ...{ timeUnixNano: String(BigInt(NOW_MS) * 1_000_000n), eventName: "ml.prediction" },
  attributes: [
    { key: "ml.model.name", value: { stringValue: "m" } },
    { key: "ml.prediction.id", value: { stringValue: id } },
    { key: "ml.features", value: { kvlistValue: { values } } },
  ],
  ...more,
});
const body = (...logRecords: object[]): Buffer =>
  encodeRequest("logs", { resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
const number = (key: string, doubleValue: number) => ({ key, value: { doubleValue } });

function take(bytes: Buffer, documents: Record<string, unknown> = {}) {
  const capture = createCapture(documents);
  capture.take(() => capture.reader.read("logs", bytes));
  return { ...capture.rows(), outcome: capture.recorder.outcome, capture };
}

it("events from the future, from 1970 and from beyond all dates are set aside with their reason", () => {
  const nanos = (timeUnixNano: string) => record(timeUnixNano, [], { timeUnixNano });
  const { predictions, deadLetters, outcome } = take(
    body(
      nanos("4000000000000000000"),
      nanos("1000000000"),
      nanos("18446744073709551615"),
      record("now", []),
    ),
  );
  expect(predictions).toMatchObject([{ id: "now" }]);
  expect(deadLetters.map(({ reason }) => reason)).toEqual([
    "time_ahead",
    "time_too_old",
    "time_ahead",
  ]);
  expect([...outcome.deadLetters]).toEqual([
    ["time_ahead", 2],
    ["time_too_old", 1],
  ]);
});

it("NaN and infinities are values of a feature, and no score", () => {
  const values = [number("a", Number.NaN), number("b", Infinity), number("c", -Infinity)];
  const { predictions, outcome } = take(body(record("1", values)));
  expect(predictions[0]).toMatchObject({
    num: [
      ["a", Number.NaN],
      ["b", Infinity],
      ["c", -Infinity],
    ],
    score: Number.NaN,
  });
  expect(outcome.valuesSkipped).toBe(0);
});

it("whole numbers beyond 2^53 are the nearest number there is; declared categories keep their digits", () => {
  const values = [
    { key: "n", value: { intValue: "9223372036854775807" } },
    { key: "code", value: { intValue: "9223372036854775807" } },
  ];
  const documents = { m: { features: { code: { type: "categorical" } } } };
  expect(take(body(record("1", values)), documents).predictions[0]).toMatchObject({
    num: [["n", 2 ** 63]],
    cat: [["code", "9223372036854775807"]],
  });
  const capture = createCapture();
  capture.take(() =>
    readEventLines(
      '{"model":"m","id":18446744073709551616}\n{"model":"m","id":"2","features":{"n":18446744073709551616}}',
      capture.recorder,
    ),
  );
  const { predictions, deadLetters } = capture.rows();
  expect(deadLetters).toMatchObject([{ reason: "id_invalid" }]);
  expect(predictions).toMatchObject([{ id: "2", num: [["n", 2 ** 64]] }]);
});

it("of a hundred thousand names of features the first are kept, and those that the document declares", () => {
  const documents = { m: { features: { declared: { type: "numeric" } } } };
  const capture = createCapture(documents);
  const stored = new Set<string>();
  let rows = 0;
  const perRecord = 50;
  for (let from = 0; from < 100_000; from += 200 * perRecord) {
    const records = Array.from({ length: 200 }, (_, i) => {
      const first = from + i * perRecord;
      const made = Array.from({ length: perRecord }, (_unused, j) =>
        number(`customer-${first + j}`, 1),
      );
      return record(String(first), [number("amount", i), ...made, number("declared", 1)]);
    });
    capture.take(() => capture.reader.read("logs", body(...records)));
    for (const { num } of capture.rows().predictions) {
      rows++;
      for (const [name] of num as [string, number][]) stored.add(name);
    }
  }
  // Its own names are another model's room.
  capture.take(() =>
    readEventLines('{"model":"other","id":"1","features":{"customer-99999":1}}', capture.recorder),
  );
  expect(rows).toBe(2_000);
  expect(stored.size).toBe(LIMITS.featuresPerModelMax);
  expect(stored.has("declared") && stored.has("amount") && stored.has("customer-7")).toBe(true);
  expect(capture.rows().predictions).toMatchObject([{ num: [["customer-99999", 1]] }]);
  expect(capture.recorder.featureNames.over).toEqual(["m"]);
});

it("names over the limit are counted, each time they come", () => {
  const capture = createCapture();
  const many = Array.from({ length: LIMITS.featuresPerModelMax }, (_, i) => number(`f${i}`, i));
  capture.take(() => capture.reader.read("logs", body(record("1", many))));
  capture.take(() => {
    const more = [number("f7", 7), number("new", 1), number("newer", 1)];
    capture.reader.read("logs", body(record("2", more), record("3", more)));
  });
  expect(capture.recorder.outcome.featuresOverLimit).toBe(4);
  expect(capture.rows().predictions.slice(1)).toMatchObject([
    { num: [["f7", 7]] },
    { num: [["f7", 7]] },
  ]);
});
