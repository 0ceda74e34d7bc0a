/** Requests to the API of this origin: with the token, with what is known already, and with problems as values. */
import type { ProblemView } from "../../contract/views.ts";
import { type Problem, UNREACHABLE, problemOf } from "./problem.ts";

export type Answer<T> =
  | { readonly kind: "new"; readonly data: T; readonly tag: string | null }
  | { readonly kind: "same" }
  | { readonly kind: "problem"; readonly problem: Problem };

export interface Client {
  get<T>(path: string, known: string | null, signal: AbortSignal): Promise<Answer<T>>;
  post<T>(path: string, body: object): Promise<Answer<T>>;
}

export function createClient(token: string | null): Client {
  const own: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  return {
    get: async (path, known, signal) => {
      const headers = known === null ? own : { ...own, "if-none-match": known };
      return ask(path, { headers, signal });
    },
    post: async (path, body) =>
      ask(path, {
        method: "POST",
        headers: { ...own, "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
  };
}

async function ask<T>(path: string, init: RequestInit): Promise<Answer<T>> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, cache: "no-store", credentials: "omit" });
  } catch {
    return { kind: "problem", problem: UNREACHABLE };
  }
  if (response.status === 304) return { kind: "same" };
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return { kind: "new", data: body as T, tag: response.headers.get("etag") };
  return {
    kind: "problem",
    problem: problemOf(response.status, body as Partial<ProblemView> | null),
  };
}
