/** Damage to bytes without knowing what they mean: what comes after the generators, which do know. */
import type { Random } from "../../runtime/random.ts";
import { pick, sized } from "./hostile-values.ts";

type Mutation = (random: Random, bytes: Buffer, other: Buffer) => Buffer;

const at = (random: Random, bytes: Buffer): number => random.integer(bytes.length + 1);

function replaced(bytes: Buffer, from: number, to: number, by: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(Math.max(from, to))]);
}

/** Numbers that lengths, counts and tags are lied about with, as varints and in fixed width. */
const LIES: readonly (readonly number[])[] = [
  [0x00],
  [0x7f],
  [0xff],
  [0x80, 0x00],
  [0x80, 0x80, 0x80, 0x80, 0x00],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x10],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0x7f],
  [0x00, 0x00, 0x00, 0x80],
];
const NOT_UTF8: readonly (readonly number[])[] = [
  [0x80],
  [0xc0, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf5, 0x80, 0x80, 0x80],
  [0xef, 0xbb, 0xbf],
];

const MUTATIONS: readonly Mutation[] = [
  (random, bytes) => {
    const copy = Buffer.from(bytes);
    for (let flips = 1 + random.integer(3); flips > 0 && copy.length > 0; flips--) {
      const place = random.integer(copy.length);
      copy[place] = copy[place]! ^ (1 << random.integer(8));
    }
    return copy;
  },
  (random, bytes) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[random.integer(copy.length)] = random.integer(256);
    return copy;
  },
  (random, bytes) => {
    const from = at(random, bytes);
    return replaced(bytes, from, from + 1 + sized(random, 30), new Uint8Array());
  },
  (random, bytes) => {
    const from = at(random, bytes);
    const noise = Uint8Array.from({ length: 1 + sized(random, 30) }, () => random.integer(256));
    return replaced(bytes, from, from, noise);
  },
  (random, bytes) => {
    const from = at(random, bytes);
    return replaced(bytes, from, from + random.integer(3), Uint8Array.from(pick(random, LIES)));
  },
  (random, bytes) => {
    const from = at(random, bytes);
    return replaced(bytes, from, from, Uint8Array.from(pick(random, NOT_UTF8)));
  },
  (random, bytes) => bytes.subarray(0, at(random, bytes)),
  (random, bytes, other) =>
    Buffer.concat([bytes.subarray(0, at(random, bytes)), other.subarray(at(random, other))]),
  (random, bytes) => {
    const from = at(random, bytes);
    const part = bytes.subarray(from, from + 1 + sized(random, 200));
    return replaced(bytes, from, from, part);
  },
];

/** Between one and three damages; `other` is what it is spliced with. */
export function mutate(random: Random, bytes: Buffer, other: Buffer): Buffer {
  let damaged = bytes;
  for (let count = 1 + random.integer(3); count > 0; count--) {
    damaged = pick(random, MUTATIONS)(random, damaged, other);
  }
  return damaged;
}
