/** Reads the parts of a Native block with every length checked before it is used: hostile bytes end in an error. */
import { DriftmendError } from "./driftmend-error.ts";
import type { DictionaryColumn, StringColumn } from "./native-block.ts";

const DICTIONARY_VERSION = 1;
const INDEX_TYPE_MASK = 0xff;
const HAS_ADDITIONAL_KEYS = 1 << 9;
/** Which the engine sets in what it writes, and which means nothing in a block. */
const NEEDS_UPDATE = 1 << 10;
const TWO_32 = 2 ** 32;

export class NativeReader {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.bytes.length - this.at;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 42; scale *= 0x80) {
      this.need(1);
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw malformed("a length is longer than 7 bytes");
  }

  text(): string {
    const length = this.varint();
    this.need(length);
    const value = this.bytes.toString("utf8", this.at, this.at + length);
    this.at += length;
    return value;
  }

  /** A copy of `count` values of `width` bytes, aligned for a typed array. */
  copy(count: number, width: number): ArrayBuffer {
    this.need(count * width);
    const copy = new Uint8Array(count * width);
    copy.set(this.bytes.subarray(this.at, this.at + copy.length));
    this.at += copy.length;
    return copy.buffer;
  }

  strings(count: number): StringColumn {
    this.need(count);
    const from = this.at;
    const starts = new Uint32Array(count);
    const ends = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const length = this.varint();
      this.need(length);
      starts[i] = this.at - from;
      this.at += length;
      ends[i] = this.at - from;
    }
    return { kind: "string", native: this.bytes.subarray(from, this.at), starts, ends };
  }

  /** Milliseconds since 1970 UTC. */
  times(count: number): Float64Array {
    const halves = new Int32Array(this.copy(count, 8));
    const values = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      values[i] = halves[2 * i + 1]! * TWO_32 + (halves[2 * i]! >>> 0);
    }
    return values;
  }

  nullableTimes(count: number): Float64Array {
    const isNull = new Uint8Array(this.copy(count, 1));
    const values = this.times(count);
    for (let i = 0; i < count; i++) if (isNull[i] !== 0) values[i] = Number.NaN;
    return values;
  }

  /** Cumulative ends of a map's rows, which must not fall and must fit into the block. */
  ends(rows: number): Uint32Array {
    const halves = new Uint32Array(this.copy(rows, 8));
    const ends = new Uint32Array(rows);
    let last = 0;
    for (let i = 0; i < rows; i++) {
      const end = halves[2 * i]!;
      if (halves[2 * i + 1] !== 0 || end < last)
        throw malformed("offsets of a map are not in order");
      ends[i] = end;
      last = end;
    }
    if (last > this.bytes.length) throw malformed(`a map says it has ${last} entries`);
    return ends;
  }

  dictionaryPrefix(): void {
    if (this.word() !== DICTIONARY_VERSION) throw malformed("an unknown version of LowCardinality");
  }

  dictionary(count: number): DictionaryColumn {
    if (count === 0) return { kind: "dictionary", keys: [], indexes: new Uint8Array(0) };
    const flags = this.word();
    // The engine refuses every other bit, and with it the group that the block is in.
    if ((flags & ~(INDEX_TYPE_MASK | NEEDS_UPDATE)) !== HAS_ADDITIONAL_KEYS) {
      throw malformed("keys of a LowCardinality column are not in the block");
    }
    const keyCount = this.word();
    this.need(keyCount);
    const keys: string[] = [];
    for (let i = 0; i < keyCount; i++) keys.push(this.text());
    if (this.word() !== count)
      throw malformed("a LowCardinality column has another number of rows");
    const indexes = this.indexes(flags & INDEX_TYPE_MASK, count);
    for (let i = 0; i < count; i++) {
      if (indexes[i]! >= keyCount) throw malformed("an index points behind the dictionary");
    }
    return { kind: "dictionary", keys, indexes };
  }

  private indexes(indexType: number, count: number): Uint8Array | Uint16Array | Uint32Array {
    if (indexType === 0) return new Uint8Array(this.copy(count, 1));
    if (indexType === 1) return new Uint16Array(this.copy(count, 2));
    if (indexType === 2) return new Uint32Array(this.copy(count, 4));
    throw malformed(`indexes of type ${indexType}`);
  }

  /** A UInt64 that must be a small number. */
  private word(): number {
    this.need(8);
    const value = this.bytes.readUInt32LE(this.at);
    if (this.bytes.readUInt32LE(this.at + 4) !== 0) throw malformed("a number beyond 2^32");
    this.at += 8;
    return value;
  }

  private need(bytes: number): void {
    if (bytes > this.bytes.length - this.at) throw malformed("it ends too early");
  }
}

function malformed(what: string): DriftmendError {
  return new DriftmendError("block_invalid", {
    retry: "never",
    message: `Cannot read bytes as one Native block: ${what}`,
    next: "A frame that was damaged is refused by its CRC before; update the older of agent and collector.",
  });
}
