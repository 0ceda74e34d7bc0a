/**
 * OTLP as JSON. What is taken and could be said in protobuf as well must become the same rows by the protobuf door,
 * protobufjs being the one that says it.
 */
import { readJsonRequest } from "../../../agent/otlp/json-request.ts";
import type { Random } from "../../../runtime/random.ts";
import { createCapture } from "../../agent/capture-harness.ts";
import { encodeRequest } from "../../agent/otlp-schema.ts";
import { type Door, Violation, verdictOf } from "../door.ts";
import {
  chance,
  hostileInteger,
  hostileNanos,
  hostileNumber,
  hostileText,
  hostileTime,
  pick,
  sized,
} from "../hostile-values.ts";
import { jsonNumber, jsonObject, jsonString, jsonValue, nestedJson, or } from "../json-text.ts";
import { mutate } from "../mutate.ts";
import { KEYS, NAMES, type Signal } from "../otlp-messages.ts";
import {
  DOCUMENTS,
  expectSoundRow,
  same,
  shown,
  soundRequest,
  withoutSamples,
} from "../sound-record.ts";

/** `p` plain, `h` hostile: only plain ones are compared with the other door. */
type Kind = "p" | "h";

function anyValue(random: Random, kind: Kind, depth = 0): string {
  const one = (name: string, json: string): string =>
    kind === "p" ? `{"${name}":${json}}` : jsonObject(random, [[name, or(random, json)]]);
  const choice = random.next();
  if (choice < 0.3) return one("stringValue", jsonString(random, textOf(random, kind)));
  if (choice < 0.5) {
    const integer = String(hostileInteger(random));
    return one("intValue", chance(random, 0.8) ? `"${integer}"` : integer.slice(0, 15));
  }
  if (choice < 0.75) return one("doubleValue", doubleOf(random, kind));
  if (choice < 0.82) return one("boolValue", pick(random, ["true", "false"]));
  if (choice < 0.86) return one("bytesValue", '"AAEC"');
  if (depth > 2) return "{}";
  const items = Array.from({ length: sized(random, 6) }, () => anyValue(random, kind, depth + 1));
  if (choice < 0.92) return one("arrayValue", `{"values":[${items.join(",")}]}`);
  return one("kvlistValue", mapOf(random, kind, items));
}

function mapOf(random: Random, kind: Kind, items: readonly string[]): string {
  const entries = items.map((value, i) => {
    const key = chance(random, 0.6) ? `f${i}` : textOf(random, kind).slice(0, 300);
    return pairOf(random, kind, key, value);
  });
  return `{"values":[${entries.join(",")}]}`;
}

/** Lone surrogates cannot be said in protobuf. */
const textOf = (random: Random, kind: Kind): string =>
  kind === "p" ? hostileText(random).toWellFormed() : hostileText(random);

function doubleOf(random: Random, kind: Kind): string {
  if (kind === "h") return jsonNumber(random);
  const value = hostileNumber(random);
  return Number.isFinite(value) ? String(value) : `"${value}"`;
}

function pairOf(random: Random, kind: Kind, key: string, value: string): string {
  const entries = [
    ["key", jsonString(random, key)],
    ["value", value],
  ] as const;
  return kind === "p"
    ? `{"key":${entries[0][1]},"value":${value}}`
    : jsonObject(
        random,
        entries.map(([name, json]) => [name, or(random, json)]),
      );
}

function attributesOf(random: Random, kind: Kind): string {
  const keys = new Set<string>();
  for (let more = random.integer(8); more > 0; more--) {
    const choice = random.next();
    if (choice < 0.75) keys.add(pick(random, KEYS));
    else keys.add(`${pick(random, ["ml.feature.", "ml.tag.", ""])}${textOf(random, kind)}`);
  }
  const pairs = [...keys].map((key) => pairOf(random, kind, key, valueOf(random, kind, key)));
  if (chance(random, 0.9)) pairs.push(pairOf(random, kind, "ml.model.name", '{"stringValue":"m"}'));
  if (chance(random, 0.9))
    pairs.push(pairOf(random, kind, "ml.prediction.id", '{"stringValue":"1"}'));
  return `[${pairs.join(",")}]`;
}

function valueOf(random: Random, kind: Kind, key: string): string {
  if (key === "ml.prediction.time") {
    return `{"stringValue":${JSON.stringify(hostileTime(random))}}`;
  }
  if (/features|tags|probabilities/.test(key) && chance(random, 0.8)) {
    const items = Array.from({ length: sized(random, 12) }, () => anyValue(random, kind, 1));
    return `{"kvlistValue":${mapOf(random, kind, items)}}`;
  }
  if (kind === "h" && chance(random, 0.01)) {
    const messages = JSON.stringify(`[{"content":${nestedJson(random)}}]`);
    return `{"stringValue":${messages}}`;
  }
  return anyValue(random, kind);
}

function recordOf(random: Random, kind: Kind, signal: Signal): string {
  const nanos = (): string => `"${hostileNanos(random)}"`;
  const entries =
    signal === "logs"
      ? ([
          ["timeUnixNano", nanos()],
          ["eventName", JSON.stringify(pick(random, NAMES))],
          ["attributes", attributesOf(random, kind)],
          ["body", anyValue(random, kind)],
        ] as const)
      : ([
          ["name", JSON.stringify(pick(random, NAMES))],
          ["startTimeUnixNano", nanos()],
          ["endTimeUnixNano", nanos()],
          ["attributes", attributesOf(random, kind)],
          ["status", `{"code":${random.integer(3)}}`],
        ] as const);
  if (kind === "p") return `{${entries.map(([key, json]) => `"${key}":${json}`).join(",")}}`;
  const strange = chance(random, 0.1)
    ? [["droppedAttributesCount", jsonValue(random)] as const]
    : [];
  return jsonObject(
    random,
    [...entries, ...strange].map(([key, json]) => [key, or(random, json)]),
  );
}

const HEAD: Readonly<Record<Signal, readonly [string, string, string]>> = {
  logs: ["resourceLogs", "scopeLogs", "logRecords"],
  traces: ["resourceSpans", "scopeSpans", "spans"],
};

/** Kind and signal, then the body. */
function make(random: Random): Buffer {
  const signal: Signal = chance(random, 0.4) ? "traces" : "logs";
  const kind: Kind = chance(random, 0.4) ? "p" : "h";
  const [resources, scopes, records] = HEAD[signal];
  const list = Array.from({ length: sized(random, 5) }, () => recordOf(random, kind, signal));
  const wrap = (name: string, json: string): string =>
    kind === "p" ? `"${name}":${json}` : `"${name}":${or(random, json)}`;
  const scope = `{${wrap(records, `[${list.join(",")}]`)}}`;
  const body = `{${wrap(resources, `[{"resource":{},${wrap(scopes, `[${scope}]`)}}]`)}}`;
  const damaged = kind === "h" && chance(random, 0.3);
  const bytes = Buffer.from(body);
  const other = Buffer.from(JSON.stringify(soundRequest));
  return Buffer.concat([
    Buffer.from(`${kind}${signal === "logs" ? "l" : "t"}`),
    damaged ? mutate(random, bytes, other) : bytes,
  ]);
}

export function otlpJsonDoor(): Door {
  const json = createCapture(DOCUMENTS);
  const fast = createCapture(DOCUMENTS);
  const read = (signal: Signal, text: string): void =>
    readJsonRequest(signal, text, json.recorder, json.rules, json.mappings);
  return {
    name: "otlp-json",
    weight: 12,
    make,
    feed: (payload) => {
      const [kind, letter] = payload.toString("latin1", 0, 2);
      const signal: Signal = letter === "l" ? "logs" : "traces";
      const text = payload.toString("utf8", 2);
      json.rows();
      const verdict = verdictOf(["request_malformed"], () => json.take(() => read(signal, text)));
      const rows = withoutSamples(json.rows());
      if (verdict !== "accepted") {
        if (kind === "p") throw new Violation(`a plain request was ${verdict}`);
        return verdict;
      }
      if (kind !== "p") return verdict;
      fast.rows();
      const bytes = encodeRequest(signal, JSON.parse(text) as object);
      fast.take(() => fast.reader.read(signal, bytes));
      const others = withoutSamples(fast.rows());
      if (same(rows, others)) return "accepted: as protobuf";
      throw new Violation(`rows differ: ${shown(rows)} and as protobuf ${shown(others)}`);
    },
    checkSound: () => expectSoundRow(json, () => read("logs", JSON.stringify(soundRequest))),
  };
}
