/**
 * Where the attributes of one record stand: the span of the value of each key that capture knows, and of
 * each flattened feature and tag. Attributes come in any order, so they are found first and read afterwards.
 */
import { LIMITS } from "../../contract/limits.ts";
import type { Interner } from "../columns/interner.ts";
import type { Outcome } from "../outcome.ts";
import { KeyValueReader } from "./any-value.ts";
import { FEATURE_PREFIX, KEY_COUNT, TAG_PREFIX } from "./vocabulary.ts";
import type { Wire } from "./wire.ts";

const FLAT_MAX = LIMITS.featuresPerModelMax + LIMITS.tagsPerRecordMax;
/** Attributes beyond this place in a record are found without a hint. */
const HINTS = 64;
/** First letters of the keys that matter: anything else is passed over without being looked up. */
const [LETTER_C, LETTER_E, LETTER_M] = [0x63, 0x65, 0x6d];
const KNOWN_KEY_BYTES_MAX = 256 + FEATURE_PREFIX.length;

export class AttributeSlots {
  /** Start of the value by key's number; 0 where the record has no such attribute. */
  readonly start = new Int32Array(KEY_COUNT);
  readonly end = new Int32Array(KEY_COUNT);
  readonly flatStart = new Int32Array(FLAT_MAX);
  readonly flatEnd = new Int32Array(FLAT_MAX);
  /** Interned name of the feature, or minus that of the tag. */
  readonly flatName = new Int32Array(FLAT_MAX);
  flatCount = 0;
  private readonly wire: Wire;
  private readonly interner: Interner;
  private readonly pair: KeyValueReader;
  private readonly hints = new Int32Array(HINTS);
  private position = 0;
  /** Keys that the record has, so that only they are cleared. */
  private readonly present = new Int32Array(KEY_COUNT);
  private presentCount = 0;

  constructor(wire: Wire, interner: Interner) {
    this.wire = wire;
    this.interner = interner;
    this.pair = new KeyValueReader(wire);
  }

  clear(): void {
    for (let i = 0; i < this.presentCount; i++) this.start[this.present[i]!] = 0;
    this.presentCount = 0;
    this.flatCount = 0;
    this.position = 0;
  }

  /** Notes the attribute that stands from the cursor to `end`. */
  add(end: number, outcome: Outcome): void {
    const { pair } = this;
    pair.open(end);
    const length = pair.keyEnd - pair.keyStart;
    const position = this.position++;
    if (pair.valueStart === pair.valueEnd) return;
    if (length === 0 || length > KNOWN_KEY_BYTES_MAX) return;
    const letter = this.wire.bytes[pair.keyStart]!;
    if (letter !== LETTER_M && letter !== LETTER_E && letter !== LETTER_C) return;
    const { interner, hints } = this;
    const hint = position < HINTS ? hints[position]! : 0;
    const entry = interner.entryOf(this.wire, pair.keyStart, length, hint);
    if (position < HINTS) hints[position] = entry;
    const id = interner.idOfEntry(entry);
    if (id < KEY_COUNT) {
      if (this.start[id] === 0) this.present[this.presentCount++] = id;
      this.start[id] = pair.valueStart;
      this.end[id] = pair.valueEnd;
    } else {
      this.addFlat(interner.textOf(id), outcome);
    }
  }

  private addFlat(key: string, outcome: Outcome): void {
    const isFeature = key.startsWith(FEATURE_PREFIX);
    if (!isFeature && !key.startsWith(TAG_PREFIX)) return;
    const name = key.slice(isFeature ? FEATURE_PREFIX.length : TAG_PREFIX.length);
    if (name === "" || Buffer.byteLength(name) > LIMITS.featureNameBytesMax) return;
    if (this.flatCount >= FLAT_MAX) {
      outcome.valuesSkipped++;
      return;
    }
    const id = this.interner.idOfText(name);
    this.flatStart[this.flatCount] = this.pair.valueStart;
    this.flatEnd[this.flatCount] = this.pair.valueEnd;
    this.flatName[this.flatCount++] = isFeature ? id : -id;
  }
}
