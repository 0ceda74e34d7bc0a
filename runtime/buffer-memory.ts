/**
 * What V8 makes of buffers, for processes through which data stream. Buffers lie outside its heap, and by default
 * it marks the whole heap again after each 64 MiB of them: a collector spent half of its time so. Counted
 * together with the heap they are collected when both together have doubled.
 */
import { setFlagsFromString } from "node:v8";

/** To be called before the first buffers are made; concerns the whole process. */
export function collectBuffersWithHeap(): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  setFlagsFromString("--external-memory-max-growing-factor=2");
}
