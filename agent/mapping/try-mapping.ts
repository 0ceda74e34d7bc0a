/**
 * What a recorded payload becomes under the mappings at hand, for `driftmend map test`: the same functions as the
 * doors use, without a running system. Pure.
 */
import { z } from "zod";
import { LIMITS } from "../../contract/limits.ts";
import { readEvents } from "../doors/cloud-events.ts";
import { foreignRecords } from "../otlp/json-request.ts";
import type { Signal } from "../otlp/request-reader.ts";
import { malformedBody } from "../otlp/wire.ts";
import type { Half } from "../pairs/half.ts";
import { PairBook } from "../pairs/pair-book.ts";
import type { PlainLabel, PlainPrediction } from "../plain-record.ts";
import { labelLine, predictionLine } from "../record-line.ts";
import type { FeatureRules } from "../columns/feature-rules.ts";
import { type MappedColumns, mapColumns } from "./map-columns.ts";
import { mapRecord } from "./map-record.ts";
import { type Exchange, mapExchange } from "./map-tensors.ts";
import type { MappingBook } from "./mapping-book.ts";
import { readBody } from "./read-body.ts";
import type { ForeignRecord } from "./record.ts";

export interface Tried {
  /** Which mapping held; null for none. */
  readonly mapping: string | null;
  readonly kind: "prediction" | "label" | "none";
  /** As a line of the event or label door; null where nothing comes of it. */
  readonly record: Readonly<Record<string, unknown>> | null;
  /** Why it would be set aside, or passed over. */
  readonly problems: readonly string[];
}

export interface TryDeps {
  readonly mappings: MappingBook;
  readonly rules: FeatureRules;
  /** The model to take where the payload names none. */
  readonly model: string;
  readonly nowMs: number;
}

/** Both halves in one file, with the headers of the request. */
const Recorded = z.looseObject({
  request: z.unknown().optional(),
  response: z.unknown().optional(),
  headers: z.record(z.string(), z.string()).prefault({}),
  id: z.string().prefault("recorded"),
  model: z.string().optional(),
});

/**
 * @param payload OTLP as JSON; CloudEvents, one or a list; `{request, response, headers}`; or a body of V1, V2 or Seldon
 * @throws {DriftmendError} request_malformed
 */
export function tryMapping(payload: unknown, deps: TryDeps): readonly Tried[] {
  const keys = new Set(typeof payload === "object" && payload !== null ? Object.keys(payload) : []);
  if (keys.has("resourceLogs")) return tryRecords("logs", payload, deps);
  if (keys.has("resourceSpans")) return tryRecords("traces", payload, deps);
  if (Array.isArray(payload) || keys.has("specversion")) return tryEvents(payload, deps);
  if (keys.has("request") || keys.has("response")) {
    const { request, response, headers, id, model } = Recorded.parse(payload);
    return tryBodies(request, response, { ...{ headers, id }, model: model ?? deps.model }, deps);
  }
  const isAnswer = keys.has("predictions") || (keys.has("outputs") && !keys.has("inputs"));
  const known = { headers: {}, id: "recorded", model: deps.model };
  return isAnswer
    ? tryBodies(undefined, payload, known, deps)
    : tryBodies(payload, undefined, known, deps);
}

function tryRecords(signal: Signal, payload: unknown, deps: TryDeps): readonly Tried[] {
  return foreignRecords(signal, payload).flatMap((record) => tryRecord(record, deps));
}

function tryRecord(record: ForeignRecord, { mappings }: TryDeps): readonly Tried[] {
  if (record.name === "ml.prediction" || record.name === "ml.ground_truth") {
    const problems = ["it speaks our own words, and needs no mapping"];
    return [{ mapping: null, kind: "none", record: null, problems }];
  }
  const mapping = mappings.ofRecord(record);
  if (mapping === null) {
    const problems = [
      `no mapping asks for "${record.name}" or one of its attributes: it is passed over`,
    ];
    return [{ mapping: null, kind: "none", record: null, problems }];
  }
  const { name, columns } = mapping;
  if (columns !== undefined) {
    return triedColumns(name, mapColumns(record, { ...mapping, columns }, mappings.memory));
  }
  const mapped = mapRecord(record, mapping);
  return [
    mapped.kind === "label"
      ? triedLabel(name, mapped.record)
      : triedPrediction(name, mapped.record, []),
  ];
}

function triedColumns(name: string, mapped: MappedColumns): readonly Tried[] {
  if (mapped.kind === "schema_unknown") {
    const problems = ["set aside as schema_unknown: no record before it says what its columns are"];
    return [{ mapping: name, kind: "none", record: null, problems }];
  }
  const { prediction, label, skipped } = mapped;
  const more =
    skipped === 0 ? [] : [`${skipped} values are not kept: their role or type has no place`];
  return [
    ...(prediction === null ? [] : [triedPrediction(name, prediction, more)]),
    ...(label === null ? [] : [triedLabel(name, label)]),
  ];
}

function triedPrediction(mapping: string, given: PlainPrediction, more: readonly string[]): Tried {
  const record = predictionLine(given);
  const problems = [...problemsOf(record, "prediction"), ...more];
  return { mapping, kind: "prediction", record, problems };
}

function triedLabel(mapping: string, given: PlainLabel): Tried {
  const record = labelLine(given);
  return { mapping, kind: "label", record, problems: problemsOf(record, "label") };
}

function tryEvents(payload: unknown, deps: TryDeps): readonly Tried[] {
  const type = Array.isArray(payload) ? "cloudevents-batch" : "cloudevents";
  const headers = { "content-type": `application/${type}+json` };
  const events = readEvents(headers, Buffer.from(JSON.stringify(payload)), deps.nowMs);
  const book = new PairBook();
  const tried: Tried[] = [];
  const alone = new Map<string, Half>();
  for (const event of events) {
    if (event.kind === "other") {
      const problems = ["it is neither a request nor a response: it is passed over"];
      tried.push({ mapping: null, kind: "none", record: null, problems });
      continue;
    }
    const { half } = event;
    const met = book.meet(half);
    if (met.kind === "waits") {
      book.add(half);
      alone.set(half.key, half);
    }
    if (met.kind !== "pair") continue;
    alone.delete(half.key);
    const { request, response } = met.pair;
    tried.push(...tryExchange(request, response, deps));
  }
  for (const half of alone.values()) {
    const [request, response] = half.side === "request" ? [half, null] : [null, half];
    tried.push(...tryExchange(request, response, deps));
  }
  return tried;
}

function tryExchange(request: Half | null, response: Half | null, deps: TryDeps): readonly Tried[] {
  const known = request ?? response;
  if (known === null) return [];
  const facts = { headers: request?.headers ?? {}, id: known.id, model: known.model };
  return tryBuffers(request?.body ?? null, response?.body ?? null, facts, deps);
}

interface Facts {
  readonly headers: Readonly<Record<string, string>>;
  readonly id: string;
  readonly model: string;
}

function tryBodies(
  request: unknown,
  response: unknown,
  facts: Facts,
  deps: TryDeps,
): readonly Tried[] {
  const bytes = (value: unknown): Buffer | null =>
    value === undefined ? null : Buffer.from(JSON.stringify(value));
  return tryBuffers(bytes(request), bytes(response), facts, deps);
}

function tryBuffers(
  request: Buffer | null,
  response: Buffer | null,
  { headers, id, model }: Facts,
  { mappings, rules }: TryDeps,
): readonly Tried[] {
  const asked = request === null ? null : readBody("request", request, null);
  const answered = response === null ? null : readBody("response", response, null);
  const protocol = (asked ?? answered)?.protocol;
  if (protocol === undefined) throw malformedBody("it has neither a request nor a response");
  const exchange: Exchange = {
    model,
    version: answered?.body.version ?? null,
    id: null,
    fallbackId: id,
    timeMs: 0,
    latency: Number.NaN,
    error: null,
    headers: new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    request: asked?.body ?? null,
    response: answered?.body ?? null,
    tags: [],
  };
  const mapping = mappings.ofTensors(protocol, model);
  const mapped = mapExchange(exchange, mapping, rules.documentOf(model)?.task);
  if (mapped.kind === "misfit") {
    const problems = [`set aside as payload_invalid: ${mapped.problem}`];
    return [{ mapping: mapping.name, kind: "none", record: null, problems }];
  }
  const half = [
    ...(request === null ? ["no request is in the payload: features are missing"] : []),
    ...(response === null ? ["no response is in the payload: the answer is missing"] : []),
    ...(mapped.skipped > 0
      ? [
          `${mapped.skipped} values are not kept: tensors wider than ${LIMITS.tensorColumnsMax} columns`,
        ]
      : []),
  ];
  return mapped.rows.map((row) => {
    const line = predictionLine(row);
    const problems = [...problemsOf(line, "prediction"), ...half];
    return { mapping: mapping.name, kind: "prediction", record: line, problems };
  });
}

/** What a door would set aside. */
function problemsOf(
  line: Readonly<Record<string, unknown>>,
  kind: "prediction" | "label",
): readonly string[] {
  const has = (name: string): boolean => {
    const found = Object.entries(line).find(([key]) => key === name)?.[1];
    return found !== undefined && found !== "";
  };
  return [
    ...(has("model") ? [] : ["set aside as model_missing: no place of the mapping has a model"]),
    ...(has("id") ? [] : ["set aside as id_missing: no place of the mapping has an id"]),
    ...(kind === "prediction" || has("label") || has("value")
      ? []
      : ["set aside as label_missing: neither label nor value"]),
  ];
}
