/**
 * OTLP as JSON: the same requests as `request-reader.ts` reads from protobuf. By the specification names are
 * in lowerCamelCase, unknown fields are ignored, 64-bit numbers come as text or number.
 */
import { LIMITS } from "../../contract/limits.ts";
import type { FeatureRules } from "../columns/feature-rules.ts";
import { remembering } from "../mapping/map-columns.ts";
import type { MappingBook } from "../mapping/mapping-book.ts";
import type { AnyPlain, ForeignRecord } from "../mapping/record.ts";
import { parseJson } from "../json-text.ts";
import {
  numberOf,
  type PlainValue,
  takePlainLabel,
  takePlainPrediction,
  weightOf,
} from "../plain-record.ts";
import type { Recorder } from "../recorder.ts";
import { traceStateTextWeight } from "../sampling/record-weight.ts";
import { ANY_DEPTH_MAX, takeForeign } from "./foreign-reader.ts";
import type { Signal } from "./request-reader.ts";
import { FEATURE_PREFIX, TAG_PREFIX } from "./vocabulary.ts";
import { malformedBody } from "./wire.ts";

const NANOS_PER_MS = 1_000_000n;
const STATUS_ERROR = 2;

/** What a span says of a prediction beside its model and id. */
const PREDICTED = [
  "ml.features",
  "ml.prediction.label",
  "ml.prediction.score",
  "ml.prediction.value",
  "ml.prediction.probabilities",
];

type Json = Readonly<Record<string, unknown>>;

/** A map of OTLP; duplicates of a key stand as they came. */
class PlainMap {
  readonly entries: readonly (readonly [string, PlainValue])[];
  constructor(entries: readonly (readonly [string, PlainValue])[]) {
    this.entries = entries;
  }
}

/** Takes all records of the request in. @throws {DriftmendError} request_malformed */
export function readJsonRequest(
  signal: Signal,
  text: string,
  recorder: Recorder,
  rules: FeatureRules,
  mappings: MappingBook,
): void {
  const request = parseJson(text);
  remembering(mappings.memory, () => {
    for (const { resource, records } of recordsByResource(signal, request)) {
      const model = resourceModel(resource, rules);
      for (const record of records) {
        if (takeRecord(signal, record, model, recorder)) continue;
        if (isAskedFor(signal, record, mappings)) {
          takeForeign(foreignOf(signal, record, resource), mappings, recorder);
        } else recorder.outcome.unknown++;
      }
    }
  });
}

/** All records of a request as mappings see them. @throws {DriftmendError} request_malformed */
export function foreignRecords(signal: Signal, request: unknown): readonly ForeignRecord[] {
  return [...recordsByResource(signal, request)].flatMap(({ resource, records }) =>
    records.map((record) => foreignOf(signal, record, resource)),
  );
}

function* recordsByResource(
  signal: Signal,
  request: unknown,
): Generator<{ readonly resource: Json; readonly records: readonly Json[] }> {
  const [resources, scopes, records] =
    signal === "logs"
      ? ["resourceLogs", "scopeLogs", "logRecords"]
      : ["resourceSpans", "scopeSpans", "spans"];
  for (const resource of list(object(request, "the request"), resources)) {
    for (const scope of list(resource, scopes)) yield { resource, records: list(scope, records) };
  }
}

function resourceModel(resource: Json, rules: FeatureRules): string | null {
  const { attributes } = attributesOf(object(resource["resource"] ?? {}, "a resource"));
  const texts = [...attributes].filter((entry): entry is [string, string] => {
    return typeof entry[1] === "string";
  });
  return rules.modelOfResource(new Map(texts));
}

/** False where the record is neither prediction nor label in our words. */
function takeRecord(
  signal: Signal,
  record: Json,
  model: string | null,
  recorder: Recorder,
): boolean {
  const { outcome } = recorder;
  const { attributes, flat } = attributesOf(record);
  const event = eventOf(signal, record, attributes, flat.some(isFlatValue));
  if (event === null) return false;
  const dropped = countIn(record["droppedAttributesCount"]);
  if (dropped > 0) {
    outcome.droppedRecords++;
    outcome.droppedAttributes += dropped;
  }
  const identity = {
    model: attributes.get("ml.model.name"),
    resourceModel: model,
    id: attributes.get("ml.prediction.id"),
    timeMs: timeMsOf(signal, record),
  };
  if (event === "label") {
    takePlainLabel(recorder, {
      ...identity,
      label: attributes.get("ml.actual.label"),
      value: attributes.get("ml.actual.value"),
      source: attributes.get("ml.actual.source"),
      revision: attributes.get("ml.actual.revision"),
      predictionTime: attributes.get("ml.prediction.time"),
    });
    return true;
  }
  takePrediction(signal, record, { ...identity, attributes, flat }, recorder);
  return true;
}

/** As mappings look at it: whole values, lists and maps too. */
function foreignOf(signal: Signal, record: Json, resource: Json): ForeignRecord {
  const attributes = anyMap(record["attributes"]);
  const eventName = attributes.get("event.name");
  const name = nameOf(signal, record);
  const hex = (value: unknown): string => (typeof value === "string" ? value.toLowerCase() : "");
  return {
    signal,
    name: name === "" && typeof eventName === "string" ? eventName : name,
    attributes,
    resource: anyMap(object(resource["resource"] ?? {}, "a resource")["attributes"]),
    body: signal === "logs" ? anyOf(record["body"]) : null,
    traceId: hex(record["traceId"]),
    spanId: hex(record["spanId"]),
    timeMs: timeMsOf(signal, record),
    timeNanos: String(
      nanosOf(record[signal === "logs" ? "timeUnixNano" : "startTimeUnixNano"]) || "",
    ),
    durationSeconds: signal === "traces" ? durationOf(record) : Number.NaN,
    failed: object(record["status"] ?? {}, "a status")["code"] === STATUS_ERROR,
    droppedAttributes: countIn(record["droppedAttributesCount"]),
    weight: traceWeight(signal, record),
  };
}

const nameOf = (signal: Signal, record: Json): string => {
  const name = record[signal === "logs" ? "eventName" : "name"];
  return typeof name === "string" ? name : "";
};

/** Whether some mapping asks for the record: most need not be looked at as a whole. */
function isAskedFor(signal: Signal, record: Json, mappings: MappingBook): boolean {
  return (
    mappings.asksForName(nameOf(signal, record)) ||
    (signal === "logs" && bodyKeys(record["body"]).some((key) => mappings.asksForBodyKey(key))) ||
    list(record, "attributes").some(
      ({ key }) =>
        typeof key === "string" && (key === "event.name" || mappings.asksForAttribute(key)),
    )
  );
}

function bodyKeys(body: unknown): readonly string[] {
  const any = object(body ?? {}, "a body");
  return list(object(any["kvlistValue"] ?? {}, "a map"), "values").flatMap(({ key }) =>
    typeof key === "string" ? [key] : [],
  );
}

function anyMap(values: unknown, depth = 0): Map<string, AnyPlain> {
  return new Map(
    list({ values }, "values").map((pair) => [
      typeof pair["key"] === "string" ? pair["key"] : "",
      anyOf(pair["value"], depth),
    ]),
  );
}

function anyOf(value: unknown, depth = 0): AnyPlain {
  if (value === null || value === undefined) return null;
  if (depth > ANY_DEPTH_MAX) throw malformedBody("its values are nested too deeply");
  const any = object(value, "a value");
  if ("kvlistValue" in any) {
    return anyMap(object(any["kvlistValue"] ?? {}, "a map")["values"], depth + 1);
  }
  if ("arrayValue" in any) {
    const items = list(object(any["arrayValue"] ?? {}, "a list"), "values");
    return items.map((item) => anyOf(item, depth + 1));
  }
  return "bytesValue" in any ? null : plainOf(value);
}

function takePrediction(
  signal: Signal,
  record: Json,
  known: {
    model: PlainValue;
    resourceModel: string | null;
    id: PlainValue;
    timeMs: number;
    attributes: ReadonlyMap<string, PlainValue>;
    flat: readonly (readonly [string, PlainValue])[];
  },
  recorder: Recorder,
): void {
  const { attributes, flat, ...identity } = known;
  const features = attributes.get("ml.features");
  if (!isMapOr(features, "string")) recorder.outcome.valuesSkipped++;
  const named = (prefix: string): (readonly [string, PlainValue])[] =>
    flat
      .filter(([key]) => key.startsWith(prefix) && key.length > prefix.length)
      .map(([key, value]) => [key.slice(prefix.length), value] as const);
  const tags = attributes.get("ml.tags");
  const probabilities = attributes.get("ml.prediction.probabilities");
  for (const map of [tags, probabilities]) {
    if (!isMapOr(map, "undefined")) recorder.outcome.valuesSkipped++;
  }
  const latency = numberOf(attributes.get("ml.latency"));
  const failed = object(record["status"] ?? {}, "a status")["code"] === STATUS_ERROR;
  takePlainPrediction(recorder, {
    ...identity,
    version: attributes.get("ml.model.version"),
    label: attributes.get("ml.prediction.label"),
    score: attributes.get("ml.prediction.score"),
    value: attributes.get("ml.prediction.value"),
    latency: Number.isNaN(latency) && signal === "traces" ? durationOf(record) : latency,
    error: attributes.get("error.type"),
    failed,
    weight:
      traceWeight(signal, record) * weightOf(recorder, attributes.get("ml.prediction.weight")),
    features: [...entriesOf(features), ...named(FEATURE_PREFIX)],
    featuresJson: typeof features === "string" ? features : null,
    tags: [
      ...named(TAG_PREFIX),
      ["client.version", attributes.get("client.version")],
      ...entriesOf(tags),
    ],
    probabilities: entriesOf(probabilities),
  });
}

const traceWeight = (signal: Signal, record: Json): number =>
  signal === "traces" ? traceStateTextWeight(record["traceState"]) : 1;

function eventOf(
  signal: Signal,
  record: Json,
  attributes: ReadonlyMap<string, PlainValue>,
  hasFlat: boolean,
): "prediction" | "label" | null {
  const names = [record[signal === "logs" ? "eventName" : "name"], attributes.get("event.name")];
  for (const name of names) {
    if (name === "ml.prediction") return "prediction";
    if (name === "ml.ground_truth") return "label";
  }
  if (signal === "logs") return null;
  const isTruth = attributes.has("ml.actual.label") || attributes.has("ml.actual.value");
  const saysMore = isTruth || hasFlat || PREDICTED.some((key) => attributes.has(key));
  // One that forgot the other of the two is set aside with that reason, not passed over.
  const isOurs =
    attributes.has("ml.prediction.id") || (attributes.has("ml.model.name") && saysMore);
  if (!isOurs) return null;
  return isTruth ? "label" : "prediction";
}

/** A flattened feature or tag that can be one. */
function isFlatValue([key, value]: readonly [string, PlainValue]): boolean {
  const prefix = key.startsWith(FEATURE_PREFIX) ? FEATURE_PREFIX : TAG_PREFIX;
  const nameBytes = Buffer.byteLength(key) - prefix.length;
  return value !== null && nameBytes > 0 && nameBytes <= LIMITS.featureNameBytesMax;
}

function timeMsOf(signal: Signal, record: Json): number {
  const names =
    signal === "logs" ? ["timeUnixNano", "observedTimeUnixNano"] : ["startTimeUnixNano"];
  for (const name of names) {
    const ms = Number(nanosOf(record[name]) / NANOS_PER_MS);
    if (ms !== 0) return ms;
  }
  return 0;
}

function durationOf(record: Json): number {
  const start = nanosOf(record["startTimeUnixNano"]);
  const end = nanosOf(record["endTimeUnixNano"]);
  return start > 0n && end >= start ? Number(end - start) / 1e9 : Number.NaN;
}

function nanosOf(value: unknown): bigint {
  if (value === undefined || value === null) return 0n;
  const isWhole = typeof value === "number" && Number.isInteger(value) && value >= 0;
  if (isWhole || (typeof value === "string" && /^\d{1,20}$/.test(value))) return BigInt(value);
  throw malformedBody(`${JSON.stringify(value)} is not a time in nanoseconds`);
}

/** Attributes by key, the last one where a key is repeated, and the flattened features and tags in order. */
function attributesOf(record: Json): {
  attributes: Map<string, PlainValue>;
  flat: (readonly [string, PlainValue])[];
} {
  const attributes = new Map<string, PlainValue>();
  const flat: (readonly [string, PlainValue])[] = [];
  for (const [key, value] of pairs(record["attributes"])) {
    if (key.startsWith(FEATURE_PREFIX) || key.startsWith(TAG_PREFIX)) flat.push([key, value]);
    else if (value !== null) attributes.set(key, value);
  }
  return { attributes, flat };
}

function pairs(values: unknown): (readonly [string, PlainValue])[] {
  return list({ values }, "values").map((pair) => {
    return [typeof pair["key"] === "string" ? pair["key"] : "", plainOf(pair["value"])] as const;
  });
}

function plainOf(value: unknown): PlainValue {
  if (value === null || value === undefined) return null;
  const any = object(value, "a value");
  if ("stringValue" in any) return String(scalarIn(any["stringValue"]));
  if ("boolValue" in any) return any["boolValue"] === true;
  if ("intValue" in any) return integerOf(any["intValue"]);
  if ("doubleValue" in any) return Number(scalarIn(any["doubleValue"]));
  if ("kvlistValue" in any) {
    return new PlainMap(pairs(object(any["kvlistValue"] ?? {}, "a map")["values"]));
  }
  return "arrayValue" in any || "bytesValue" in any ? [] : null;
}

function integerOf(value: unknown): bigint {
  if (typeof value === "string" && /^-?\d{1,20}$/.test(value)) return BigInt(value);
  if (typeof value === "number" && Number.isInteger(value)) return BigInt(value);
  throw malformedBody(`${JSON.stringify(value)} is not a whole number`);
}

/** A list or an object stands for no text and no number; some cannot even be made one. */
function scalarIn(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  throw malformedBody("there is a list or an object where a plain value belongs");
}

function countIn(value: unknown): number {
  const count = Number(scalarIn(value) ?? 0);
  return Number.isSafeInteger(count) ? count : 0;
}

function isMapOr(value: PlainValue, type: "string" | "undefined"): boolean {
  return value === undefined || value instanceof PlainMap || typeof value === type;
}

function entriesOf(value: PlainValue): readonly (readonly [string, PlainValue])[] {
  return value instanceof PlainMap ? value.entries : [];
}

function list(parent: Json, name: string): Json[] {
  const value = parent[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw malformedBody(`"${name}" is not a list`);
  return value.map((item) => object(item, `an item of "${name}"`));
}

function object(value: unknown, what: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw malformedBody(`${what} is not an object`);
  }
  return value as Json;
}
