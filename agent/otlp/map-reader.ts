/**
 * Reads the maps of a record (features, tags, probabilities) straight into columns. Features that look as those of
 * the record before are read by their templates; a short name with a double, a short text or a small whole number
 * is checked byte by byte and read in place; whatever else comes takes the general way.
 */
import { LIMITS } from "../../contract/limits.ts";
import type { Interner } from "../columns/interner.ts";
import type { Recorder } from "../recorder.ts";
import { type AnyValueReader, KeyValueReader, VALUE } from "./any-value.ts";
import { EntryTemplates } from "./entry-templates.ts";
import type { Wire } from "./wire.ts";

const HINTS = 256;
/** `12 09 21`, little-endian: a value of nine bytes that is a double. */
const DOUBLE_VALUE = 0x210912;

export class MapReader {
  private readonly wire: Wire;
  private readonly interner: Interner;
  private readonly value: AnyValueReader;
  private readonly pair: KeyValueReader;
  private readonly recorder: Recorder;
  /** Where the entry ends that was opened last. */
  private entryEnd = 0;
  private readonly templates: EntryTemplates;
  private readonly keyHints = new Int32Array(HINTS);
  private readonly valueHints = new Int32Array(HINTS);

  constructor(value: AnyValueReader, recorder: Recorder) {
    this.wire = value.wire;
    this.interner = value.interner;
    this.value = value;
    this.pair = new KeyValueReader(value.wire);
    this.recorder = recorder;
    this.templates = new EntryTemplates(value.interner, recorder.frame.predictions);
  }

  /** The entries of the KeyValueList from `start` to `end` as features. */
  features(start: number, end: number): void {
    const { wire, recorder, templates } = this;
    let place = 0;
    wire.at = start;
    templates.begin();
    while (wire.at < end) {
      if (!recorder.hasRules) {
        place = templates.read(wire, end, place, recorder);
        if (wire.at >= end) break;
      }
      this.unlike(wire.at, end, place++);
    }
    wire.mustBeAt(end);
  }

  /** The entry at `at` that does not look like the one at its place before. */
  private unlike(at: number, end: number, place: number): void {
    const { wire } = this;
    const { bytes, view } = wire;
    const entryBytes = bytes[at + 1]!;
    const keyBytes = bytes[at + 3]!;
    const next = at + 2 + entryBytes;
    const valueAt = at + 4 + keyBytes;
    const isPlain =
      bytes[at] === 0x0a &&
      bytes[at + 2] === 0x0a &&
      entryBytes < 0x80 &&
      keyBytes > 0 &&
      next <= end &&
      valueAt < next &&
      bytes[valueAt] === 0x12;
    if (isPlain && isShortText(bytes, valueAt, next)) {
      const name = this.shortText(at + 4, keyBytes, valueAt + 4, next, place);
      this.templates.noteText(view, at, valueAt, place, name);
      wire.at = next;
    } else if (isPlain && isShortInteger(bytes, valueAt, next)) {
      this.shortInteger(at + 4, keyBytes, valueAt + 3, next, place);
      wire.at = next;
    } else if (isPlain && isDouble(view, valueAt, next)) {
      this.plainNumber(at, keyBytes, valueAt, place);
      wire.at = next;
    } else {
      this.general(end);
    }
  }

  private plainNumber(at: number, keyBytes: number, valueAt: number, place: number): void {
    const { interner, recorder, wire, keyHints } = this;
    const slot = place < HINTS ? place : HINTS - 1;
    const entry = interner.entryOf(wire, at + 4, keyBytes, keyHints[slot]!);
    keyHints[slot] = entry;
    const name = interner.idOfEntry(entry);
    this.templates.noteNumber(wire.view, at, valueAt + 3, place, name);
    recorder.addNumber(name, wire.view.getFloat64(valueAt + 3, true));
  }

  /** One feature that stands as an attribute of its own. */
  feature(name: number, start: number, end: number): void {
    const { value, recorder } = this;
    switch (value.open(start, end)) {
      case VALUE.double:
        recorder.addNumber(name, value.doubleHere());
        break;
      case VALUE.integer: {
        const number = value.integerHere();
        if (Number.isSafeInteger(number)) recorder.addNumber(name, number);
        else recorder.addInteger(name, value.integerTextHere());
        break;
      }
      case VALUE.string:
        recorder.addText(name, value.internHere(recorder.outcome));
        break;
      case VALUE.boolean:
        recorder.addBoolean(name, value.booleanHere());
        break;
      case VALUE.none:
        break;
      default:
        recorder.outcome.valuesSkipped++;
    }
  }

  /** The entries as tags: texts, numbers and truth values. */
  tags(start: number, end: number): void {
    const { wire, pair } = this;
    wire.at = start;
    while (wire.at < end) {
      const name = this.nextEntry(end);
      if (name > 0) this.tag(name, pair.valueStart, pair.valueEnd);
      wire.at = this.entryEnd;
    }
    wire.mustBeAt(end);
  }

  tag(name: number, start: number, end: number): void {
    const { outcome } = this.recorder;
    switch (this.value.open(start, end)) {
      case VALUE.none:
        break;
      case VALUE.array:
      case VALUE.map:
      case VALUE.bytes:
        outcome.valuesSkipped++;
        break;
      default:
        this.recorder.addTag(name, this.value.text(start, end, outcome));
    }
  }

  /** The entries as probabilities by class; what is no number is not stored. */
  probabilities(start: number, end: number): void {
    const { wire, pair, value, recorder } = this;
    wire.at = start;
    while (wire.at < end) {
      const name = this.nextEntry(end);
      if (name > 0) {
        value.readNumber(pair.valueStart, pair.valueEnd);
        if (Number.isNaN(value.result[0])) recorder.outcome.valuesSkipped++;
        else recorder.addProbability(name, value.result[0]!);
      }
      wire.at = this.entryEnd;
    }
    wire.mustBeAt(end);
  }

  private shortText(
    keyAt: number,
    keyBytes: number,
    textAt: number,
    textEnd: number,
    place: number,
  ): number {
    const { interner, wire, keyHints, valueHints } = this;
    const slot = place < HINTS ? place : HINTS - 1;
    const key = interner.entryOf(wire, keyAt, keyBytes, keyHints[slot]!);
    keyHints[slot] = key;
    let text = 0;
    if (textEnd > textAt) {
      const entry = interner.entryOf(wire, textAt, textEnd - textAt, valueHints[slot]!);
      valueHints[slot] = entry;
      text = interner.idOfEntry(entry);
    }
    const name = interner.idOfEntry(key);
    this.recorder.addText(name, text);
    return name;
  }

  private shortInteger(
    keyAt: number,
    keyBytes: number,
    numberAt: number,
    next: number,
    place: number,
  ): void {
    const { interner, wire, keyHints } = this;
    const slot = place < HINTS ? place : HINTS - 1;
    const key = interner.entryOf(wire, keyAt, keyBytes, keyHints[slot]!);
    keyHints[slot] = key;
    wire.at = numberAt;
    const value = wire.varint();
    wire.mustBeAt(next);
    this.recorder.addNumber(interner.idOfEntry(key), value);
  }

  /** The entry at the cursor, whatever its layout, as a feature. */
  private general(end: number): void {
    const name = this.nextEntry(end);
    if (name > 0) this.feature(name, this.pair.valueStart, this.pair.valueEnd);
    this.wire.at = this.entryEnd;
  }

  /** Opens the entry at the cursor; its interned name, or 0 for one to be passed over. */
  private nextEntry(end: number): number {
    const { wire } = this;
    const tag = wire.tag();
    if (tag !== 0x0a) {
      wire.skip(tag, end);
      this.entryEnd = wire.at;
      return 0;
    }
    this.entryEnd = wire.delimited(end);
    return this.openPair(this.entryEnd);
  }

  /** The interned name; 0 where it is empty or too long. */
  private openPair(entryEnd: number): number {
    const { pair, wire, interner } = this;
    pair.open(entryEnd);
    const length = pair.keyEnd - pair.keyStart;
    if (length === 0 || length > LIMITS.featureNameBytesMax) {
      this.recorder.outcome.valuesSkipped++;
      return 0;
    }
    return interner.idOfEntry(interner.entryOf(wire, pair.keyStart, length, NO_HINT));
  }
}

/** No entry has this number. */
const NO_HINT = 0x7fffffff;

/** Is the value at `at`, up to `next`, a double and nothing else? */
function isDouble(view: DataView, at: number, next: number): boolean {
  return next - at === 11 && (view.getUint32(at, true) & 0xffffff) === DOUBLE_VALUE;
}

/** Is the value at `at`, up to `next`, a text with lengths of one byte? */
function isShortText(bytes: Buffer, at: number, next: number): boolean {
  return (
    at + 4 <= next &&
    bytes[at + 1] === next - at - 2 &&
    bytes[at + 2] === 0x0a &&
    bytes[at + 3] === next - at - 4
  );
}

/** Is the value at `at`, up to `next`, a whole number of at most seven bytes, thus below 2^49? */
function isShortInteger(bytes: Buffer, at: number, next: number): boolean {
  const isInteger =
    at + 4 <= next &&
    next - at <= 10 &&
    bytes[at + 1] === next - at - 2 &&
    bytes[at + 2] === 0x18 &&
    bytes[next - 1]! < 0x80;
  // Two numbers in a row, of which the last holds, are left to the general way.
  for (let i = at + 3; isInteger && i < next - 1; i++) if (bytes[i]! < 0x80) return false;
  return isInteger;
}
