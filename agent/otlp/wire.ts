/**
 * A cursor over protobuf bytes. Every length is checked against the message that holds it before it is used;
 * what is wrong with a body ends in one error, whatever bytes it has.
 */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { ByteSource } from "../columns/interner.ts";

const NO_BYTES = Buffer.alloc(0);
const UINT32_MAX = 0xffffffff;
const SHORT_BYTES_MAX = 5;
const NANOS_PER_MS = 1_000_000;
/** 2^32 = 4294 * 10^6 + 967296: splits nanoseconds so that milliseconds come out exactly. */
const HIGH_MS = 4_294;
const HIGH_REST = 967_296;

export class Wire implements ByteSource {
  bytes: Buffer = NO_BYTES;
  view: DataView = new DataView(new ArrayBuffer(0));
  at = 0;
  readonly ms = new Float64Array(1);
  /** Halves of the nanoseconds that were read last. */
  nanosLow = 0;
  nanosHigh = 0;

  open(bytes: Buffer): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
  }

  /** Lets go of the body. */
  close(): void {
    this.open(NO_BYTES);
  }

  /** The tag of a field. */
  tag(): number {
    const byte = this.bytes[this.at]!;
    if (byte < 0x80) {
      this.at++;
      return byte;
    }
    return this.shortVarint();
  }

  /** Numbers; exact below 2^53. */
  varint(): number {
    const byte = this.bytes[this.at]!;
    if (byte < 0x80) {
      this.at++;
      return byte;
    }
    const second = this.bytes[this.at + 1]!;
    if (second < 0x80) {
      this.at += 2;
      return (byte & 0x7f) | (second << 7);
    }
    return this.longVarint();
  }

  /** The end of the length-delimited field that begins here; the cursor stands at its first byte. */
  delimited(end: number): number {
    const byte = this.bytes[this.at]!;
    let length = byte;
    if (byte < 0x80) this.at++;
    else length = this.shortVarint();
    const fieldEnd = this.at + length;
    if (fieldEnd > end) throw malformedBody("a field is longer than the message that holds it");
    return fieldEnd;
  }

  /** A signed 64-bit varint; beyond 2^53 the nearest number that there is. */
  int64(): number {
    const start = this.at;
    const value = this.varint();
    return value <= Number.MAX_SAFE_INTEGER ? value : Number(this.bigInt(start));
  }

  /** An int32, which encoders may write as 64 bits: what is over is cut off, as every decoder does. */
  int32(): number {
    const start = this.at;
    const value = this.varint();
    if (value <= Number.MAX_SAFE_INTEGER) return value | 0;
    return Number(BigInt.asIntN(32, this.bigInt(start)));
  }

  /** The decimal digits of a signed 64-bit varint. */
  int64Text(): string {
    const start = this.at;
    const value = this.varint();
    return value <= Number.MAX_SAFE_INTEGER ? String(value) : this.bigInt(start).toString();
  }

  double(): number {
    this.need(8);
    const value = this.view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  float(): number {
    this.need(4);
    const value = this.view.getFloat32(this.at, true);
    this.at += 4;
    return value;
  }

  /** Nanoseconds as fixed64; leaves whole milliseconds in `ms`, as a returned double would be boxed. */
  readNanos(): void {
    this.need(8);
    const low = this.view.getUint32(this.at, true);
    const high = this.view.getUint32(this.at + 4, true);
    this.at += 8;
    this.nanosLow = low;
    this.nanosHigh = high;
    this.ms[0] = high * HIGH_MS + Math.floor((high * HIGH_REST + low) / NANOS_PER_MS);
  }

  /** The decimal digits of a fixed64. */
  fixed64Text(): string {
    this.need(8);
    this.at += 8;
    return this.bytes.readBigUInt64LE(this.at - 8).toString();
  }

  /** A field that nobody asked for. */
  skip(tag: number, end: number): void {
    if (tag < 8) throw malformedBody("a field has a number that cannot be");
    switch (tag & 7) {
      case 0:
        this.varint();
        break;
      case 1:
        this.at += 8;
        break;
      case 2:
        this.at = this.delimited(end);
        break;
      case 5:
        this.at += 4;
        break;
      default:
        throw malformedBody(`a field has the wire type ${tag & 7}`);
    }
    if (this.at > end) throw malformedBody("a field is longer than the message that holds it");
  }

  /** To be called at the end of a message. */
  mustBeAt(end: number): void {
    if (this.at !== end) throw malformedBody("a message is longer than its length says");
  }

  /** Tags and lengths are UInt32: none is longer than five bytes. */
  private shortVarint(): number {
    const start = this.at;
    const value = this.varint();
    if (this.at - start > SHORT_BYTES_MAX) {
      throw malformedBody("a tag or a length is longer than 5 bytes");
    }
    if (value > UINT32_MAX) throw malformedBody("a tag or a length is beyond 2^32");
    return value;
  }

  private longVarint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.bytes[this.at];
      if (byte === undefined) throw malformedBody("it ends within a number");
      this.at++;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw malformedBody("a number is longer than 10 bytes");
  }

  private bigInt(start: number): bigint {
    let value = 0n;
    for (let at = this.at - 1; at >= start; at--) {
      value = (value << 7n) | BigInt(this.bytes[at]! & 0x7f);
    }
    return BigInt.asIntN(64, value);
  }

  private need(bytes: number): void {
    if (this.at + bytes > this.bytes.length) throw malformedBody("it ends within a number");
  }
}

export function malformedBody(what: string): DriftmendError {
  return new DriftmendError("request_malformed", {
    retry: "never",
    message: `Cannot read the request as what its content type says: ${what}`,
    next: "Send the body as the OTLP specification, or the door's page in the docs, describes it.",
  });
}
