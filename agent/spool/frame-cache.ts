/** Frames that were just written, kept until they are published so that they need not be read again. */
import { LIMITS } from "../../contract/limits.ts";

export class FrameCache {
  private readonly frames = new Map<number, Buffer>();
  private bytes = 0;

  get(seq: number): Buffer | undefined {
    return this.frames.get(seq);
  }

  /** Keeps the frame unless the cache is full: it is on disk. */
  add(seq: number, frame: Buffer): void {
    if (this.bytes + frame.length > LIMITS.publishCacheBytesMax) return;
    this.frames.set(seq, frame);
    this.bytes += frame.length;
  }

  delete(seq: number): void {
    const frame = this.frames.get(seq);
    if (frame === undefined) return;
    this.frames.delete(seq);
    this.bytes -= frame.length;
  }

  clear(): void {
    this.frames.clear();
    this.bytes = 0;
  }
}
