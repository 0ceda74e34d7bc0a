/** Bytes of a Native block, appended to one growing buffer. What each method writes is ClickHouse's own layout. */

const INITIAL_BYTES = 1024;
/** `SharedDictionariesWithAdditionalKeys`, the one serialization version of LowCardinality. */
const DICTIONARY_VERSION = 1;
/** Flag of a LowCardinality column whose keys stand in the block itself. */
const HAS_ADDITIONAL_KEYS = 1 << 9;
const TWO_32 = 2 ** 32;

export class NativeWriter {
  private buffer: Buffer<ArrayBuffer>;
  private length = 0;

  /** `bytesExpected` spares copies where it is known; more may be written. */
  constructor(bytesExpected = INITIAL_BYTES) {
    this.buffer = Buffer.allocUnsafeSlow(bytesExpected);
  }

  get bytesWritten(): number {
    return this.length;
  }

  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.buffer[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.buffer[this.length++] = rest;
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.varint(bytes);
    this.reserve(bytes);
    this.length += this.buffer.write(value, this.length);
  }

  raw(
    values: Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array | BigUint64Array,
  ): void {
    this.reserve(values.byteLength);
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Unsigned numbers below 2^32 as UInt64. */
  wide(values: Uint32Array): void {
    const halves = new Uint32Array(values.length * 2);
    for (let i = 0; i < values.length; i++) halves[2 * i] = values[i]!;
    this.raw(halves);
  }

  /** Milliseconds as Int64. */
  times(values: Float64Array): void {
    const halves = new Uint32Array(values.length * 2);
    for (let i = 0; i < values.length; i++) {
      const ms = values[i]!;
      const high = Math.floor(ms / TWO_32);
      halves[2 * i] = ms - high * TWO_32;
      halves[2 * i + 1] = high;
    }
    this.raw(halves);
  }

  /** Null flags, then milliseconds; NaN is null. */
  nullableTimes(values: Float64Array): void {
    this.reserve(values.length);
    const known = Float64Array.from(values, (ms) => (Number.isNaN(ms) ? 0 : ms));
    for (const ms of values) this.buffer[this.length++] = Number.isNaN(ms) ? 1 : 0;
    this.times(known);
  }

  /** What stands before the data of each LowCardinality column; for a map before its offsets. */
  dictionaryPrefix(): void {
    this.reserve(8);
    this.word(DICTIONARY_VERSION, 0);
  }

  /** Nothing at all for zero values. */
  dictionary(keys: readonly string[], indexes: Uint8Array | Uint16Array | Uint32Array): void {
    if (indexes.length === 0) return;
    const width = keys.length <= 0x100 ? 0 : keys.length <= 0x10000 ? 1 : 2;
    this.reserve(16);
    this.word(width | HAS_ADDITIONAL_KEYS, 0);
    this.word(keys.length, 0);
    for (const key of keys) this.text(key);
    this.reserve(8 + indexes.length);
    this.word(indexes.length, 0);
    if (width === 0) {
      this.buffer.set(indexes, this.length);
      this.length += indexes.length;
    } else {
      this.raw(width === 1 ? new Uint16Array(indexes) : new Uint32Array(indexes));
    }
  }

  /** The bytes so far; the writer must not be used afterwards. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(0, this.length);
  }

  private word(low: number, high: number): void {
    const buffer = this.buffer;
    const at = this.length;
    buffer[at] = low;
    buffer[at + 1] = low >>> 8;
    buffer[at + 2] = low >>> 16;
    buffer[at + 3] = low >>> 24;
    buffer[at + 4] = high;
    buffer[at + 5] = high >> 8;
    buffer[at + 6] = high >> 16;
    buffer[at + 7] = high >> 24;
    this.length = at + 8;
  }

  private reserve(bytes: number): void {
    const wanted = this.length + bytes;
    if (wanted <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, this.buffer.length * 2));
    larger.set(this.buffer.subarray(0, this.length));
    this.buffer = larger;
  }
}
