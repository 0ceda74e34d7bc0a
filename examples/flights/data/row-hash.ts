/**
 * Fixed chance: a well-mixed number from a row's number, so that clients, late labels and failing
 * requests are the same on every machine and independent of the order in which rows are visited.
 */

/** 32 bits; different salts give independent numbers (MurmurHash3's finalizer, twice). */
export function rowHash(row: number, salt: number): number {
  return finalize((finalize((salt + 0x9e3779b9) >>> 0) ^ row) >>> 0);
}

/** Uniform in [0, 1). */
export const rowUniform = (row: number, salt: number): number => rowHash(row, salt) / 4294967296;

function finalize(value: number): number {
  let z = value;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}
