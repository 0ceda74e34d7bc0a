/**
 * Label lines straight from the bytes of a request. A line of the usual form, an object of plain ASCII texts and
 * numbers, is read without making a text or an object of it; any other goes through JSON.parse (`json-lines.ts`),
 * and so does what is wrong with it. Both must put the same row into the frame.
 */
import { LIMITS } from "../../contract/limits.ts";
import { rfc3339Ms, timeOf } from "../event-time.ts";
import type { ByteSource } from "../columns/interner.ts";
import type { Recorder } from "../recorder.ts";
import { readLabelLine, readLabelLines } from "./json-lines.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;
const ARRAY = 0x5b;

const KEYS = [
  "model",
  "id",
  "label",
  "value",
  "source",
  "revision",
  "time",
  "prediction_time",
] as const;
const KEY_BYTES = KEYS.map((key) => Buffer.from(key));
/** Longer texts are cut or refused, which the other way knows how to do. */
const TEXT_BYTES_MAX = LIMITS.predictionIdBytesMax;
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export class LabelLineReader {
  private readonly recorder: Recorder;
  /** The request, as the interner reads it too. */
  private source: ByteSource = sourceOf(Buffer.alloc(0));
  private bytes: Buffer = this.source.bytes;
  private at = 0;
  private lineStart = 0;
  private lineEnd = 0;
  /** The text or number that was read last. */
  private from = 0;
  private to = 0;
  /** The interner's entries that stood in the line before. */
  private readonly hints = new Int32Array(KEYS.length);
  private readonly sample = (): unknown =>
    JSON.parse(this.bytes.toString("latin1", this.lineStart, this.lineEnd));

  constructor(recorder: Recorder) {
    this.recorder = recorder;
  }

  /** @throws {DriftmendError} request_malformed: begins like an array and is none */
  read(body: Buffer): void {
    this.bytes = body;
    this.source = sourceOf(body);
    this.at = 0;
    this.lineEnd = body.length;
    this.skipSpace();
    const first = body[this.at];
    if (first === ARRAY || (first !== undefined && (first >= 0x80 || first < 0x20))) {
      readLabelLines(body.toString("utf8"), this.recorder);
      return;
    }
    for (let start = 0; start < body.length; start = this.lineEnd + 1) {
      const newline = body.indexOf(NEWLINE, start);
      this.lineStart = start;
      this.lineEnd = newline === -1 ? body.length : newline;
      if (this.lineEnd === start) continue;
      if (this.readsLine()) this.recorder.addLabel(this.sample);
      else readLabelLine(body.toString("utf8", start, this.lineEnd), this.recorder);
    }
  }

  /** False where the line is not of the usual form; the row is then to be filled anew. */
  private readsLine(): boolean {
    this.recorder.row.clear();
    this.at = this.lineStart;
    if (!this.skips(OPEN)) return false;
    do {
      if (!this.readsEntry()) return false;
    } while (this.skips(COMMA));
    if (!this.skips(CLOSE)) return false;
    this.skipSpace();
    return this.at === this.lineEnd;
  }

  private readsEntry(): boolean {
    if (!this.skips(QUOTE) || !this.readsText()) return false;
    const key = this.keyOf();
    if (!this.skips(COLON)) return false;
    if (this.skips(QUOTE)) return this.readsText() && (key === -1 || this.takesText(key));
    return this.readsNumber() && this.takesNumber(key);
  }

  private takesText(index: number): boolean {
    const { row } = this.recorder;
    const key = KEYS[index];
    switch (key) {
      case "model":
        row.model = this.interned(index);
        return true;
      case "label":
        row.label = this.interned(index);
        return true;
      case "source":
        row.source = this.interned(index);
        return true;
      case "id":
        row.idBytes = this.bytes;
        row.idStart = this.from;
        row.idEnd = this.to;
        return true;
      case "time":
        row.timeMs = this.time();
        return true;
      case "prediction_time":
        row.predictionTimeMs = this.time();
        return !Number.isNaN(row.predictionTimeMs);
      default:
        return false;
    }
  }

  private takesNumber(index: number): boolean {
    const { row, frame } = this.recorder;
    const text = this.bytes.toString("latin1", this.from, this.to);
    if (!JSON_NUMBER.test(text)) return false;
    const value = Number(text);
    const key = KEYS[index];
    if (key === "value") row.value = value;
    else if (key === "revision") row.revision = value;
    else if (key === "label") row.label = frame.interner.idOfNumber(value);
    else return key === undefined;
    return true;
  }

  private interned(index: number): number {
    const { interner } = this.recorder.frame;
    if (this.from === this.to) return 0;
    const entry = interner.entryOf(this.source, this.from, this.to - this.from, this.hints[index]!);
    this.hints[index] = entry;
    return interner.idOfEntry(entry);
  }

  private time(): number {
    const ms = rfc3339Ms(this.bytes, this.from, this.to);
    return Number.isNaN(ms) ? timeOf(this.bytes.toString("latin1", this.from, this.to)) : ms;
  }

  /** Index of the key that was read last; -1 for one that labels do not have. */
  private keyOf(): number {
    const length = this.to - this.from;
    const first = this.bytes[this.from];
    for (let index = 0; index < KEY_BYTES.length; index++) {
      const key = KEY_BYTES[index]!;
      if (key.length !== length || key[0] !== first) continue;
      let i = 1;
      while (i < length && this.bytes[this.from + i] === key[i]) i++;
      if (i === length) return index;
    }
    return -1;
  }

  /** A text after its opening quote, of printable ASCII without escapes. */
  private readsText(): boolean {
    const { bytes, lineEnd } = this;
    let at = this.at;
    for (; at < lineEnd; at++) {
      const byte = bytes[at]!;
      if (byte === QUOTE) break;
      if (byte < 0x20 || byte >= 0x7f || byte === BACKSLASH) return false;
    }
    if (at === lineEnd || at - this.at > TEXT_BYTES_MAX) return false;
    this.from = this.at;
    this.to = at;
    this.at = at + 1;
    return true;
  }

  private readsNumber(): boolean {
    const { bytes, lineEnd } = this;
    let at = this.at;
    while (at < lineEnd && isOfNumber(bytes[at]!)) at++;
    this.from = this.at;
    this.to = at;
    this.at = at;
    return this.to > this.from;
  }

  /** Whether the next byte that is no space is this one, which then is passed. */
  private skips(byte: number): boolean {
    this.skipSpace();
    if (this.at >= this.lineEnd || this.bytes[this.at] !== byte) return false;
    this.at++;
    if (byte !== QUOTE) this.skipSpace();
    return true;
  }

  private skipSpace(): void {
    while (this.at < this.lineEnd && isSpace(this.bytes[this.at]!)) this.at++;
  }
}

function sourceOf(bytes: Buffer): ByteSource {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === NEWLINE;
}

/** Digits, sign, point and exponent. */
function isOfNumber(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2d ||
    byte === 0x2e ||
    byte === 0x2b ||
    byte === 0x65 ||
    byte === 0x45
  );
}
