/**
 * Protobuf, written into one buffer that grows: lengths are varints of four bytes, longer than they must be, and
 * filled in once what they are of is written.
 */

const LENGTH_BYTES = 4;
/** What a varint of four bytes cannot hold. */
const LENGTH_END = 2 ** 28;
/** Up to so many bytes or characters, a loop is faster than a call out of JavaScript. */
const COPY_BY_LOOP = 16;
const TEXT_BY_LOOP = 64;

export class ProtobufWriter {
  buffer: Buffer;
  view: DataView;
  /** Where the next byte goes. */
  at = 0;

  constructor(bytes: number) {
    this.buffer = Buffer.allocUnsafeSlow(bytes);
    this.view = new DataView(this.buffer.buffer);
  }

  /** Makes room for so many more. */
  need(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.at + bytes));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
    this.view = new DataView(larger.buffer);
  }

  copy(bytes: Buffer): void {
    this.need(bytes.length);
    const { buffer, at } = this;
    if (bytes.length > COPY_BY_LOOP) buffer.set(bytes, at);
    else for (let i = 0; i < bytes.length; i++) buffer[at + i] = bytes[i]!;
    this.at = at + bytes.length;
  }

  double(value: number): void {
    this.need(8);
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  /** In UTF-8, without a length. */
  text(text: string): void {
    this.need(text.length * 3);
    const { buffer, at } = this;
    let ascii = text.length <= TEXT_BY_LOOP ? 0 : -1;
    for (; ascii >= 0 && ascii < text.length; ascii++) {
      const code = text.charCodeAt(ascii);
      if (code > 0x7f) break;
      buffer[at + ascii] = code;
    }
    this.at = at + (ascii === text.length ? ascii : buffer.write(text, at));
  }

  /** Begins a field that has a length; answers what `close` is told. */
  open(tag: number): number {
    this.need(1 + LENGTH_BYTES);
    this.buffer[this.at] = tag;
    this.at += 1 + LENGTH_BYTES;
    return this.at;
  }

  /** @throws {RangeError} of 256 MiB and more */
  close(start: number): void {
    const { buffer } = this;
    const length = this.at - start;
    if (length >= LENGTH_END) throw new RangeError(`A field of ${length} bytes`);
    buffer[start - 4] = (length & 0x7f) | 0x80;
    buffer[start - 3] = ((length >>> 7) & 0x7f) | 0x80;
    buffer[start - 2] = ((length >>> 14) & 0x7f) | 0x80;
    buffer[start - 1] = length >>> 21;
  }
}
