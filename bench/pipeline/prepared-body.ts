/**
 * Request bodies that were prepared once and are sent again and again: only ids and times change from one sending
 * to the next, written over in place, so that the load costs its machine next to nothing. Times are those of the
 * sending, as a server's are that answers requests.
 */
import { encodeRequest } from "../../tests/agent/otlp-schema.ts";

export interface PreparedBody {
  readonly predictions: Buffer;
  /** Labels of the same predictions as JSON lines; empty where there are none. */
  readonly labels: Buffer;
  readonly rows: number;
  /** Rows as JSON lines of the table, for the engine's own insert. */
  readonly jsonLines: string;
  /** Makes all ids new, by `number`, and lets all predictions be made at `nowMs`. */
  stamp(number: number, nowMs: number): void;
}

/** What ids begin with until they are stamped. */
export const STAMP = "~stamp~~";
const STAMP_BYTES = STAMP.length;
/** The time in a prepared body; nothing else in it has these bytes. */
export const TIME_MS = 1_234_567_890_123;
const NANOS_PER_MS = 1_000_000n;
export const TIME_UNIX_NANO = String(BigInt(TIME_MS) * NANOS_PER_MS);

export interface BodyContent {
  readonly service: string;
  /** One OTLP log record each, ids beginning with `STAMP`, times `TIME_UNIX_NANO`. */
  readonly records: readonly object[];
  /** Lines of /v1/labels. */
  readonly labels: readonly object[];
  readonly tableRows: readonly object[];
}

export function prepareBody({ service, records, labels, tableRows }: BodyContent): PreparedBody {
  const predictions = encodeRequest("logs", {
    resourceLogs: [
      {
        resource: { attributes: [text("service.name", service)] },
        scopeLogs: [{ scope: { name: service }, logRecords: records }],
      },
    ],
  });
  const labelLines = Buffer.from(linesOf(labels));
  const ids = [placesOf(predictions, STAMP), placesOf(labelLines, STAMP)] as const;
  const times = [
    placesOf(predictions, nanosOf(TIME_MS)),
    placesOf(labelLines, textOf(TIME_MS)),
  ] as const;
  return {
    predictions,
    labels: labelLines,
    rows: records.length,
    jsonLines: linesOf(tableRows),
    stamp: (number, nowMs) => {
      const stamp = Buffer.from(number.toString(36).padStart(STAMP_BYTES, "0"));
      writeEight(stamp, predictions, ids[0]);
      writeEight(stamp, labelLines, ids[1]);
      writeEight(nanosOf(nowMs), predictions, times[0]);
      const time = Buffer.from(textOf(nowMs));
      for (const place of times[1]) time.copy(labelLines, place);
    },
  };
}

/** Eight bytes to each of the places: a call of `copy` for each would cost the machine as much as to receive a record. */
function writeEight(eight: Buffer, body: Buffer, places: readonly number[]): void {
  const [first, last] = [eight.readUInt32LE(0), eight.readUInt32LE(4)];
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  for (const place of places) {
    view.setUint32(place, first, true);
    view.setUint32(place + 4, last, true);
  }
}

function linesOf(values: readonly object[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join("");
}

/** A fixed64 of OTLP: nanoseconds since 1970, little-endian. */
function nanosOf(ms: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(ms) * NANOS_PER_MS);
  return bytes;
}

export function textOf(ms: number): string {
  return new Date(ms).toISOString();
}

export function text(key: string, stringValue: string) {
  return { key, value: { stringValue } };
}

export function double(key: string, doubleValue: number) {
  return { key, value: { doubleValue } };
}

export function map(key: string, values: readonly object[]) {
  return { key, value: { kvlistValue: { values } } };
}

function placesOf(body: Buffer, mark: Buffer | string): number[] {
  const places: number[] = [];
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + mark.length)) {
    places.push(at);
  }
  return places;
}
