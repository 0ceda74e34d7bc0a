/** What V8 makes of memory, for processes through which data stream. */
import { setFlagsFromString } from "node:v8";

/**
 * Buffers lie outside V8's heap, and by default it marks the whole heap again after each 64 MiB of them: a collector
 * spent half of its time so. Counted together with the heap they are collected when both together have doubled; left to
 * itself V8 collects a small heap's long before, twice a second under load. To be called before the first buffers are
 * made; concerns the whole process.
 */
export function collectBuffersWithHeap(): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  setFlagsFromString("--external-memory-max-growing-factor=2");
  setFlagsFromString("--heap-growing-percent=100");
}

/**
 * For a process that shall stay small: old objects are collected when their heap has grown by half, where V8 lets it
 * become several times as large. That is cheap where little lives long. Concerns the whole process.
 */
export function collectOldObjectsSoon(): void {
  setFlagsFromString("--heap-growing-percent=50");
}

/**
 * Gives the memory of bytes back now, where a collection would come when much has gathered: whoever still has them finds
 * them empty. Nothing is done to those that share their memory with others.
 */
export function freeBytes(bytes: Uint8Array): void {
  if (bytes.buffer.byteLength === bytes.length) freeWhole(bytes);
}

/** As `freeBytes`, with all of the memory that they are a part of. */
export function freeWhole({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/** The largest memory that messages which came together may share: what is read from a socket at once. */
const SHARED_BYTES_MAX = 65_536;

/** As `freeWhole`, of a message's part: one that is larger than a read from its socket lies in memory of its own. */
export function freeOwn(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength > SHARED_BYTES_MAX) freeWhole(bytes);
}
