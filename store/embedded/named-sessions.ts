/** Sessions that a client names (session_id): one request at a time each, forgotten when idle. */
import type { Clock } from "../../runtime/clock.ts";
import { exception } from "./exception.ts";

export interface NamedSessions {
  /**
   * Marks the session as used by one request.
   * @throws {EngineException} SESSION_IS_LOCKED, SESSION_NOT_FOUND, TOO_MANY_SIMULTANEOUS_QUERIES
   */
  begin(key: string, timeoutSeconds: number, mustExist: boolean): { end(): void };
  /** Forgets what has been idle for its timeout. */
  expire(): void;
}

const TIMEOUT_SECONDS_MAX = 3600;

export function createNamedSessions(
  sessionsMax: number,
  deps: { clock: Clock; forget: (key: string) => void },
): NamedSessions {
  const sessions = new Map<string, { busy: boolean; timeoutMs: number; idleSinceMs: number }>();
  return {
    begin: (key, timeoutSeconds, mustExist) => {
      const known = sessions.get(key);
      if (known === undefined && mustExist)
        throw exception("SESSION_NOT_FOUND", "Session not found");
      if (known?.busy === true) {
        throw exception("SESSION_IS_LOCKED", "Session is locked by a concurrent client");
      }
      if (known === undefined && sessions.size >= sessionsMax) {
        throw exception(
          "TOO_MANY_SIMULTANEOUS_QUERIES",
          `At most ${sessionsMax} sessions may be open`,
        );
      }
      const seconds = Math.min(Math.max(timeoutSeconds || 60, 1), TIMEOUT_SECONDS_MAX);
      const session = {
        busy: true,
        timeoutMs: seconds * 1000,
        idleSinceMs: deps.clock.monotonicMs(),
      };
      sessions.set(key, session);
      return {
        end: () => {
          session.busy = false;
          session.idleSinceMs = deps.clock.monotonicMs();
        },
      };
    },
    expire: () => {
      const now = deps.clock.monotonicMs();
      for (const [key, { busy, timeoutMs, idleSinceMs }] of sessions) {
        if (busy || now - idleSinceMs < timeoutMs) continue;
        sessions.delete(key);
        deps.forget(key);
      }
    },
  };
}
