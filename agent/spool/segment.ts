/** One append-only file of frames. It is cut back when a write fails, so that it only ever ends in a whole frame. */
import { type FileHandle, open, readFile, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DriftmendError } from "../../contract/driftmend-error.ts";

export interface Segment {
  readonly path: string;
  readonly firstSeq: number;
  bytes: number;
}

const SUFFIX = ".frames";

export function segmentPath(folder: string, firstSeq: number): string {
  return join(folder, String(firstSeq).padStart(16, "0") + SUFFIX);
}

/** The first seq that a file's name tells; null for files that are no segments. */
export function firstSeqOf(path: string): number | null {
  const match = /^(\d{16})\.frames$/.exec(basename(path));
  return match === null ? null : Number(match[1]);
}

export class SegmentWriter {
  readonly segment: Segment;
  private readonly file: FileHandle;

  private constructor(segment: Segment, file: FileHandle) {
    this.segment = segment;
    this.file = file;
  }

  /** Makes the file, and its entry in the folder durable. */
  static async create(folder: string, firstSeq: number): Promise<SegmentWriter> {
    const path = segmentPath(folder, firstSeq);
    const file = await open(path, "wx+", 0o600);
    try {
      await syncFolder(dirname(path));
    } catch (error) {
      await file.close();
      await unlink(path).catch(() => undefined);
      throw error;
    }
    return new SegmentWriter({ path, firstSeq, bytes: 0 }, file);
  }

  static async reopen(segment: Segment): Promise<SegmentWriter> {
    return new SegmentWriter(segment, await open(segment.path, "r+"));
  }

  /**
   * Appends and fsyncs all frames, or none: after a failure the file is as it was.
   * @throws {DriftmendError} spool_broken when it could not be cut back; the process must not go on
   */
  async append(frames: readonly Uint8Array[]): Promise<void> {
    const before = this.segment.bytes;
    let at = before;
    try {
      for (const frame of frames) at = await this.write(frame, at);
      await this.file.datasync();
    } catch (error) {
      await this.cutBack(before, error);
      throw error;
    }
    this.segment.bytes = at;
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  private async write(bytes: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await this.file.write(
        bytes,
        done,
        bytes.length - done,
        position + done,
      );
      done += bytesWritten;
    }
    return position + done;
  }

  private async cutBack(bytes: number, reason: unknown): Promise<void> {
    try {
      await this.file.truncate(bytes);
      await this.file.datasync();
    } catch (cause) {
      throw new DriftmendError("spool_broken", {
        retry: "later",
        message: `Cannot cut back "${this.segment.path}" after a failed write (${String(reason)}): ${String(cause)}`,
        next: "Check the disk; the agent starts again from what is whole.",
        cause,
      });
    }
  }
}

export async function readSegment(segment: Segment): Promise<Buffer> {
  return await readFile(segment.path);
}

/** `bytes` bytes from `offset`. */
export async function readFromSegment(
  segment: Segment,
  offset: number,
  bytes: number,
): Promise<Buffer> {
  const file = await open(segment.path, "r");
  try {
    const buffer = Buffer.allocUnsafe(bytes);
    let done = 0;
    while (done < bytes) {
      const { bytesRead } = await file.read(buffer, done, bytes - done, offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return buffer.subarray(0, done);
  } finally {
    await file.close();
  }
}

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
