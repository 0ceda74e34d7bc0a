/** A String column under construction, already in the layout of a block. */
import type { StringColumn } from "../../contract/native-block.ts";
import { GrowableUint32 } from "./growable.ts";

const INITIAL_BYTES = 64 * 1024;
/** Below this a loop beats the call into native code. */
const SHORT_BYTES = 64;

export class StringBuilder {
  private native = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  private readonly starts = new GrowableUint32();
  private readonly ends = new GrowableUint32();
  bytes = 0;

  get length(): number {
    return this.ends.length;
  }

  /** Copies `source[start .. end)`. */
  push(source: Buffer, start: number, end: number): void {
    const length = end - start;
    this.reserve(length + 5);
    const { native } = this;
    let at = this.bytes;
    for (let rest = length; ; rest >>>= 7) {
      if (rest < 0x80) {
        native[at++] = rest;
        break;
      }
      native[at++] = rest | 0x80;
    }
    this.starts.push(at);
    if (length <= SHORT_BYTES) {
      for (let i = start; i < end; i++) native[at++] = source[i]!;
    } else {
      source.copy(native, at, start, end);
      at += length;
    }
    this.ends.push(at);
    this.bytes = at;
  }

  /** Bytes of the text at `index`. */
  lengthOf(index: number): number {
    return this.ends.at(index) - this.starts.at(index);
  }

  pushText(text: string): void {
    const bytes = Buffer.from(text);
    this.push(bytes, 0, bytes.length);
  }

  truncate(length: number): void {
    this.starts.length = length;
    this.ends.length = length;
    this.bytes = length === 0 ? 0 : this.ends.at(length - 1);
  }

  /** Views that hold until the next change. */
  finish(): StringColumn {
    const native = this.native.subarray(0, this.bytes);
    return { kind: "string", native, starts: this.starts.view(), ends: this.ends.view() };
  }

  private reserve(bytes: number): void {
    if (this.bytes + bytes <= this.native.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.native.length * 2, this.bytes + bytes));
    larger.set(this.native.subarray(0, this.bytes));
    this.native = larger;
  }
}
