/**
 * Maps of few shapes that come again and again, as exporters send them, and now and then one that differs: what
 * is read by the shape of the record before must be what protobufjs reads.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readJsonRequest } from "../../../agent/otlp/json-request.ts";
import { DriftmendError } from "../../../contract/driftmend-error.ts";
import { createCapture, NOW_MS } from "../capture-harness.ts";
import { decodeRequest, encodeRequest } from "../otlp-schema.ts";

type Entry = { key: string; value: Record<string, unknown> };

const key = fc.constantFrom("a", "b", "ab", "ac", "amount_1", "amount_2", "ä", "", "k".repeat(70));
// Not zero, whose sign JSON.stringify() drops when it was damaged.
const double = fc.double().map((n) => ({ doubleValue: n === 0 ? 1 : n }));
const text = fc
  .constantFrom("", "x", "xyz", "abcd", "abce", "abcdefgh", "abcdefgi", "ö", "t".repeat(126))
  .map((stringValue) => ({ stringValue }));
const other = fc.constantFrom(
  { intValue: "7" },
  { intValue: "-9223372036854775808" },
  { boolValue: true },
  {},
);
const value = fc.oneof({ weight: 5, arbitrary: double }, { weight: 5, arbitrary: text }, other);
const entry: fc.Arbitrary<Entry> = fc.record({ key, value });
const shape = fc.array(entry, { maxLength: 7 });

interface Change {
  readonly place: number;
  readonly kind: "value" | "entry" | "missing" | "twice";
  readonly entry: Entry;
}
const change: fc.Arbitrary<Change> = fc.record({
  place: fc.nat(6),
  kind: fc.constantFrom("value", "value", "entry", "missing", "twice"),
  entry,
});
const record = fc.record({
  shape: fc.nat(1),
  model: fc.constantFrom("n", "n", "n", "m"),
  changes: fc.oneof(
    { weight: 3, arbitrary: fc.constant<Change[]>([]) },
    { weight: 1, arbitrary: fc.array(change, { maxLength: 2 }) },
  ),
  /** Another number or a text of the same kind at each place. */
  doubles: fc.array(double, { minLength: 7, maxLength: 7 }),
  texts: fc.array(text, { minLength: 7, maxLength: 7 }),
});
const body = fc.record({
  records: fc.array(record, { minLength: 1, maxLength: 6 }),
  sealed: fc.boolean(),
  damage: fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.tuple(fc.nat(100_000), fc.nat(255)) },
  ),
});
type Drawn<T> = T extends fc.Arbitrary<infer V> ? V : never;

function entriesOf(base: readonly Entry[], drawn: Drawn<typeof record>): Entry[] {
  const entries = base.map(({ key: name, value: given }, i): Entry => {
    if ("doubleValue" in given) return { key: name, value: drawn.doubles[i] ?? given };
    if ("stringValue" in given) return { key: name, value: drawn.texts[i] ?? given };
    return { key: name, value: given };
  });
  for (const { place, kind, entry: changed } of drawn.changes) {
    const at = entries.length === 0 ? 0 : place % entries.length;
    const there = entries[at];
    if (kind === "missing") entries.splice(at, 1);
    else if (kind === "entry" || there === undefined) entries.splice(at, 0, changed);
    else if (kind === "twice") entries.push(there);
    else entries[at] = { key: there.key, value: changed.value };
  }
  return entries;
}

function requestOf(shapes: readonly (readonly Entry[])[], { records }: Drawn<typeof body>): Buffer {
  const logRecords = records.map((drawn) => ({
    timeUnixNano: String(BigInt(NOW_MS) * 1_000_000n),
    eventName: "ml.prediction",
    attributes: [
      { key: "ml.model.name", value: { stringValue: drawn.model } },
      { key: "ml.prediction.id", value: { stringValue: "id" } },
      {
        key: "ml.features",
        value: { kvlistValue: { values: entriesOf(shapes[drawn.shape] ?? [], drawn) } },
      },
    ],
  }));
  return Buffer.from(encodeRequest("logs", { resourceLogs: [{ scopeLogs: [{ logRecords }] }] }));
}

/** As protobufjs reads it; null where it does not. */
function jsonOf(bytes: Buffer): string | null {
  try {
    return JSON.stringify(decodeRequest("logs", bytes));
  } catch {
    return null;
  }
}

describe("features that look as those of the record before", () => {
  it("are what protobufjs reads, over many bodies, frames, models and damages", () => {
    const documents = { m: { features: { a: { type: "categorical" }, ab: { type: "numeric" } } } };
    const fast = createCapture(documents);
    const slow = createCapture(documents);
    const shapes = fc.tuple(shape, shape);
    let [rows, refused] = [0, 0];
    fc.assert(
      fc.property(shapes, fc.array(body, { minLength: 1, maxLength: 8 }), (pair, bodies) => {
        fast.rows();
        slow.rows();
        for (const drawn of bodies) {
          const bytes = requestOf(pair, drawn);
          if (drawn.damage !== null) bytes[drawn.damage[0] % bytes.length] = drawn.damage[1];
          const json = jsonOf(bytes);
          try {
            fast.take(() => fast.reader.read("logs", bytes));
          } catch (error) {
            expect(error).toBeInstanceOf(DriftmendError);
            refused++;
            continue;
          }
          if (json === null) {
            // Text that is no UTF-8, which protobufjs refuses: the rows so far cannot be compared.
            fast.rows();
            slow.rows();
            continue;
          }
          slow.take(() => readJsonRequest("logs", json, slow.recorder, slow.rules, slow.mappings));
          if (!drawn.sealed) continue;
          const read = fast.rows();
          rows += read.predictions.length;
          expect(read.predictions).toEqual(slow.rows().predictions);
        }
        expect(fast.rows().predictions).toEqual(slow.rows().predictions);
      }),
      { numRuns: 600 },
    );
    expect(rows).toBeGreaterThan(1000);
    expect(refused).toBeGreaterThan(10);
  });

  it("are read so where names and texts are of every length", () => {
    const capture = createCapture();
    const names = Array.from({ length: 140 }, (_, length) => "n".repeat(length + 1));
    const features = names.flatMap((name, i) => [
      { key: name, value: { doubleValue: i } },
      { key: `t${name}`, value: { stringValue: "x".repeat(i) } },
    ]);
    const attributes = [
      { key: "ml.model.name", value: { stringValue: "n" } },
      { key: "ml.prediction.id", value: { stringValue: "id" } },
      { key: "ml.features", value: { kvlistValue: { values: features } } },
    ];
    const record = {
      timeUnixNano: String(BigInt(NOW_MS) * 1_000_000n),
      eventName: "ml.prediction",
      attributes,
    };
    const bytes = encodeRequest("logs", {
      resourceLogs: [{ scopeLogs: [{ logRecords: [record, record, record] }] }],
    });
    capture.take(() => capture.reader.read("logs", bytes));
    const { predictions } = capture.rows();
    expect(predictions).toHaveLength(3);
    for (const row of predictions) {
      expect(row["num"]).toEqual(names.map((name, i) => [name, i]));
      expect(row["cat"]).toEqual(names.map((name, i) => [`t${name}`, "x".repeat(i)]));
    }
  });
});
