/**
 * Predictions as log records of OTLP in protobuf, written straight into one buffer: names and texts that come again
 * and again are encoded once, lengths are written as varints of four bytes and filled in afterwards. Field numbers are
 * those of opentelemetry-proto.
 */
import type { RecordedPrediction } from "./recorder.ts";

const LENGTH_BYTES = 4;
/** Texts of features, tags and names that are kept encoded; beyond it they are encoded each time. */
const KNOWN_MAX = 20_000;
const KNOWN_CHARACTERS = 64;
const NO_BYTES = Buffer.alloc(0);
/** Tags: an attribute of a record; an entry of a map. */
const ATTRIBUTE = 0x32;
const ENTRY = 0x0a;
const LIST_OF_RECORDS = 0x12;
const EVENT_NAME = Buffer.concat([Buffer.from([0x62, 13]), Buffer.from("ml.prediction")]);
const NANOS_PER_MS = 1_000_000n;

type Value = number | string | boolean | null | undefined;

export class RecordEncoder {
  private buffer: Buffer;
  private at = 0;
  /** Records since the last `take`. */
  records = 0;
  /** By what was given as it stands: to build a key would cost more than to encode. */
  private readonly names = new Map<string, Buffer>();
  private readonly heads: Readonly<Record<number, Map<string, Buffer>>> = {
    [ATTRIBUTE]: new Map(),
    [ENTRY]: new Map(),
  };
  private readonly texts: Readonly<Record<number, Map<string, Map<string | boolean, Buffer>>>> = {
    [ATTRIBUTE]: new Map(),
    [ENTRY]: new Map(),
  };
  private kept = 0;
  private timeMs = Number.NaN;
  private readonly timeBytes = Buffer.alloc(9, 0x09);
  private readonly number = new Float64Array(1);
  private readonly numberBytes = new Uint8Array(this.number.buffer);

  constructor(bytes: number) {
    this.buffer = Buffer.allocUnsafeSlow(bytes);
  }

  get bytes(): number {
    return this.at;
  }

  /** Adds one; leaves nothing behind of one that cannot be written. */
  add(prediction: RecordedPrediction, timeMs: number): boolean {
    const start = this.at;
    try {
      this.write(prediction, timeMs);
      this.records++;
      return true;
    } catch {
      this.at = start;
      return false;
    }
  }

  /** The body of one export request with all records since; begins anew. */
  take(): Buffer {
    const scope = Buffer.concat([NO_BYTES, this.buffer.subarray(0, this.at)]);
    const resource = Buffer.concat([head(0x12, scope.length), scope]);
    this.at = 0;
    this.records = 0;
    return Buffer.concat([head(0x0a, resource.length), resource]);
  }

  private write(prediction: RecordedPrediction, timeMs: number): void {
    const { model, id, version, label, score, value, latency, error } = prediction;
    this.need(64);
    this.buffer[this.at++] = LIST_OF_RECORDS;
    const length = this.openLength();
    this.time(timeMs);
    this.copy(EVENT_NAME);
    this.pair(ATTRIBUTE, "ml.model.name", model);
    this.freshText("ml.prediction.id", id);
    if (version !== undefined) this.pair(ATTRIBUTE, "ml.model.version", version);
    this.map("ml.features", prediction.features);
    if (label !== undefined) this.pair(ATTRIBUTE, "ml.prediction.label", label);
    if (score !== undefined) this.pair(ATTRIBUTE, "ml.prediction.score", score);
    if (value !== undefined) this.pair(ATTRIBUTE, "ml.prediction.value", value);
    this.map("ml.prediction.probabilities", prediction.probabilities);
    this.map("ml.tags", prediction.tags);
    if (latency !== undefined) this.pair(ATTRIBUTE, "ml.latency", latency);
    if (error !== undefined) this.pair(ATTRIBUTE, "error.type", error);
    this.closeLength(length);
  }

  /** time_unix_nano, a fixed64; many come within one millisecond. */
  private time(timeMs: number): void {
    if (timeMs !== this.timeMs) {
      this.timeMs = timeMs;
      this.timeBytes.writeBigUInt64LE(BigInt(Math.trunc(timeMs)) * NANOS_PER_MS, 1);
    }
    this.copy(this.timeBytes);
  }

  private map(name: string, values: Readonly<Record<string, Value>> | undefined): void {
    if (values === undefined) return;
    this.need(64 + name.length * 3);
    const { buffer } = this;
    buffer[this.at++] = ATTRIBUTE;
    const attribute = this.openLength();
    this.copy(this.nameOf(name));
    buffer[this.at++] = 0x12;
    const any = this.openLength();
    buffer[this.at++] = 0x32;
    const list = this.openLength();
    for (const key in values) this.pair(ENTRY, key, values[key]);
    this.closeLength(list);
    this.closeLength(any);
    this.closeLength(attribute);
  }

  /** A key with its value; what is null is left out. */
  private pair(tag: number, key: string, value: Value): void {
    if (typeof value === "number") {
      this.copy(this.heads[tag]?.get(key) ?? this.keepHead(tag, key));
      this.need(8);
      this.number[0] = value;
      const { buffer, numberBytes, at } = this;
      for (let i = 0; i < 8; i++) buffer[at + i] = numberBytes[i]!;
      this.at = at + 8;
    } else if (value !== null && value !== undefined) {
      this.copy(this.texts[tag]?.get(key)?.get(value) ?? this.keepPair(tag, key, value));
    }
  }

  /** All of a number's pair but its eight bytes. */
  private keepHead(tag: number, key: string): Buffer {
    const name = nameBytes(key);
    const bytes = Buffer.concat([head(tag, name.length + 11), name, Buffer.from([0x12, 9, 0x21])]);
    if (this.kept++ < KNOWN_MAX) this.heads[tag]?.set(key, bytes);
    return bytes;
  }

  private keepPair(tag: number, key: string, value: string | boolean): Buffer {
    const bytes = pairBytes(tag, key, value);
    const isShort = typeof value === "boolean" || value.length <= KNOWN_CHARACTERS;
    if (!isShort || this.kept++ >= KNOWN_MAX) return bytes;
    const byKey = this.texts[tag];
    const byValue = byKey?.get(key) ?? new Map<string | boolean, Buffer>();
    byKey?.set(key, byValue.set(value, bytes));
    return bytes;
  }

  private nameOf(name: string): Buffer {
    const known = this.names.get(name);
    if (known !== undefined) return known;
    const bytes = nameBytes(name);
    this.names.set(name, bytes);
    return bytes;
  }

  /** A text that will not come again. */
  private freshText(key: string, text: string): void {
    const name = this.nameOf(key);
    this.need(name.length + text.length * 3 + 32);
    const { buffer } = this;
    buffer[this.at++] = ATTRIBUTE;
    const attribute = this.openLength();
    this.copy(name);
    buffer[this.at++] = 0x12;
    const any = this.openLength();
    buffer[this.at++] = 0x0a;
    const length = this.openLength();
    this.at += buffer.write(text, this.at);
    this.closeLength(length);
    this.closeLength(any);
    this.closeLength(attribute);
  }

  private copy(bytes: Buffer): void {
    this.need(bytes.length);
    const { buffer, at } = this;
    if (bytes.length > 48) buffer.set(bytes, at);
    else for (let i = 0; i < bytes.length; i++) buffer[at + i] = bytes[i]!;
    this.at = at + bytes.length;
  }

  private openLength(): number {
    this.at += LENGTH_BYTES;
    return this.at;
  }

  /** The length since `start` as a varint of four bytes, which may be longer than it must. */
  private closeLength(start: number): void {
    const { buffer } = this;
    const length = this.at - start;
    buffer[start - 4] = (length & 0x7f) | 0x80;
    buffer[start - 3] = ((length >>> 7) & 0x7f) | 0x80;
    buffer[start - 2] = ((length >>> 14) & 0x7f) | 0x80;
    buffer[start - 1] = length >>> 21;
  }

  private need(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.at + bytes));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }
}

/** Tag and length. */
function head(tag: number, length: number): Buffer {
  const bytes = [tag];
  let rest = length;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

function delimited(tag: number, content: Buffer): Buffer {
  return Buffer.concat([head(tag, content.length), content]);
}

const nameBytes = (key: string): Buffer => delimited(0x0a, Buffer.from(key));

function pairBytes(tag: number, key: string, value: string | boolean): Buffer {
  const any =
    typeof value === "boolean"
      ? Buffer.from([0x10, value ? 1 : 0])
      : delimited(0x0a, Buffer.from(value));
  return delimited(tag, Buffer.concat([nameBytes(key), delimited(0x12, any)]));
}
