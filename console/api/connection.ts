/** Whether the system answers: what the head of the page says, from what all requests met. */
import type { Problem } from "./problem.ts";

export type ConnectionState =
  | { readonly kind: "connecting" }
  | { readonly kind: "live"; readonly atMs: number }
  | { readonly kind: "lost"; readonly sinceMs: number | null; readonly problem: Problem };

/** The state after one more answer: a page that was live remembers since when it is not. */
export function nextState(
  before: ConnectionState,
  problem: Problem | null,
  atMs: number,
): ConnectionState {
  const counts =
    problem?.kind === "unreachable" ||
    problem?.kind === "unavailable" ||
    problem?.kind === "no-token";
  if (problem === null || !counts) return { kind: "live", atMs };
  if (before.kind === "lost") return { ...before, problem };
  return { kind: "lost", sinceMs: before.kind === "live" ? before.atMs : null, problem };
}

export interface Connection {
  heard(problem: Problem | null, atMs: number): void;
  state(): ConnectionState;
  subscribe(listener: () => void): () => void;
}

export function createConnection(): Connection {
  let state: ConnectionState = { kind: "connecting" };
  const listeners = new Set<() => void>();
  return {
    heard: (problem, atMs) => {
      state = nextState(state, problem, atMs);
      for (const listener of listeners) listener();
    },
    state: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
