/** A little space that is given up when the disk is full, so that freeing frames, which must write first, still works. */
import { unlink, writeFile } from "node:fs/promises";
import { DriftmendError } from "../../contract/driftmend-error.ts";

const RESERVE_BYTES = 256 * 1024;

/** True for what happens when a disk, a quota or a file-size limit is exhausted. */
export function isDiskFull(error: unknown): boolean {
  if (error instanceof DriftmendError) return false;
  const code = error instanceof Error && "code" in error ? error.code : "";
  return code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG";
}

/** What a sender is told then. */
export function diskFull(cause: unknown): DriftmendError {
  return new DriftmendError("disk_full", {
    retry: "later",
    message: `Cannot take the request in as it must be on disk before the answer: ${String(cause)}`,
    next: "Free space on the disk of DRIFTMEND_SPOOL_DIR; the agent goes on by itself.",
    cause,
  });
}

export class DiskReserve {
  private readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Takes the space; on a full disk there is none, and that is no error. */
  async take(): Promise<void> {
    await writeFile(this.path, Buffer.alloc(RESERVE_BYTES)).catch(() => undefined);
  }

  /**
   * Runs `action`, again with the reserve's space if the disk was full, and once more after `lastResort` where that was
   * not enough, or somebody else had taken the reserve's space.
   */
  async spend(action: () => Promise<void>, lastResort?: () => Promise<void>): Promise<void> {
    if (await hasRoomFor(action)) return;
    await unlink(this.path).catch(() => undefined);
    if (lastResort === undefined) return action();
    if (await hasRoomFor(action)) return;
    await lastResort();
    await action();
  }
}

/** False when the disk is full. */
async function hasRoomFor(action: () => Promise<void>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    if (isDiskFull(error)) return false;
    throw error;
  }
}
