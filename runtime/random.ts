/** Randomness as a dependency: uniform numbers in [0, 1), from a seed where a run must repeat. */
import { randomBytes } from "node:crypto";

export interface Random {
  /** The next number, uniform in [0, 1). */
  next(): number;
  /** An integer, uniform in [0, bound). */
  integer(bound: number): number;
}

/** Mulberry32 with the seed spread by SplitMix: 32 bits of state, enough for tests and plans. */
export function seededRandom(seed: number): Random {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), 1 | state);
    z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z;
    return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
  };
  return { next, integer: (bound) => Math.floor(next() * bound) };
}

export const systemRandom: Random = {
  next: () => randomBytes(4).readUInt32LE() / 4294967296,
  integer: (bound) => Math.floor((randomBytes(4).readUInt32LE() / 4294967296) * bound),
};
