/** Keys and values of OTLP (common.proto, KeyValue) that come again and again, encoded once. */
import type { ProtobufWriter } from "./protobuf-writer.ts";

export type Value = number | string | boolean | null | undefined;

/** So many are kept; beyond it they are encoded each time. */
const KNOWN_MAX = 20_000;
const KNOWN_CHARACTERS = 64;

export class KnownPairs {
  private readonly tag: number;
  private readonly heads = new Map<string, Buffer>();
  /** By what was given as it stands: to build a key of both would cost more than to encode. */
  private readonly texts = new Map<string, Map<string | boolean, Buffer>>();
  private kept = 0;

  /** Of attributes of a record, or of entries of a map. */
  constructor(tag: number) {
    this.tag = tag;
  }

  /** A key with its value; what is null is left out. */
  write(out: ProtobufWriter, key: string, value: Value): void {
    if (typeof value === "number") {
      out.copy(this.head(key));
      out.double(value);
    } else if (value !== null && value !== undefined) out.copy(this.pair(key, value));
  }

  /** All of a number's pair but its eight bytes. */
  head(key: string): Buffer {
    const known = this.heads.get(key);
    if (known !== undefined) return known;
    const name = nameBytes(key);
    const bytes = Buffer.concat([
      head(this.tag, name.length + 11),
      ...[name, Buffer.from([0x12, 9, 0x21])],
    ]);
    if (this.kept++ < KNOWN_MAX) this.heads.set(key, bytes);
    return bytes;
  }

  pair(key: string, value: string | boolean): Buffer {
    const byValue = this.texts.get(key);
    const known = byValue?.get(value);
    if (known !== undefined) return known;
    const bytes = this.encode(key, value);
    const isShort = typeof value === "boolean" || value.length <= KNOWN_CHARACTERS;
    if (!isShort || this.kept++ >= KNOWN_MAX) return bytes;
    if (byValue === undefined) this.texts.set(key, new Map([[value, bytes]]));
    else byValue.set(value, bytes);
    return bytes;
  }

  /** @throws {TypeError} of what is no scalar, which only callers without types give */
  private encode(key: string, value: string | boolean): Buffer {
    if (typeof value === "object") throw new TypeError(`"${key}" is no number, text or boolean`);
    const any =
      typeof value === "boolean"
        ? Buffer.from([0x10, value ? 1 : 0])
        : delimited(0x0a, Buffer.from(value));
    return delimited(this.tag, Buffer.concat([nameBytes(key), delimited(0x12, any)]));
  }
}

export const nameBytes = (key: string): Buffer => delimited(0x0a, Buffer.from(key));

/** Tag and length. */
function head(tag: number, length: number): Buffer {
  const bytes = [tag];
  let rest = length;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

function delimited(tag: number, content: Buffer): Buffer {
  return Buffer.concat([head(tag, content.length), content]);
}
