/**
 * OTLP as protobuf against protobufjs: what both take must become the same rows, the second ones by way of the JSON
 * door; what only one of them takes needs one of the reasons below.
 */
import protobuf from "protobufjs";
import { readJsonRequest } from "../../../agent/otlp/json-request.ts";
import { DriftmendError } from "../../../contract/driftmend-error.ts";
import type { Random } from "../../../runtime/random.ts";
import { createCapture } from "../../agent/capture-harness.ts";
import { decodeLeniently } from "../../agent/otlp-schema.ts";
import { type Door, Violation, refusalOf } from "../door.ts";
import { chance } from "../hostile-values.ts";
import { mutate } from "../mutate.ts";
import { otlpRequest, type Signal } from "../otlp-messages.ts";
import {
  type Capture,
  DOCUMENTS,
  SOUND_BYTES,
  expectSoundRow,
  same,
  shown,
  withoutSamples,
} from "../sound-record.ts";

/**
 * What our reader walks through of every request, whatever it asks for: down to the keys of attributes. Protobufjs
 * refuses more where damage lies in what we never look into, but what it refuses here we must refuse.
 */
const { root } = protobuf.parse(`
syntax = "proto3";
message LogsRequest { repeated ResourceLogs resource_logs = 1; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeLogs { repeated LogRecord log_records = 2; }
message LogRecord { fixed64 time_unix_nano = 1; repeated KeyValue attributes = 6; bytes event_name = 12; }
message TraceRequest { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message ScopeSpans { repeated Span spans = 2; }
message Span { bytes name = 5; fixed64 start_time_unix_nano = 7; repeated KeyValue attributes = 9; }
message KeyValue { bytes key = 1; bytes value = 2; }
`);
const SKELETON = {
  logs: root.lookupType("LogsRequest"),
  traces: root.lookupType("TraceRequest"),
} as const;

/** What we refuse and protobufjs takes: nothing that an encoder of OTLP writes. */
const STRICTER = [
  // Groups: no schema of OTLP has them.
  /^a field has the wire type [34]$/,
  // By the format no number is longer; protobufjs passes over any in a field that it does not know.
  /^a number is longer than 3 bytes$/,
  /^its values are nested too deeply$/,
  /^a value stands in a message twice$/,
];

/** Signal and request in one payload: the first byte says which. */
const signalOf = (payload: Buffer): Signal => (payload[0] === 1 ? "traces" : "logs");

function make(random: Random): Buffer {
  const signal: Signal = chance(random, 0.4) ? "traces" : "logs";
  let bytes = otlpRequest(random, signal);
  if (chance(random, 0.6)) bytes = mutate(random, bytes, otlpRequest(random, signal));
  return Buffer.concat([Buffer.from([signal === "traces" ? 1 : 0]), bytes]);
}

export function otlpProtobufDoor(): Door {
  const fast = createCapture(DOCUMENTS);
  const slow = createCapture(DOCUMENTS);
  return {
    name: "otlp-protobuf",
    weight: 22,
    make,
    feed: (payload) => {
      try {
        return readByBoth(fast, slow, signalOf(payload), payload.subarray(1));
      } finally {
        forget(fast);
        forget(slow);
      }
    },
    checkSound: () => expectSoundRow(fast, () => fast.reader.read("logs", SOUND_BYTES)),
  };
}

function readByBoth(fast: Capture, slow: Capture, signal: Signal, bytes: Buffer): string {
  fast.rows();
  const refusal = refusalBy(() => fast.take(() => fast.reader.read(signal, bytes)));
  const theirs = decoded(signal, bytes);
  if (refusal !== null) {
    const { predictions, labels } = fast.rows();
    if (predictions.length + labels.length > 0) throw new Violation("a refused body left rows");
    if (theirs === null) return refusal;
    const reason = refusal.slice("refused: ".length).replace("#", "3");
    if (STRICTER.some((pattern) => pattern.test(reason))) return `${refusal} (protobufjs takes it)`;
    throw new Violation(`we refuse what protobufjs takes: ${refusal}`);
  }
  if (theirs === null) {
    if (!takesSkeleton(signal, bytes)) throw new Violation("we take what protobufjs refuses");
    return "accepted: damaged where it is not looked at";
  }
  slow.rows();
  const slowRefusal = refusalBy(() =>
    slow.take(() => readJsonRequest(signal, theirs, slow.recorder, slow.rules, slow.mappings)),
  );
  // A value in a value is three levels of JSON.
  if (slowRefusal === "refused: its JSON is nested too deeply")
    return "accepted, and too deep as JSON";
  if (slowRefusal !== null) throw new Violation(`the JSON door says ${slowRefusal}`);
  const [a, b] = [withoutSamples(fast.rows()), withoutSamples(slow.rows())];
  // An id must be text: only our reader still sees that it was not, and where its bytes are cut.
  if (a.deadLetters.some(({ id }) => isReplaced(id))) return "accepted: an id is no UTF-8";
  if (!same(a, b)) throw new Violation(`rows differ: ${shown(a)} and by protobufjs ${shown(b)}`);
  return "accepted";
}

/** What the last body told of columns: bodies that only one of both reads would set them apart. */
function forget({ mappings }: Capture): void {
  mappings.memory.schemas.takeBack();
  mappings.memory.rows.takeBack();
}

const isReplaced = (id: unknown): boolean => typeof id === "string" && id.includes("\uFFFD");

function refusalBy(take: () => void): string | null {
  try {
    take();
    return null;
  } catch (error) {
    return refusalOf(["request_malformed"], error);
  }
}

/** As OTLP's JSON; null where protobufjs refuses it. */
function decoded(signal: Signal, bytes: Buffer): string | null {
  try {
    const request = decodeLeniently(signal, bytes);
    return JSON.stringify(request, (key, value: unknown) =>
      (key === "traceId" || key === "spanId") && typeof value === "string"
        ? Buffer.from(value, "base64").toString("hex")
        : value,
    );
  } catch (error) {
    if (error instanceof DriftmendError) throw error;
    return null;
  }
}

function takesSkeleton(signal: Signal, bytes: Buffer): boolean {
  try {
    SKELETON[signal].decode(bytes);
    return true;
  } catch {
    return false;
  }
}
