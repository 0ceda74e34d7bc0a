/** A group that cannot be stored: where it is said, and where a person says that it is to be set aside. */
import { DriftmendError } from "../contract/driftmend-error.ts";
import { Signal } from "./signal.ts";

export interface Stuck {
  readonly n: number;
  readonly reason: string;
  readonly sinceMs: number;
  readonly attempts: number;
}

export class StuckGroup {
  /** Waits for a person. */
  current: Stuck | null = null;
  /** Fails and is tried again. */
  failing: Stuck | null = null;
  private by: string | null = null;
  private readonly decided = new Signal();

  /** Waits until a person decides; answers who it was, or null when aborted. */
  async waitForDecision(stuck: Stuck, abort: AbortSignal): Promise<string | null> {
    this.current = stuck;
    this.by = null;
    while (!abort.aborted && this.by === null) await this.decided.wait(abort);
    this.current = null;
    return this.by;
  }

  /** @throws {DriftmendError} conflict: another group is stuck, or none */
  setAside(n: number, by: string): void {
    if (this.current?.n !== n) {
      throw new DriftmendError("conflict", {
        retry: "never",
        message: `Cannot set group ${n} aside as it must be the one that cannot be stored: ${this.current === null ? "none is stuck" : `stuck is ${this.current.n}`}`,
        next: "GET /api/v1/storage names the group that is stuck, if there is one.",
      });
    }
    this.by = by;
    this.decided.raise();
  }
}
