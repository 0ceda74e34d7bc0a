/** Protobuf bytes written by hand, so that lengths can lie, fields stand twice or in any order, and numbers be overlong. */
import type { Random } from "../../runtime/random.ts";
import { chance, pick } from "./hostile-values.ts";

export type Field = Buffer;

/** As no encoder writes it, now and then: with zeros behind its end. */
export function varint(random: Random, value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  if (chance(random, 0.01)) {
    const more = random.integer(12 - bytes.length < 1 ? 1 : 12 - bytes.length);
    for (let i = 0; i < more; i++) {
      bytes[bytes.length - 1] = bytes.at(-1)! | 0x80;
      bytes.push(0);
    }
  }
  return Buffer.from(bytes);
}

const tag = (random: Random, number: number, wireType: number): Buffer =>
  varint(random, BigInt(number * 8 + wireType));

const LENGTH_LIES = [-1, 1, 2, 127, 65_536, 2 ** 31, 2 ** 32, 2 ** 53] as const;

export function delimited(random: Random, number: number, content: Uint8Array): Field {
  const lie = chance(random, 0.002) ? pick(random, LENGTH_LIES) : 0;
  const length = varint(random, BigInt(Math.max(content.length + lie, 0)));
  return Buffer.concat([tag(random, number, 2), length, content]);
}

export const text = (random: Random, number: number, value: string): Field =>
  delimited(random, number, Buffer.from(value));

export const whole = (random: Random, number: number, value: bigint): Field =>
  Buffer.concat([tag(random, number, 0), varint(random, value)]);

export function fixed64(random: Random, number: number, value: bigint): Field {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return Buffer.concat([tag(random, number, 1), bytes]);
}

export function double(random: Random, number: number, value: number): Field {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([tag(random, number, 1), bytes]);
}

/** A field that no schema knows, or of a type that none has. */
function unknown(random: Random): Field {
  const number = pick(random, [13, 100, 2_000, 536_870_911]);
  const type = chance(random, 0.95) ? pick(random, [0, 1, 2, 5]) : random.integer(8);
  const sizes: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
  if (type === 2) return delimited(random, number, Buffer.alloc(random.integer(5)));
  const content =
    type === 0 ? varint(random, BigInt(random.integer(1e9))) : Buffer.alloc(sizes[type] ?? 0, 7);
  return Buffer.concat([tag(random, number, type), content]);
}

/** The fields in this order, mostly; sometimes shuffled, doubled, or with strangers among them. */
export function message(random: Random, fields: readonly Field[]): Buffer {
  if (!chance(random, 0.06)) return Buffer.concat(fields);
  const some = [...fields];
  if (chance(random, 0.4)) some.splice(random.integer(some.length + 1), 0, unknown(random));
  if (chance(random, 0.3) && some.length > 0) some.push(pick(random, some));
  if (chance(random, 0.5)) some.sort(() => random.next() - 0.5);
  return Buffer.concat(some);
}
