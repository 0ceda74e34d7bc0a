/**
 * A child's log: it writes into the file itself, so nothing is lost with us, not even what a crashing
 * runtime says last. The size is bounded by moving the content aside when it has grown too large.
 */
import { closeSync, copyFileSync, openSync, readSync, statSync, truncateSync } from "node:fs";

const LOG_BYTES_MAX = 8 * 1024 * 1024;
const TAIL_BYTES = 4_096;

export interface Log {
  readonly fd: number;
  /** Size when it was opened: what stands before was said by an earlier life. */
  readonly fromByte: number;
  close(): void;
}

/** Opens for appending; the caller hands the descriptor to the child and closes it. */
export function openLog(path: string): Log {
  trimLog(path);
  const fromByte = sizeOf(path);
  const fd = openSync(path, "a", 0o600);
  return { fd, fromByte, close: () => closeSync(fd) };
}

/** Moves a log that has grown too large to `<path>.1`; whoever appends goes on at its new end. */
export function trimLog(path: string, bytesMax = LOG_BYTES_MAX): void {
  if (sizeOf(path) <= bytesMax) return;
  copyFileSync(path, `${path}.1`);
  truncateSync(path, 0);
}

/** The last lines after `fromByte` that are not empty, for a person who asks why it ended. */
export function lastLines(path: string, lines: number, fromByte = 0): string[] {
  const size = sizeOf(path);
  // A log that is smaller than it was has been moved aside since.
  const available = size < fromByte ? size : size - fromByte;
  if (available === 0) return [];
  const fd = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(Math.min(TAIL_BYTES, available));
    readSync(fd, buffer, 0, buffer.length, size - buffer.length);
    return buffer
      .toString()
      .split("\n")
      .filter((line) => line.trim() !== "")
      .slice(-lines);
  } finally {
    closeSync(fd);
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
