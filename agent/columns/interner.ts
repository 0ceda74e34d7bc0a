/**
 * Strings as small numbers, found by their UTF-8 bytes without making a string of them first. Each text
 * has one number; 0 is the empty text, and the pinned texts have the numbers from 1 in their order. The
 * caller's hint is the entry that stood at the same place in the record before: usually it is the answer.
 */

const ARENA_WORDS = 64 * 1024;
const ENTRIES = 8_192;
/** Numbers whose texts are kept; their hashes in a Map can be foreseen, so there must not be many. */
const NUMBERS_MAX = 1_024;
const NONE = -1;
/**
 * Slots that one search looks at. Bytes can be chosen so that thousands of texts fall into one place: what is not
 * found within so many is looked up in a Map, whose hashes nobody outside can know.
 */
const PROBES_MAX = 64;

export interface ByteSource {
  readonly bytes: Buffer;
  readonly view: DataView;
}

export class Interner {
  private readonly pinned: readonly string[];
  private readonly idByText = new Map<string, number>();
  private readonly idByNumber = new Map<number, number>();
  private texts: string[] = [];
  /** Byte sequences that were met; malformed UTF-8 may lead several of them to one text. */
  private entryCount = 0;
  private words = new Int32Array(ARENA_WORDS);
  private wordCount = 0;
  private entryAt = new Int32Array(ENTRIES);
  private entryLength = new Int32Array(ENTRIES);
  private entryLastWord = new Int32Array(ENTRIES);
  private entryId = new Int32Array(ENTRIES);
  private slots = new Int32Array(ENTRIES * 4);
  /** Changes when ids are given anew. */
  generation = 0;
  /** Entries that found no slot, by their bytes. */
  private readonly crowded = new Map<string, number>();

  constructor(pinned: readonly string[]) {
    this.pinned = pinned;
    this.reset();
  }

  /** Texts, or what was met instead of them: many malformed sequences lead to one text. */
  get size(): number {
    return Math.max(this.texts.length, this.entryCount);
  }

  textOf(id: number): string {
    return this.texts[id] ?? "";
  }

  /** Forgets all but the pinned texts; ids and hints from before must not be used again. */
  reset(): void {
    this.generation++;
    this.texts = [""];
    this.idByText.clear();
    this.idByText.set("", 0);
    this.idByNumber.clear();
    this.slots.fill(0);
    this.crowded.clear();
    this.entryCount = 0;
    this.wordCount = 0;
    for (const text of this.pinned) this.idOfText(text);
  }

  idOfText(text: string): number {
    const known = this.idByText.get(text);
    if (known !== undefined) return known;
    const id = this.texts.length;
    this.texts.push(text);
    this.idByText.set(text, id);
    return id;
  }

  /** A number as the text that JavaScript gives it: declared categories that come as numbers. */
  idOfNumber(value: number): number {
    const known = this.idByNumber.get(value);
    if (known !== undefined) return known;
    const id = this.idOfText(String(value));
    if (this.idByNumber.size < NUMBERS_MAX) this.idByNumber.set(value, id);
    return id;
  }

  idOfEntry(entry: number): number {
    return this.entryId[entry]!;
  }

  /** The entry of `length` > 0 bytes from `start`, which the caller has checked to be inside. */
  entryOf(source: ByteSource, start: number, length: number, hint: number): number {
    if (hint < this.entryCount && this.isEntry(hint, source, start, length)) return hint;
    const hash = hashOf(source, start, length);
    const mask = this.slots.length - 1;
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const entry = this.slots[(hash + probe) & mask]! - 1;
      if (entry === NONE) {
        const added = this.addEntry(source, start, length);
        this.place(added, hash);
        return added;
      }
      if (this.isEntry(entry, source, start, length)) return entry;
    }
    const key = source.bytes.toString("latin1", start, start + length);
    const crowded = this.crowded.get(key) ?? this.addEntry(source, start, length);
    this.crowded.set(key, crowded);
    return crowded;
  }

  private isEntry(entry: number, source: ByteSource, start: number, length: number): boolean {
    if (this.entryLength[entry] !== length) return false;
    if (this.entryLastWord[entry] !== lastWord(source, start, length)) return false;
    const { view } = source;
    const { words } = this;
    let word = this.entryAt[entry]!;
    for (let at = start, end = start + length - 4; at < end; at += 4) {
      if (view.getInt32(at, true) !== words[word++]) return false;
    }
    return true;
  }

  private addEntry(source: ByteSource, start: number, length: number): number {
    if (this.entryCount === this.entryAt.length) this.growEntries();
    const entry = this.entryCount++;
    const id = this.idOfText(source.bytes.toString("utf8", start, start + length));
    this.entryAt[entry] = this.wordCount;
    this.entryLength[entry] = length;
    this.entryLastWord[entry] = lastWord(source, start, length);
    this.entryId[entry] = id;
    while (this.wordCount + (length >> 2) + 1 > this.words.length) {
      const larger = new Int32Array(this.words.length * 2);
      larger.set(this.words);
      this.words = larger;
    }
    for (let at = start, end = start + length - 4; at < end; at += 4) {
      this.words[this.wordCount++] = source.view.getInt32(at, true);
    }
    return entry;
  }

  /** One that finds no slot is met again as a new one. */
  private place(entry: number, hash: number): void {
    const mask = this.slots.length - 1;
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const slot = (hash + probe) & mask;
      if (this.slots[slot] !== 0) continue;
      this.slots[slot] = entry + 1;
      return;
    }
  }

  private growEntries(): void {
    const size = this.entryAt.length * 2;
    const grown = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const larger = new Int32Array(size);
      larger.set(old);
      return larger;
    };
    this.entryAt = grown(this.entryAt);
    this.entryLength = grown(this.entryLength);
    this.entryLastWord = grown(this.entryLastWord);
    this.entryId = grown(this.entryId);
    this.slots = new Int32Array(size * 4);
    for (let entry = 0; entry < this.entryCount; entry++)
      this.place(entry, this.hashOfEntry(entry));
  }

  private hashOfEntry(entry: number): number {
    const length = this.entryLength[entry]!;
    let hash = length;
    let word = this.entryAt[entry]!;
    for (let at = 0; at < length - 4; at += 4) hash = mix(hash, this.words[word++]!);
    return mix(hash, this.entryLastWord[entry]!);
  }
}

function hashOf(source: ByteSource, start: number, length: number): number {
  let hash = length;
  for (let at = start, end = start + length - 4; at < end; at += 4) {
    hash = mix(hash, source.view.getInt32(at, true));
  }
  return mix(hash, lastWord(source, start, length));
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** The last four bytes, overlapping those before; of shorter texts all of them. */
function lastWord({ bytes, view }: ByteSource, start: number, length: number): number {
  if (length >= 4) return view.getInt32(start + length - 4, true);
  let word = 0;
  for (let i = 0; i < length; i++) word = (word << 8) | bytes[start + i]!;
  return word;
}
