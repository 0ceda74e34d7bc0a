/**
 * Passes HTTP on to the model server, byte for byte, and keeps a copy of inference calls beside the path: nothing that
 * happens to a copy touches the caller. What is changed is whom a request is addressed to; what is added is one header
 * of the answer, `x-prediction-id`.
 */
import { type Server, createServer } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { OnPassed } from "./call-copy.ts";
import { KEEP_ALIVE_MS, PassedConnection } from "./passed-connection.ts";
import { CopyBudget } from "./tee.ts";

export interface PassDeps {
  readonly clock: Clock;
  readonly upstream: URL;
  readonly onPassed: OnPassed;
  readonly onUpstreamError: (error: Error) => void;
  /**
   * Passed without being captured. `unread`: a connection whose messages are not understood, from there on, or a call whose
   * head is too large; `shed`: a call for which there is no room.
   */
  readonly onPassedBy: (why: "unread" | "shed") => void;
}

export interface Pass {
  readonly server: Server;
  /** Ends each connection once nothing is asked on it. */
  readonly end: () => void;
  /** Cuts those that are left. */
  readonly cut: () => void;
}

export function createPass(deps: PassDeps): Pass {
  const open = new Set<PassedConnection>();
  const all = { ...deps, budget: new CopyBudget() };
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
    (caller) => {
      const connection = new PassedConnection(caller, all);
      open.add(connection);
      caller.on("close", () => open.delete(connection));
    },
  );
  return {
    server,
    end: () => {
      for (const connection of open) connection.end();
    },
    cut: () => {
      for (const connection of open) connection.destroy();
    },
  };
}
