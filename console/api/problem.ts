/** What went wrong with a request, in words for a person, whatever the cause. */
import type { ProblemView } from "../../contract/views.ts";

export interface Problem {
  readonly kind: "no-token" | "not-found" | "refused" | "unavailable" | "unreachable";
  readonly title: string;
  readonly detail: string;
  readonly next: string | null;
}

export const UNREACHABLE: Problem = {
  kind: "unreachable",
  title: "No connection",
  detail:
    "The address of this page does not answer: Driftmend was stopped, or the network is down.",
  next: "In the terminal it was started from: npm start. Data that is stored stays.",
};

/** @param answer the problem document, where there is one */
export function problemOf(status: number, answer: Partial<ProblemView> | null): Problem {
  const detail = answer?.detail ?? `The server answered ${status}.`;
  const next = answer?.next ?? null;
  if (status === 401) {
    return {
      kind: "no-token",
      title: "This page needs its token",
      detail: "It was opened without the token of this system, or with that of another one.",
      next: "npx driftmend status",
    };
  }
  if (status === 404)
    return { kind: "not-found", title: "Nothing here by that name", detail, next };
  if (status >= 500) {
    return { kind: "unavailable", title: "A service does not answer", detail, next };
  }
  return { kind: "refused", title: "This was refused", detail, next };
}
