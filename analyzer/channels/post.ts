/**
 * One HTTP request to a receiver that may be slow, broken or hostile: bounded in time and in what is read,
 * redirects are answers and not followed (a signed alert goes where it was meant to go).
 */
import { LIMITS } from "../../contract/limits.ts";
import { type Answer, retryAfterMs } from "../notify/retry.ts";
import type { HttpRequest } from "./requests.ts";

/** Refusals of this message; any other failure would meet every message. */
const REFUSED = new Set([400, 413, 422]);

/** @param nowMs for a Retry-After that is a date */
export async function post(request: HttpRequest, nowMs: number): Promise<Answer> {
  const { url, headers, body } = request;
  const signal = AbortSignal.timeout(LIMITS.notificationTimeoutMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body,
      signal,
      redirect: "manual",
    });
    const text = await beginOf(response);
    if (response.ok) return { kind: "delivered", detail: `answered ${response.status}` };
    return {
      kind: REFUSED.has(response.status) ? "refused" : "unreachable",
      detail: describe(response, text),
      retryAfterMs: retryAfterMs(response.headers.get("retry-after"), nowMs),
    };
  } catch (error) {
    return { kind: "unreachable", detail: reasonOf(error), retryAfterMs: null };
  }
}

function describe(response: Response, text: string): string {
  if (response.status >= 300 && response.status < 400) {
    const where = hostOf(response.headers.get("location"));
    return `answered ${response.status}, a redirect to ${where}, which is not followed: configure the address that it leads to`;
  }
  const said = text.trim().replaceAll(/\s+/g, " ").slice(0, 200);
  return `answered ${response.status}${said === "" ? "" : `: ${said}`}`;
}

/** Without path and query, which may be secrets. */
function hostOf(location: string | null): string {
  if (location === null) return "nowhere";
  const url = URL.parse(location);
  return url === null ? "another path" : url.host;
}

async function beginOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  try {
    while (text.length < LIMITS.notificationAnswerBytesMax) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  return text.slice(0, LIMITS.notificationAnswerBytesMax);
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") {
    return `no answer within ${LIMITS.notificationTimeoutMs / 1000} s`;
  }
  const { cause } = error;
  return cause instanceof Error && cause.message !== ""
    ? cause.message
    : (causeCode(cause) ?? error.message);
}

const causeCode = (cause: unknown): string | null =>
  cause instanceof Error && "code" in cause ? String(cause.code) : null;
