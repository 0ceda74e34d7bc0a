/** Export requests of OTLP as protobuf: our own words, those that mappings know, and what stands beside them. */
import type { Random } from "../../runtime/random.ts";
import {
  chance,
  hostileInteger,
  hostileNanos,
  hostileNumber,
  hostileText,
  hostileTime,
  pick,
  sized,
} from "./hostile-values.ts";
import { delimited, double, type Field, fixed64, message, text, whole } from "./protobuf-writer.ts";

export type Signal = "logs" | "traces";

export const KEYS = [
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
  "ml.prediction.time",
  "ml.actual.label",
  "ml.actual.value",
  "ml.actual.source",
  "ml.actual.revision",
  "event.name",
  "http.route",
] as const;
const FOREIGN_KEYS = [
  "gen_ai.operation.name",
  "gen_ai.request.model",
  "gen_ai.response.id",
  "gen_ai.usage.input_tokens",
  "gen_ai.response.finish_reasons",
  "gen_ai.input.messages",
  "gen_ai.output.messages",
  "openinference.span.kind",
  "llm.model_name",
  "output.value",
  "triton.model_name",
] as const;
export const NAMES = [
  "ml.prediction",
  "ml.prediction",
  "ml.prediction",
  "ml.ground_truth",
  "gen_ai.evaluation.result",
  "llm_request",
  "other",
  "",
] as const;

const MESSAGES = [
  '[{"role":"user","content":"hello"}]',
  `[{"content":${"[".repeat(40)}${"]".repeat(40)}}]`,
  `[{"content":${"[".repeat(6_000)}${"]".repeat(6_000)}}]`,
  '[{"parts":[{"content":"I\'m sorry, I cannot"}]}]',
] as const;

/** Fields of one AnyValue. */
function anyValue(random: Random, depth: number): Buffer {
  const kind = random.next();
  if (kind < 0.35) return message(random, [text(random, 1, hostileText(random))]);
  if (kind < 0.42) return message(random, [whole(random, 2, BigInt(random.integer(3)))]);
  if (kind < 0.57) return message(random, [whole(random, 3, hostileInteger(random))]);
  if (kind < 0.82) return message(random, [double(random, 4, hostileNumber(random))]);
  if (kind < 0.86) return message(random, [delimited(random, 7, Buffer.from([1, 2]))]);
  if (kind < 0.88) return Buffer.alloc(0);
  if (depth > 3) return message(random, [text(random, 1, "deep")]);
  if (kind < 0.93) {
    const items = Array.from({ length: sized(random, 5) }, () =>
      delimited(random, 1, anyValue(random, depth + 1)),
    );
    return message(random, [delimited(random, 5, message(random, items))]);
  }
  return message(random, [delimited(random, 6, map(random, depth + 1))]);
}

function pair(random: Random, key: string, value: Buffer): Buffer {
  return message(random, [text(random, 1, key), delimited(random, 2, value)]);
}

function map(random: Random, depth: number): Buffer {
  const size = chance(random, 0.01) ? sized(random, 2_500) : sized(random, 12);
  const few = ["a", "b", "distance", "origin"];
  const entries = Array.from({ length: size }, (_, i) => {
    const key = chance(random, 0.7) ? (few[i] ?? `f${i}`) : hostileText(random);
    return delimited(random, 1, pair(random, key, anyValue(random, depth)));
  });
  return message(random, entries);
}

/** A value nested as deep as one likes. */
function nested(random: Random, depth: number): Buffer {
  let value = message(random, [whole(random, 3, 1n)]);
  for (let i = 0; i < depth; i++) value = delimited(random, 5, delimited(random, 1, value));
  return value;
}

function valueFor(random: Random, key: string): Buffer {
  if (chance(random, 0.1)) return anyValue(random, 0);
  const plain = (value: string): Buffer => message(random, [text(random, 1, value)]);
  switch (key) {
    case "ml.features":
    case "ml.tags":
    case "ml.prediction.probabilities":
      return chance(random, 0.9) ? delimited(random, 6, map(random, 1)) : plain('{"a":1}');
    case "ml.model.name":
      return plain(chance(random, 0.8) ? pick(random, ["m", "flights"]) : hostileText(random));
    case "ml.prediction.time":
      return plain(hostileTime(random));
    case "event.name":
      return plain(pick(random, NAMES));
    case "gen_ai.operation.name":
      return plain("chat");
    case "openinference.span.kind":
      return plain("LLM");
    case "gen_ai.input.messages":
    case "gen_ai.output.messages":
      return plain(pick(random, MESSAGES));
    default:
      return chance(random, 0.002) ? nested(random, sized(random, 2_000)) : anyValue(random, 0);
  }
}

function attributes(random: Random, field: number): Field[] {
  const isOurs = chance(random, 0.85);
  const keys = new Set<string>();
  if (chance(random, 0.85)) keys.add("ml.model.name");
  if (chance(random, 0.85)) keys.add("ml.prediction.id");
  if (chance(random, 0.7)) keys.add("ml.features");
  for (let more = random.integer(6); more > 0; more--) {
    const kind = random.next();
    if (!isOurs && kind < 0.7) keys.add(pick(random, FOREIGN_KEYS));
    else if (kind < 0.7) keys.add(pick(random, KEYS));
    else if (kind < 0.85) keys.add(`ml.feature.${hostileText(random).slice(0, 300)}`);
    else if (kind < 0.95) keys.add(`ml.tag.${hostileText(random).slice(0, 300)}`);
    else keys.add(hostileText(random));
  }
  return [...keys].map((key) => delimited(random, field, pair(random, key, valueFor(random, key))));
}

/** A body of columns as BentoML's monitor has it, with or without what they are. */
function columnsBody(random: Random): Buffer {
  const plain = (value: string): Buffer => message(random, [text(random, 1, value)]);
  const entries = (pairs: readonly (readonly [string, Buffer])[]): Buffer => {
    const fields = pairs.map(([key, value]) => delimited(random, 1, pair(random, key, value)));
    return delimited(random, 6, message(random, fields));
  };
  const names = Array.from({ length: sized(random, 6) }, (_, i) => {
    return chance(random, 0.8) ? `c${i}` : hostileText(random);
  });
  const roles = ["feature", "prediction", "target", "other"] as const;
  const types = ["numerical", "categorical", "numerical_sequence"] as const;
  const schema = names.map((name): readonly [string, Buffer] => {
    const role = plain(pick(random, roles));
    return [
      name,
      entries([
        ["role", role],
        ["type", plain(pick(random, types))],
      ]),
    ];
  });
  const meta: readonly (readonly [string, Buffer])[] = [
    ["bento_name", plain(chance(random, 0.8) ? "iris" : hostileText(random))],
    ["monitor_name", plain("monitor")],
    ["schema", chance(random, 0.95) ? entries(schema) : anyValue(random, 1)],
  ];
  return entries([
    ...names.map((name) => [name, anyValue(random, 1)] as const),
    ["timestamp", message(random, [double(random, 4, hostileNumber(random))])],
    ["request_id", plain(pick(random, ["r1", "r2", "None", ""]))],
    ["trace_id", plain("0")],
    ...(chance(random, 0.5) ? [["bento_meta", entries(meta)] as const] : []),
  ]);
}

function logRecord(random: Random): Buffer {
  const fields = [fixed64(random, 1, hostileNanos(random)), ...attributes(random, 6)];
  if (chance(random, 0.3)) fields.push(fixed64(random, 11, hostileNanos(random)));
  if (chance(random, 0.3)) {
    const body = chance(random, 0.3) ? columnsBody(random) : anyValue(random, 0);
    fields.push(delimited(random, 5, body));
  }
  if (chance(random, 0.1)) fields.push(whole(random, 7, BigInt(random.integer(3))));
  if (chance(random, 0.2)) fields.push(delimited(random, 9, Buffer.alloc(16, 1)));
  fields.push(text(random, 12, pick(random, NAMES)));
  return message(random, fields);
}

function span(random: Random): Buffer {
  const start = hostileNanos(random);
  const fields = [
    delimited(random, 1, Buffer.alloc(16, 1)),
    delimited(random, 2, Buffer.alloc(8, 2)),
    text(random, 5, pick(random, NAMES)),
    fixed64(random, 7, start),
    fixed64(random, 8, chance(random, 0.9) ? start + 1_500_000n : hostileNanos(random)),
    ...attributes(random, 9),
  ];
  if (chance(random, 0.2)) {
    fields.push(delimited(random, 15, message(random, [whole(random, 3, hostileInteger(random))])));
  }
  return message(random, fields);
}

/** The request, mostly as an exporter might send it. */
export function otlpRequest(random: Random, signal: Signal): Buffer {
  const record = signal === "logs" ? logRecord : span;
  const many = chance(random, 0.002) ? 200 : 4;
  const resources = Array.from({ length: chance(random, 0.95) ? 1 : random.integer(3) }, () => {
    const records = Array.from({ length: sized(random, many) }, () =>
      delimited(random, 2, record(random)),
    );
    const service = pair(random, "service.name", message(random, [text(random, 1, "flights")]));
    const resource = message(random, [delimited(random, 1, service)]);
    return message(random, [
      delimited(random, 1, resource),
      delimited(random, 2, message(random, records)),
    ]);
  });
  return message(
    random,
    resources.map((resource) => delimited(random, 1, resource)),
  );
}
