/**
 * A copy of what passes, up to a maximum of all copies together; what is beyond it passes without one. It is a copy
 * indeed: a part of what a socket gave would keep all of that in memory, framing and neighbours too.
 */
import { LIMITS } from "../../contract/limits.ts";

/** Bytes that all copies hold. */
export class CopyBudget {
  bytes = 0;

  hasRoomFor(bytes: number): boolean {
    return this.bytes + bytes <= LIMITS.proxyCopiesBytesMax;
  }
}

const FIRST_BYTES = 1024;
const NONE = Buffer.alloc(0);

export class Tee {
  private readonly budget: CopyBudget;
  /** What is held besides, as a head. */
  private readonly besides: number;
  private buffer: Buffer = NONE;
  /** Bytes of the copy. */
  length = 0;
  private tooMuch = false;
  private isDropped = false;

  /** @param besides bytes that are held as long as the copy, and count too */
  constructor(budget: CopyBudget, besides = 0) {
    this.budget = budget;
    this.besides = besides;
    budget.bytes += besides;
  }

  add(chunk: Buffer): void {
    // What passes after the copy was taken over, or given up, is not kept.
    if (this.tooMuch || this.isDropped) return;
    const length = this.length + chunk.length;
    if (length > LIMITS.proxyCopyBytesMax || !this.hasGrownTo(length)) {
      this.tooMuch = true;
      this.release();
      return;
    }
    chunk.copy(this.buffer, this.length);
    this.length = length;
  }

  /** Null where it was too much. */
  whole(): Buffer | null {
    return this.tooMuch ? null : this.buffer.subarray(0, this.length);
  }

  /** Gives the memory back, for good. */
  drop(): void {
    if (this.isDropped) return;
    this.isDropped = true;
    this.budget.bytes -= this.besides;
    this.release();
  }

  private hasGrownTo(bytes: number): boolean {
    const { buffer, budget } = this;
    if (bytes <= buffer.length) return true;
    const twice = Math.min(2 * buffer.length, LIMITS.proxyCopyBytesMax);
    const larger = Math.max(bytes, twice, FIRST_BYTES);
    if (!budget.hasRoomFor(larger)) return false;
    budget.bytes += larger - buffer.length;
    this.buffer = Buffer.allocUnsafeSlow(larger);
    buffer.copy(this.buffer, 0, 0, this.length);
    return true;
  }

  private release(): void {
    this.budget.bytes -= this.buffer.length;
    this.buffer = NONE;
    this.length = 0;
  }
}
