/** JSON as text, so that it can have what no encoder writes: keys that stand twice, lone surrogates, huge numbers, depth. */
import type { Random } from "../../runtime/random.ts";
import {
  PROTOTYPE_NAMES,
  chance,
  hostileNumber,
  hostileText,
  pick,
  sized,
} from "./hostile-values.ts";

export type Entry = readonly [key: string, json: string];

/** Also as JSON has it with escapes, among them of halves of surrogate pairs. */
export function jsonString(random: Random, text: string): string {
  const json = JSON.stringify(text);
  return chance(random, 0.02) ? json.replace(/[a-z]/, "\\u0061") : json;
}

const STRANGE_NUMBERS = ["1e400", "-1e400", "18446744073709551616", "-0", "1E5", "0.1e-400"];

export function jsonNumber(random: Random): string {
  if (chance(random, 0.1)) return pick(random, STRANGE_NUMBERS);
  const value = hostileNumber(random);
  if (Number.isFinite(value)) return String(value);
  return chance(random, 0.5) ? JSON.stringify(String(value)) : "1e999";
}

/** Objects that cannot be made a text or a number of. */
const UNTHINKABLE = [
  '{"toString":null,"valueOf":null}',
  '{"toString":1,"valueOf":2}',
  '{"__proto__":null,"length":9007199254740991}',
  '{"constructor":{"prototype":{}}}',
] as const;

/** Any JSON value. */
export function jsonValue(random: Random, depth = 0): string {
  const kind = random.next();
  if (kind < 0.3) return jsonString(random, hostileText(random));
  if (kind < 0.6) return jsonNumber(random);
  if (kind < 0.72) return pick(random, ["true", "false", "null", "[]", "{}"]);
  if (kind < 0.75) return pick(random, UNTHINKABLE);
  if (kind < 0.752) return nestedJson(random);
  if (depth > 3) return '"deep"';
  if (kind < 0.88) {
    return `[${Array.from({ length: sized(random, 6) }, () => jsonValue(random, depth + 1)).join(",")}]`;
  }
  const keys = Array.from({ length: sized(random, 6) }, () => hostileText(random).slice(0, 50));
  return jsonObject(
    random,
    keys.map((key) => [key, jsonValue(random, depth + 1)]),
  );
}

/** Deeper than any stack of calls, or nearly. */
export function nestedJson(random: Random): string {
  const depth = pick(random, [20, 100, 1_000, 8_000, 60_000]);
  if (chance(random, 0.5)) return "[".repeat(depth) + "]".repeat(depth);
  return '{"a":'.repeat(depth) + "1" + "}".repeat(depth);
}

/** The entries in this order, mostly. */
export function jsonObject(random: Random, entries: readonly Entry[]): string {
  const some = [...entries];
  if (chance(random, 0.05) && some.length > 0) {
    const [key] = pick(random, some);
    some.push([key, jsonValue(random, 3)]);
  }
  if (chance(random, 0.05)) some.push([pick(random, PROTOTYPE_NAMES), jsonValue(random, 3)]);
  if (chance(random, 0.05) && some.length > 0) some.splice(random.integer(some.length), 1);
  return `{${some.map(([key, json]) => `${jsonString(random, key)}:${json}`).join(",")}}`;
}

/** One in twenty values is any other one. */
export const or = (random: Random, json: string): string =>
  chance(random, 0.05) ? jsonValue(random) : json;
