/** Reads one AnyValue of OTLP from its bytes as what is asked for, without an object where it is a plain value. */
import { LIMITS } from "../../contract/limits.ts";
import type { Interner } from "../columns/interner.ts";
import type { Outcome } from "../outcome.ts";
import { malformedBody, type Wire } from "./wire.ts";

/** The field of AnyValue that is set, by its number in the schema. */
export const VALUE = {
  none: 0,
  string: 1,
  boolean: 2,
  integer: 3,
  double: 4,
  array: 5,
  map: 6,
  bytes: 7,
} as const;
/** No entry has this number. */
const NO_HINT = 0x7fffffff;
const TWICE = "a value stands in a message twice";
const TAGS = [0, 0x0a, 0x10, 0x18, 0x21, 0x2a, 0x32, 0x3a];

export class AnyValueReader {
  readonly wire: Wire;
  readonly interner: Interner;
  /** Of the value that `open` looked at last: for strings, maps and bytes the span of their content. */
  start = 0;
  end = 0;
  readonly result = new Float64Array(1);

  constructor(wire: Wire, interner: Interner) {
    this.wire = wire;
    this.interner = interner;
  }

  /** Finds which field is set, the last one if several are; `VALUE.none` for an empty value. */
  open(start: number, end: number): number {
    const { bytes } = this.wire;
    if (bytes[start] === 0x0a && bytes[start + 1]! < 0x80 && end - start - 2 === bytes[start + 1]) {
      this.start = start + 2;
      this.end = end;
      return VALUE.string;
    }
    if (bytes[start] === 0x21 && end - start === 9) {
      this.start = start + 1;
      this.end = end;
      return VALUE.double;
    }
    return this.openAny(start, end);
  }

  /** What `open` does, for any layout. */
  private openAny(start: number, end: number): number {
    const { wire } = this;
    let kind: number = VALUE.none;
    let seen = 0;
    wire.at = start;
    while (wire.at < end) {
      const tag = wire.tag();
      const field = tag >> 3;
      if (field >= 1 && field <= 7 && tag === TAGS[field]) {
        kind = field;
        // Of messages that stand twice a decoder joins the parts; no encoder writes them, and nobody here reads them so.
        const isMessage = field === VALUE.map || field === VALUE.array;
        if (isMessage && (seen & (1 << field)) !== 0) throw malformedBody(TWICE);
        seen |= 1 << field;
        const isDelimited = (tag & 7) === 2;
        const fieldEnd = isDelimited ? wire.delimited(end) : 0;
        this.start = wire.at;
        if (isDelimited) wire.at = fieldEnd;
        else wire.skip(tag, end);
        this.end = wire.at;
      } else {
        wire.skip(tag, end);
      }
    }
    wire.mustBeAt(end);
    return kind;
  }

  /** Leaves a number, or text that is one, in `result`; NaN for anything else. A returned double would be boxed. */
  readNumber(start: number, end: number): void {
    const { result } = this;
    result[0] = Number.NaN;
    switch (this.open(start, end)) {
      case VALUE.double:
        result[0] = this.doubleHere();
        break;
      case VALUE.integer:
        result[0] = this.integerHere();
        break;
      case VALUE.string: {
        const text = this.textHere().trim();
        if (text !== "") result[0] = Number(text);
      }
    }
  }

  /** The interned text of a string, number or truth value; 0 for anything else. */
  text(start: number, end: number, outcome: Outcome): number {
    switch (this.open(start, end)) {
      case VALUE.string:
        return this.internHere(outcome);
      case VALUE.double:
        return this.interner.idOfNumber(this.doubleHere());
      case VALUE.integer:
        return this.interner.idOfText(this.integerTextHere());
      case VALUE.boolean:
        return this.interner.idOfText(this.booleanHere() ? "true" : "false");
      default:
        return 0;
    }
  }

  /** As `text`; `hints[place]` is the entry that stood there before, and is kept. */
  hintedText(
    start: number,
    end: number,
    outcome: Outcome,
    hints: Int32Array,
    place: number,
  ): number {
    const { wire, interner } = this;
    const length = end - start - 2;
    const isShort = length > 0 && length < 0x80 && wire.bytes[start] === 0x0a;
    if (!isShort || wire.bytes[start + 1] !== length) return this.text(start, end, outcome);
    const entry = interner.entryOf(wire, start + 2, length, hints[place]!);
    hints[place] = entry;
    return interner.idOfEntry(entry);
  }

  /** Of the value that is open. */
  internHere(outcome: Outcome): number {
    return this.intern(this.start, this.end, outcome);
  }

  textHere(): string {
    return this.wire.bytes.toString("utf8", this.start, this.end);
  }

  /** The value that `open` answered as this kind, where it is a plain one; null for lists, maps, bytes and nothing. */
  plainHere(kind: number): string | boolean | bigint | number | null {
    switch (kind) {
      case VALUE.string:
        return this.textHere();
      case VALUE.boolean:
        return this.booleanHere();
      case VALUE.integer:
        return BigInt(this.integerTextHere());
      case VALUE.double:
        return this.doubleHere();
      default:
        return null;
    }
  }

  doubleHere(): number {
    this.wire.at = this.start;
    return this.wire.double();
  }

  integerHere(): number {
    this.wire.at = this.start;
    return this.wire.int64();
  }

  integerTextHere(): string {
    this.wire.at = this.start;
    return this.wire.int64Text();
  }

  booleanHere(): boolean {
    this.wire.at = this.start;
    return this.wire.varint() !== 0;
  }

  /** The interned text of the bytes from `start` to `end`, cut where it is too long. */
  intern(start: number, end: number, outcome: Outcome): number {
    const length = end - start;
    if (length === 0) return 0;
    const { wire, interner } = this;
    if (length > LIMITS.textBytesMax) {
      outcome.valuesCut++;
      return interner.idOfText(cutText(wire.bytes.toString("utf8", start, end)));
    }
    return interner.idOfEntry(interner.entryOf(wire, start, length, NO_HINT));
  }
}

/** `text` as it is stored when it is longer than the maximum, for every door alike. */
export function cutText(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= LIMITS.textBytesMax) return text;
  return bytes.toString("utf8", 0, LIMITS.textBytesMax).replace(/\uFFFD+$/u, "");
}

/** Key and value of a KeyValue, wherever they stand in it. */
export class KeyValueReader {
  private readonly wire: Wire;
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  /** Reads the KeyValue from the cursor to `end`. */
  open(end: number): void {
    const { wire } = this;
    const { bytes } = wire;
    const keyStart = wire.at + 2;
    const keyBytes = bytes[wire.at + 1]!;
    const keyEnd = keyStart + keyBytes;
    const isPlain = bytes[wire.at] === 0x0a && keyBytes < 0x80 && keyEnd + 1 < end;
    if (isPlain && bytes[keyEnd] === 0x12 && bytes[keyEnd + 1] === end - keyEnd - 2) {
      this.keyStart = keyStart;
      this.keyEnd = keyEnd;
      this.valueStart = keyEnd + 2;
      this.valueEnd = end;
      wire.at = end;
      return;
    }
    this.openAny(end);
  }

  /** What `open` does, for any layout. */
  private openAny(end: number): void {
    const { wire } = this;
    this.keyStart = this.keyEnd = this.valueStart = this.valueEnd = 0;
    while (wire.at < end) {
      const tag = wire.tag();
      if (tag === 0x0a) {
        this.keyEnd = wire.delimited(end);
        this.keyStart = wire.at;
        wire.at = this.keyEnd;
      } else if (tag === 0x12) {
        if (this.valueEnd !== 0) throw malformedBody(TWICE);
        this.valueEnd = wire.delimited(end);
        this.valueStart = wire.at;
        wire.at = this.valueEnd;
      } else {
        wire.skip(tag, end);
      }
    }
    if (wire.at !== end) throw malformedBody("an attribute is longer than its length says");
  }
}
