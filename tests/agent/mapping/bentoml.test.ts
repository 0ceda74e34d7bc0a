/** BentoML's monitor: records whose columns are described by the first of them, in the shape that bentoml 1.4 sends. */
import { describe, expect, it } from "vitest";
import { ColumnSchemas } from "../../../agent/mapping/column-schemas.ts";
import { RowCounts } from "../../../agent/mapping/row-counts.ts";
import { tryMapping } from "../../../agent/mapping/try-mapping.ts";
import { readJsonRequest } from "../../../agent/otlp/json-request.ts";
import { LIMITS } from "../../../contract/limits.ts";
import { createCapture, NOW_MS } from "../capture-harness.ts";
import { decodeRequest, encodeRequest } from "../otlp-schema.ts";

type Value = Readonly<Record<string, unknown>>;
const text = (stringValue: string): Value => ({ stringValue });
const number = (doubleValue: number): Value => ({ doubleValue });
const map = (values: Readonly<Record<string, Value>>): Value => ({
  kvlistValue: { values: Object.entries(values).map(([key, value]) => ({ key, value })) },
});
const column = (name: string, role: string, type: string): [string, Value] => [
  name,
  map({ name: text(name), role: text(role), type: text(type) }),
];

const COLUMNS = Object.fromEntries([
  column("sepal length", "feature", "numerical"),
  column("colour", "feature", "categorical"),
  column("embedding", "feature", "numerical_sequence"),
  column("pred", "prediction", "categorical"),
  column("proba", "prediction", "numerical"),
  column("truth", "target", "categorical"),
]);
const meta = (columns: Readonly<Record<string, Value>> = COLUMNS, bento = "iris") =>
  map({
    bento_name: text(bento),
    bento_version: text("v7"),
    monitor_name: text("iris_monitor"),
    schema: map(columns),
  });

const nanos = (n: number): string => String(BigInt(NOW_MS) * 1_000_000n + BigInt(n));
const row = (id: string, n: number, more: Readonly<Record<string, Value>> = {}): object => ({
  timeUnixNano: nanos(n),
  attributes: [{ key: "code.function", value: text("export_data") }],
  body: map({
    "sepal length": number(4.9 + n),
    colour: text("red"),
    embedding: { arrayValue: { values: [number(1.5), number(2.5)] } },
    pred: text("setosa"),
    proba: number(0.9),
    timestamp: number(NOW_MS / 1000),
    request_id: text(id),
    trace_id: text("0"),
    ...more,
  }),
});
const request = (records: readonly object[], service = "iris:iris_monitor") => ({
  resourceLogs: [
    {
      resource: { attributes: [{ key: "service.name", value: text(service) }] },
      scopeLogs: [{ logRecords: records }],
    },
  ],
});

/** The rows of requests that come one after the other, which both encodings must give alike. */
function rowsOf(...requests: readonly object[]) {
  const [fast, slow] = [createCapture(), createCapture()];
  for (const body of requests) {
    const bytes = encodeRequest("logs", body);
    fast.take(() => fast.reader.read("logs", bytes));
    const json = JSON.stringify(decodeRequest("logs", bytes));
    slow.take(() => readJsonRequest("logs", json, slow.recorder, slow.rules, slow.mappings));
  }
  const rows = fast.rows();
  expect(slow.rows()).toEqual(rows);
  return rows;
}

describe("BentoML's monitor", () => {
  it("makes predictions and labels by the roles and types of its columns", () => {
    const { predictions, labels } = rowsOf(
      request([row("r1", 0, { truth: text("virginica"), bento_meta: meta() })]),
    );
    expect(predictions).toMatchObject([
      { model: "iris", version: "v7", id: "r1", ts: NOW_MS, label: "setosa", score: 0.9 },
    ]);
    expect(predictions[0]).toMatchObject({
      num: [
        ["sepal length", 4.9],
        ["embedding[0]", 1.5],
        ["embedding[1]", 2.5],
      ],
      cat: [["colour", "red"]],
      tags: [["monitor", "iris_monitor"]],
    });
    expect(labels).toMatchObject([
      { model: "iris", id: "r1", label: "virginica", prediction_time: NOW_MS, source: "monitor" },
    ]);
  });

  it("is described by its first record for all later ones of the same service", () => {
    const { predictions, deadLetters } = rowsOf(
      request([row("r1", 0, { bento_meta: meta() })]),
      request([row("r2", 1)]),
    );
    expect(predictions).toMatchObject([
      { model: "iris", id: "r1" },
      { model: "iris", version: "v7", id: "r2", label: "setosa", score: 0.9 },
    ]);
    expect(deadLetters).toEqual([]);
  });

  it("that nobody has described is set aside with what it said, by the bento's name", () => {
    const { predictions, deadLetters } = rowsOf(request([row("r1", 0)]));
    expect(predictions).toEqual([]);
    expect(deadLetters).toMatchObject([{ reason: "schema_unknown", model: "iris", id: "r1" }]);
    expect(String(deadLetters[0]?.["sample"])).toContain('"colour":"red"');
  });

  it("is not taken for one of another service, nor for one that lacks its columns", () => {
    const other = { extra: number(1) };
    const { deadLetters } = rowsOf(
      request([row("r1", 0, { bento_meta: meta() })]),
      request([row("r2", 1)], "another:monitor"),
      request([row("r3", 2, other)]),
    );
    expect(deadLetters).toMatchObject([
      { reason: "schema_unknown", model: "another", id: "r2" },
      { reason: "schema_unknown", model: "iris", id: "r3" },
    ]);
  });

  it("shows no values of a record whose model nobody knows: they may have to be hidden", () => {
    const { deadLetters } = rowsOf(request([row("r1", 0)], "unknown_service"));
    expect(deadLetters).toMatchObject([{ reason: "schema_unknown", model: "" }]);
    expect(String(deadLetters[0]?.["sample"])).not.toContain("setosa");
    expect(String(deadLetters[0]?.["sample"])).toContain("colour");
  });

  it("gives rows of one request ids of their own, also when they come in two exports or again", () => {
    const first = request([row("r1", 0, { bento_meta: meta() }), row("r1", 1)]);
    const { predictions } = rowsOf(first, request([row("r1", 2)]), first);
    expect(predictions.map(({ id }) => id)).toEqual(["r1", "r1/1", "r1/2", "r1", "r1/1"]);
  });

  it("is not remembered from a body that is refused, nor are its rows", () => {
    const capture = createCapture();
    const bytes = encodeRequest("logs", request([row("r1", 0, { bento_meta: meta() })]));
    const broken = Buffer.concat([bytes, Buffer.from([0x0a, 0x7f])]);
    expect(() => capture.take(() => capture.reader.read("logs", broken))).toThrow("longer");
    expect(capture.mappings.memory.schemas.all()).toEqual([]);
    const other = row("r1", 5, { bento_meta: meta() });
    capture.take(() => capture.reader.read("logs", encodeRequest("logs", request([other]))));
    expect(capture.rows().predictions).toMatchObject([{ id: "r1" }]);
  });

  it("of a regression has a value, of several classes their probabilities, and without a request no id", () => {
    const columns = Object.fromEntries([
      column("price", "prediction", "numerical"),
      column("classes", "prediction", "numerical_sequence"),
      column("weight", "other", "numerical"),
    ]);
    const body = map({
      ...{ price: number(12.5), weight: number(2) },
      classes: { arrayValue: { values: [number(0.25), number(0.75)] } },
      ...{ timestamp: number(1), request_id: text("None"), trace_id: text("0") },
      bento_meta: meta(columns, ""),
    });
    const capture = createCapture();
    const bytes = encodeRequest("logs", request([{ timeUnixNano: nanos(0), body }]));
    capture.take(() => capture.reader.read("logs", bytes));
    expect(capture.recorder.outcome.valuesSkipped).toBe(1);
    const { deadLetters } = capture.rows();
    expect(deadLetters).toMatchObject([{ reason: "id_missing", model: "iris_monitor" }]);
    expect(JSON.parse(String(deadLetters[0]?.["sample"]))).toMatchObject({
      value: 12.5,
      probabilities: { 0: 0.25, 1: 0.75 },
    });
  });

  it("is shown by map test as it would be stored", () => {
    const { mappings, rules } = createCapture();
    const payload = request([row("r1", 0, { truth: text("a"), bento_meta: meta() }), row("r2", 1)]);
    const tried = tryMapping(payload, { mappings, rules, model: "", nowMs: NOW_MS });
    expect(tried).toMatchObject([
      { mapping: "bentoml", kind: "prediction", record: { model: "iris", id: "r1" } },
      { mapping: "bentoml", kind: "label", record: { id: "r1", label: "a" } },
      { mapping: "bentoml", kind: "prediction", record: { id: "r2", score: 0.9 } },
    ]);
  });
});

describe("rows under the id of their request", () => {
  it("are counted once each, however often they are read, and never get a number twice", () => {
    const counts = new RowCounts();
    const rows = Array.from({ length: LIMITS.tensorRowsMax + 5 }, (_, i) =>
      counts.rowOf("r", `${i}`),
    );
    expect(new Set(rows).size).toBe(rows.length);
    expect(counts.rowOf("r", "7")).toBe(7);
    expect(counts.rowOf("another", "7")).toBe(0);
  });

  it("of the oldest requests are forgotten first", () => {
    const counts = new RowCounts();
    counts.rowOf("old", "a");
    for (let i = 0; i < LIMITS.rowCountsMax; i++) counts.rowOf(`r${i}`, "a");
    expect(counts.rowOf(`r${LIMITS.rowCountsMax - 1}`, "b")).toBe(1);
    expect(counts.rowOf("old", "b")).toBe(0);
  });
});

describe("descriptions of columns", () => {
  const described = (sender: string, ...names: string[]) => ({
    sender,
    facts: [],
    columns: names.map((name) => ({ name, role: "feature", type: "numerical" })),
  });

  it("are as many as the limit says; the one not used for longest goes first", () => {
    const schemas = new ColumnSchemas();
    for (let i = 0; i < LIMITS.columnSchemasMax; i++) schemas.add(described(`s${i}`, "a"));
    expect(schemas.find("s0", ["a"])).not.toBeNull();
    schemas.add(described("new", "a"));
    expect(schemas.all()).toHaveLength(LIMITS.columnSchemasMax);
    expect(schemas.find("s0", ["a"])).not.toBeNull();
    expect(schemas.find("s1", ["a"])).toBeNull();
  });

  it("come back from what was kept, and from nothing else", () => {
    const schemas = new ColumnSchemas();
    schemas.add(described("s", "a", "b"));
    const again = new ColumnSchemas();
    again.load(JSON.parse(JSON.stringify(schemas.all())));
    expect(again.find("s", ["b"])).toEqual(described("s", "a", "b"));
    again.load("nonsense");
    expect(again.all()).toHaveLength(1);
  });

  it("change their revision only with what was not known", () => {
    const schemas = new ColumnSchemas();
    let changes = 0;
    schemas.onChange = () => changes++;
    schemas.add(described("s", "a"));
    schemas.add(described("s", "a"));
    expect({ changes, revision: schemas.revision }).toEqual({ changes: 1, revision: 1 });
  });
});
