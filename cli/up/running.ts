/** A started process as the supervisor holds it, whatever kind of program it is. */
import type { Exit } from "./after-exit.ts";

export interface Running {
  readonly pid: number;
  /** Resolves with its URL when it can work; rejects never: look at `exited`. */
  readonly ready: Promise<string>;
  readonly exited: Promise<Exit>;
  /** SIGTERM. */
  terminate(): void;
  /** SIGKILL to it and all that it started. */
  kill(): void;
}
