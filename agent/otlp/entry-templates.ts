/**
 * What the entries of a map of features looked like that stood at the same places before. Exporters send maps of
 * one shape again and again, so comparing bytes says which feature an entry is, without looking its name up:
 *
 *   0a entryBytes 0a keyBytes key 12 09 21 | double        or        0a entryBytes | 0a keyBytes key 12 | valueBytes 0a textBytes text
 *
 * The template of an entry with a double is all before the double; of one with a text what is between the bars.
 */
import type { Interner } from "../columns/interner.ts";
import type { PredictionColumns } from "../columns/prediction-columns.ts";
import type { Recorder } from "../recorder.ts";
import { ShortTexts } from "./short-texts.ts";
import type { Wire } from "./wire.ts";

/** Places beyond have no template. */
const PLACES = 512;
/** Longest template, in bytes: the names of features are mostly shorter. */
const TEMPLATE_BYTES_MAX = 64;
const WORDS = TEMPLATE_BYTES_MAX / 4 + 1;
/** Records in a row that must differ before templates are replaced: shapes may alternate. */
const STALE_AFTER = 4;
const UNKNOWN = -1;
/** Where the template of an entry with a text begins within the entry, and what stands between it and the text. */
const TEXT_TEMPLATE_AT = 2;
const TEXT_HEAD_BYTES = 3;

export class EntryTemplates {
  private readonly interner: Interner;
  private readonly columns: PredictionColumns;
  private readonly texts: ShortTexts;
  /** Bytes of the template by place: positive before a double, negative before a text, 0 where there is none. */
  private readonly sizes = new Int32Array(PLACES);
  /** The last four bytes of the template, then all from the first on. */
  private readonly words = new Int32Array(PLACES * WORDS);
  /** Interned name by place. */
  private readonly names = new Int32Array(PLACES);
  /** Its index in the dictionary of keys of the frame that is being filled. */
  private readonly indexes = new Int32Array(PLACES).fill(UNKNOWN);
  private internerGeneration = 0;
  private columnResets = 0;
  private differed = false;
  private stale = STALE_AFTER;

  constructor(interner: Interner, columns: PredictionColumns) {
    this.interner = interner;
    this.columns = columns;
    this.texts = new ShortTexts(interner, columns.catValues);
  }

  /** Begins a record. */
  begin(): void {
    this.stale = this.differed ? this.stale + 1 : 0;
    this.differed = false;
    const { interner, columns } = this;
    if (this.internerGeneration !== interner.generation) {
      this.internerGeneration = interner.generation;
      this.sizes.fill(0);
    }
    if (this.columnResets !== columns.resets) {
      this.columnResets = columns.resets;
      this.indexes.fill(UNKNOWN);
      this.texts.reset();
    }
  }

  /**
   * Takes the entries from the cursor on that look as those at their places before, up to the first that does not.
   * @returns the place at which it stands
   */
  read(wire: Wire, end: number, from: number, recorder: Recorder): number {
    const { sizes, words, names, indexes } = this;
    const { numKeys, numValues } = this.columns;
    const { view } = wire;
    const keys = numKeys.room(PLACES);
    const values = numValues.room(PLACES);
    let [key, value, at, place] = [numKeys.length, numValues.length, wire.at, from];
    for (; place < PLACES; place++) {
      const size = sizes[place]!;
      if (size < 0) {
        const next = this.readText(wire, at, end, place, recorder);
        if (next === 0) break;
        at = next;
        continue;
      }
      const doubleAt = at + size;
      if (size === 0 || doubleAt + 8 > end) break;
      const last = doubleAt - 4;
      let word = place * WORDS;
      if (view.getInt32(last, true) !== words[word++]) break;
      let same = at;
      while (same < last && view.getInt32(same, true) === words[word]) {
        same += 4;
        word++;
      }
      if (same < last) break;
      at = doubleAt + 8;
      if (!recorder.admits(names[place]!)) continue;
      keys[key++] = indexes[place] === UNKNOWN ? this.numberIndexAt(place) : indexes[place]!;
      values[value++] = view.getFloat64(doubleAt, true);
    }
    numKeys.length = key;
    numValues.length = value;
    wire.at = at;
    return place;
  }

  /** Where the entry with a text ends that stands at `at`; 0 where it looks otherwise, and is not taken. */
  private readText(wire: Wire, at: number, end: number, place: number, recorder: Recorder): number {
    const { view, bytes } = wire;
    const { words } = this;
    const templateEnd = at + TEXT_TEMPLATE_AT - this.sizes[place]!;
    const textAt = templateEnd + TEXT_HEAD_BYTES;
    if (textAt > end) return 0;
    const textBytes = bytes[textAt - 1]!;
    const next = textAt + textBytes;
    const isShort = textBytes < 0x7e && next <= end && bytes[at] === 0x0a;
    if (!isShort || bytes[at + 1] !== next - at - 2) return 0;
    if (bytes[templateEnd] !== textBytes + 2 || bytes[templateEnd + 1] !== 0x0a) return 0;
    const last = templateEnd - 4;
    let word = place * WORDS;
    if (view.getInt32(last, true) !== words[word++]) return 0;
    for (let same = at + TEXT_TEMPLATE_AT; same < last; same += 4) {
      if (view.getInt32(same, true) !== words[word++]) return 0;
    }
    if (!recorder.admits(this.names[place]!)) return next;
    const { catKeys, catValues } = this.columns;
    const known = this.indexes[place]!;
    catKeys.pushIndex(known === UNKNOWN ? this.textIndexAt(place) : known);
    catValues.pushIndex(this.texts.indexOf(wire, textAt, textBytes, place));
    return next;
  }

  private numberIndexAt(place: number): number {
    const index = this.columns.numKeys.indexOf(this.names[place]!);
    this.indexes[place] = index;
    return index;
  }

  private textIndexAt(place: number): number {
    const index = this.columns.catKeys.indexOf(this.names[place]!);
    this.indexes[place] = index;
    return index;
  }

  /** Notes the entry at `at` whose double stands at `doubleAt`. */
  noteNumber(view: DataView, at: number, doubleAt: number, place: number, name: number): void {
    if (!this.mayNote(place, doubleAt - at)) return;
    this.note(view, at, doubleAt, place, name);
    this.sizes[place] = doubleAt - at;
  }

  /** Notes the entry at `at` whose text has its tag at `valueAt`. */
  noteText(view: DataView, at: number, valueAt: number, place: number, name: number): void {
    const start = at + TEXT_TEMPLATE_AT;
    if (!this.mayNote(place, valueAt + 1 - start)) return;
    this.note(view, start, valueAt + 1, place, name);
    this.sizes[place] = start - valueAt - 1;
  }

  private mayNote(place: number, size: number): boolean {
    if (place >= PLACES || size > TEMPLATE_BYTES_MAX) return false;
    this.differed = true;
    return this.sizes[place] === 0 || this.stale >= STALE_AFTER;
  }

  private note(view: DataView, start: number, end: number, place: number, name: number): void {
    this.names[place] = name;
    this.indexes[place] = UNKNOWN;
    let word = place * WORDS;
    this.words[word++] = view.getInt32(end - 4, true);
    for (let at = start; at < end - 4; at += 4) this.words[word++] = view.getInt32(at, true);
  }
}
