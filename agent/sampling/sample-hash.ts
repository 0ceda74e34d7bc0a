/**
 * By which predictions are sampled: a hash of the id's bytes, the same in every agent, on every day, for every
 * model, so that what one keeps all keep. It has nothing to do with the hashes by which rows are joined (SipHash)
 * or categories share cells (CRC-32): a sample is even in each of them.
 */

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
/** As many hashes as there are. */
export const HASHES = 2 ** 32;

/** FNV-1a of `bytes[start .. end)` with the last step of MurmurHash3, from 0 to 2^32 − 1. */
export function sampleHash(bytes: Uint8Array, start: number, end: number): number {
  let hash = FNV_OFFSET;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, FNV_PRIME);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Ids whose hash lies below are kept: `share` of them, and each that a smaller share keeps. */
export function keptBelow(share: number): number {
  return Math.min(Math.round(share * HASHES), HASHES);
}
