/** A record of OTLP in whatever vocabulary, as plain values, and where a mapping finds something in it. */
import type { Signal } from "../otlp/request-reader.ts";
import type { PlainValue } from "../plain-record.ts";

/** Text, number, bigint, truth value, null, list, or a map by key. */
export type AnyPlain = PlainValue;

export interface ForeignRecord {
  readonly signal: Signal;
  /** Name of the span, or event name of the log record; "" for none. */
  readonly name: string;
  readonly attributes: ReadonlyMap<string, AnyPlain>;
  readonly resource: ReadonlyMap<string, AnyPlain>;
  /** Of a log record. */
  readonly body: AnyPlain;
  /** Hexadecimal; "" for none. */
  readonly traceId: string;
  readonly spanId: string;
  /** Milliseconds; 0 for none. */
  readonly timeMs: number;
  /** The record's own time as it was written, in nanoseconds; "" for none. */
  readonly timeNanos: string;
  /** A span's duration; NaN for a log record. */
  readonly durationSeconds: number;
  /** A span whose status is ERROR. */
  readonly failed: boolean;
  /** Attributes that the SDK says it dropped. */
  readonly droppedAttributes: number;
  /** Spans that it stands for, by the sampler of its trace; 1 for a log record. */
  readonly weight: number;
}

/** The value of the first place that has one; undefined for none. */
export function valueAt(record: ForeignRecord, places: readonly string[] | undefined): AnyPlain {
  for (const place of places ?? []) {
    const value = atPlace(record, place);
    if (value !== undefined && value !== null && value !== "") return value;
  }
  return undefined;
}

function atPlace(record: ForeignRecord, place: string): AnyPlain {
  if (place === "span") {
    return record.spanId === "" ? undefined : `${record.traceId}:${record.spanId}`;
  }
  if (place.startsWith("=")) return place.slice(1);
  if (place.startsWith("resource:")) return record.resource.get(place.slice("resource:".length));
  if (place.startsWith("body:")) return atPath(record.body, place.slice("body:".length));
  return record.attributes.get(place);
}

/** By keys that may hold dots themselves: the longest that is there counts. */
function atPath(value: AnyPlain, path: string): AnyPlain {
  if (path === "") return value;
  if (!(value instanceof Map)) return undefined;
  for (let end = path.length; end > 0; end = path.lastIndexOf(".", end - 1)) {
    const found = atPath(value.get(path.slice(0, end)), path.slice(end + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}
