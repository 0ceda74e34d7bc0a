/** Texts, numbers and times that programs stumble over, drawn from one source of randomness. */
import type { Random } from "../../runtime/random.ts";
import { NOW_MS } from "../agent/capture-harness.ts";

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.integer(from.length)] as T;
}

export const chance = (random: Random, share: number): boolean => random.next() < share;

/** Numbers of all sizes alike: most small, some large. */
export const sized = (random: Random, max: number): number =>
  Math.floor((max + 1) ** random.next() - 1);

/** Names that objects of JavaScript know by themselves. */
export const PROTOTYPE_NAMES = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "valueOf",
  "hasOwnProperty",
] as const;

const PLAIN_TEXTS = [
  "",
  " ",
  "a",
  "m",
  "flights",
  "id-1",
  "ATL",
  "yes",
  "12.5",
  "-0",
  "0x1F",
  "1e999",
  "NaN",
  "Infinity",
  "null",
  "true",
  '{"a":1,"b":"x"}',
  "[1,2]",
  "ml.prediction",
  "ml.ground_truth",
  "wall",
] as const;

const STRANGE_TEXTS = [
  "\u0000",
  "a\u0000b",
  "\uFEFFbom",
  "\uD800",
  "x\uDC00y",
  "\uDBFF\uDFFF",
  "e\u0301",
  "\u202Egnp.exe",
  "🦆🦆🦆",
  "\uFFFD",
  "line\nbreak",
  "carriage\r\nreturn",
  "tab\t",
  '"quoted"',
  "back\\slash",
  "' OR 1=1 --",
  "{x:String}",
  "%00%2e%2e",
  "$&",
  "../../etc",
] as const;

/** Lone surrogates and control characters among them; now and then thousands of characters. */
export function hostileText(random: Random): string {
  const kind = random.next();
  if (kind < 0.5) return pick(random, PLAIN_TEXTS);
  if (kind < 0.7) return pick(random, STRANGE_TEXTS);
  if (kind < 0.8) return pick(random, PROTOTYPE_NAMES);
  const letter = pick(random, ["a", "é", "漢", "🦆", "\uD800", "0", " ", "["]);
  if (kind < 0.97) return letter.repeat(1 + random.integer(40));
  return letter.repeat(1 + sized(random, 3_000));
}

const NUMBERS = [
  0,
  -0,
  1,
  -1,
  0.5,
  1e-300,
  5e-324,
  1e300,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 63,
  2 ** 64,
  -(2 ** 63),
  Number.MAX_VALUE,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
] as const;

export function hostileNumber(random: Random): number {
  if (chance(random, 0.5)) return pick(random, NUMBERS);
  return (random.next() - 0.5) * 10 ** random.integer(20);
}

const INTEGERS = [
  0n,
  1n,
  127n,
  128n,
  255n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n - 1n,
  -1n,
  -(2n ** 63n),
] as const;

/** Signed 64-bit. */
export function hostileInteger(random: Random): bigint {
  return chance(random, 0.5) ? pick(random, INTEGERS) : BigInt(random.integer(1_000_000));
}

const NOW_NANOS = BigInt(NOW_MS) * 1_000_000n;
const NANOS = [
  0n,
  1n,
  NOW_NANOS + 3_600_000_000_000n,
  NOW_NANOS + 3_600_001_000_000n,
  BigInt(Date.UTC(2100, 0)) * 1_000_000n,
  2n ** 63n,
  2n ** 64n - 1n,
] as const;

/** Mostly now, unsigned 64-bit. */
export function hostileNanos(random: Random): bigint {
  if (chance(random, 0.7)) return NOW_NANOS - BigInt(random.integer(1_000_000)) * 1_000_000n;
  return pick(random, NANOS);
}

const TIMES = [
  new Date(NOW_MS).toISOString(),
  "1970-01-01T00:00:00Z",
  "0001-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999Z",
  "2026-02-30T00:00:00Z",
  "2026-01-15 12:00:00+01:00",
  "2026-01-15T12:00:00",
  "wall",
  "yesterday",
  String(NOW_NANOS),
  "99999999999999999999",
  "-5",
] as const;

export const hostileTime = (random: Random): string =>
  chance(random, 0.5) ? TIMES[0] : pick(random, TIMES);
