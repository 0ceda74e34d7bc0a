/**
 * Categories of a feature come again and again in no order: texts of four to eight bytes, of which two words say
 * all, are found by one probe of a small cache, with their place in the frame's dictionary.
 */
import type { DictionaryBuilder } from "../columns/dictionary-builder.ts";
import type { Interner } from "../columns/interner.ts";
import type { Wire } from "./wire.ts";

/** Features that share nothing; those at later places share with earlier ones. */
const GROUPS = 32;
const SLOTS = 256;
/** No entry of the interner has this number. */
const NO_HINT = 0x7fffffff;

export class ShortTexts {
  private readonly interner: Interner;
  private readonly column: DictionaryBuilder;
  private readonly firstWords = new Int32Array(GROUPS * SLOTS);
  private readonly lastWords = new Int32Array(GROUPS * SLOTS);
  /** Length of the text; 0 where there is none. */
  private readonly lengths = new Uint8Array(GROUPS * SLOTS);
  private readonly indexes = new Int32Array(GROUPS * SLOTS);

  constructor(interner: Interner, column: DictionaryBuilder) {
    this.interner = interner;
    this.column = column;
  }

  /** To be called when the column's dictionary was emptied. */
  reset(): void {
    this.lengths.fill(0);
  }

  /** The text's index in the dictionary, to which it is added where it is new. */
  indexOf(wire: Wire, start: number, length: number, place: number): number {
    if (length < 4 || length > 8) return this.lookUp(wire, start, length);
    const first = wire.view.getInt32(start, true);
    const last = wire.view.getInt32(start + length - 4, true);
    const mixed = Math.imul(first ^ Math.imul(last, 0x9e3779b1), 0x85ebca6b) ^ length;
    const slot = (place % GROUPS) * SLOTS + ((mixed ^ (mixed >>> 16)) & (SLOTS - 1));
    if (
      this.firstWords[slot] === first &&
      this.lastWords[slot] === last &&
      this.lengths[slot] === length
    ) {
      return this.indexes[slot]!;
    }
    const index = this.lookUp(wire, start, length);
    this.firstWords[slot] = first;
    this.lastWords[slot] = last;
    this.lengths[slot] = length;
    this.indexes[slot] = index;
    return index;
  }

  private lookUp(wire: Wire, start: number, length: number): number {
    const { interner, column } = this;
    if (length === 0) return column.indexOf(0);
    return column.indexOf(interner.idOfEntry(interner.entryOf(wire, start, length, NO_HINT)));
  }
}
