/**
 * Live values: an address of the API is asked again and again while somebody looks, cheaply where nothing
 * changed. A failed request keeps what was shown and says so; a tab that nobody sees asks nothing.
 */
import { createContext } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { after, nowMs } from "../clock.ts";
import type { Client } from "./client.ts";
import type { Connection } from "./connection.ts";
import type { Problem } from "./problem.ts";

export type Live<T> =
  | { readonly status: "loading" }
  | { readonly status: "ready"; readonly data: T; readonly atMs: number }
  /** What was shown before stays. */
  | { readonly status: "stale"; readonly data: T; readonly atMs: number; readonly problem: Problem }
  | { readonly status: "failed"; readonly problem: Problem };

export interface Api {
  readonly client: Client;
  readonly connection: Connection;
  readonly mayAct: boolean;
  /** Counts up when something was done: everything is asked again. */
  readonly acted: number;
  readonly act: () => void;
}

export const ApiContext = createContext<Api | null>(null);

export function useApi(): Api {
  const api = useContext(ApiContext);
  if (api === null) throw new Error("There is no API around this component");
  return api;
}

/** What stays is asked for again after this long. */
export const SECONDS = { often: 4_000, sometimes: 15_000, seldom: 60_000 } as const;

/**
 * @param path null: nothing yet
 * @param fresh another value asks anew at once: up to when the model is analysed, say
 */
export function useLive<T>(path: string | null, everyMs: number, fresh: string = ""): Live<T> {
  const { client, connection, acted } = useApi();
  const [held, setHeld] = useState<{ path: string | null; live: Live<T> }>(NOTHING);
  useEffect(() => {
    if (path === null) return undefined;
    const watch = startWatch<T>(path, everyMs, { client, connection }, (next) =>
      setHeld((before) => ({
        path,
        live: next(isSame(before.path, path) ? before.live : { status: "loading" }),
      })),
    );
    return watch;
  }, [path, everyMs, fresh, acted, client, connection]);
  // Another thing has another answer: the old one must not be shown under it.
  return isSame(held.path, path) ? held.live : { status: "loading" };
}

/** Whether two addresses ask for the same thing, of whichever span: what was shown stays until the new is there. */
const isSame = (a: string | null, b: string | null): boolean =>
  a !== null && b !== null && withoutSpan(a) === withoutSpan(b);

const withoutSpan = (path: string): string => path.replaceAll(/\b(?:from|to|weeks)=[^&]*&?/g, "");

/** The newest value, taken over at most so often: a replay's clock runs faster than anybody looks. */
export function useCalm<T>(value: T, everyMs: number): T {
  const [calm, setCalm] = useState(value);
  const newest = useRef(value);
  const takenMs = useRef(nowMs());
  newest.current = value;
  useEffect(() => {
    if (Object.is(value, calm)) return undefined;
    const wait = Math.max(0, takenMs.current + everyMs - nowMs());
    return after(wait, () => {
      takenMs.current = nowMs();
      setCalm(newest.current);
    });
  }, [value, calm, everyMs]);
  return calm;
}

const NOTHING = { path: null, live: { status: "loading" } } as const;

function startWatch<T>(
  path: string,
  everyMs: number,
  deps: { readonly client: Client; readonly connection: Connection },
  change: (next: (before: Live<T>) => Live<T>) => void,
): () => void {
  const gone = new AbortController();
  let tag: string | null = null;
  let cancel: () => void = () => undefined;
  const look = async (): Promise<void> => {
    const answer = await deps.client.get<T>(path, tag, gone.signal);
    if (gone.signal.aborted) return;
    const atMs = nowMs();
    if (answer.kind === "problem") {
      deps.connection.heard(answer.problem, atMs);
      change((before) => worse(before, answer.problem));
    } else {
      deps.connection.heard(null, atMs);
      if (answer.kind === "new") {
        tag = answer.tag;
        change(() => ({ status: "ready", data: answer.data, atMs }));
      } else change((before) => still(before, atMs));
    }
    cancel = after(everyMs, next);
  };
  const next = (): void => {
    if (!document.hidden) void look();
  };
  const seen = (): void => {
    cancel();
    next();
  };
  document.addEventListener("visibilitychange", seen);
  void look();
  return () => {
    gone.abort();
    cancel();
    document.removeEventListener("visibilitychange", seen);
  };
}

function worse<T>(before: Live<T>, problem: Problem): Live<T> {
  return before.status === "ready" || before.status === "stale"
    ? { ...before, status: "stale", problem }
    : { status: "failed", problem };
}

function still<T>(before: Live<T>, atMs: number): Live<T> {
  return before.status === "ready" || before.status === "stale"
    ? { status: "ready", data: before.data, atMs }
    : before;
}
