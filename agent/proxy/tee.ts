/** A copy of what passes, up to a maximum of all copies together; what is beyond it passes without one. */
import { LIMITS } from "../../contract/limits.ts";

/** Bytes that all copies hold. */
export class CopyBudget {
  bytes = 0;
}

export class Tee {
  private readonly budget: CopyBudget;
  private parts: Buffer[] = [];
  /** Bytes that are held. */
  length = 0;
  private tooMuch = false;
  private isDropped = false;

  constructor(budget: CopyBudget) {
    this.budget = budget;
  }

  add(chunk: Buffer): void {
    // What passes after the copy was taken over, or given up, is not kept.
    if (this.tooMuch || this.isDropped) return;
    const isOver =
      this.length + chunk.length > LIMITS.proxyCopyBytesMax ||
      this.budget.bytes + chunk.length > LIMITS.proxyCopiesBytesMax;
    if (isOver) {
      this.giveBack();
      this.tooMuch = true;
      return;
    }
    this.parts.push(chunk);
    this.length += chunk.length;
    this.budget.bytes += chunk.length;
  }

  /** In the order in which it passed; null where it was too much. */
  whole(): readonly Buffer[] | null {
    return this.tooMuch ? null : this.parts;
  }

  /** Gives the memory back, for good. */
  drop(): void {
    this.isDropped = true;
    this.giveBack();
  }

  private giveBack(): void {
    this.budget.bytes -= this.length;
    this.parts = [];
    this.length = 0;
  }
}
