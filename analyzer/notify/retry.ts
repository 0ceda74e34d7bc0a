/** When a message that was not taken is tried again, and when it is given up: a pure decision. */
import { LIMITS } from "../../contract/limits.ts";

/**
 * What a channel made of a message. `unreachable`: it, or the way there, fails; nothing else would get
 * through either. `refused`: it does not want this message.
 */
export type Answer =
  | { readonly kind: "delivered"; readonly detail: string }
  | {
      readonly kind: "unreachable" | "refused";
      readonly detail: string;
      /** What it asked for by Retry-After. */
      readonly retryAfterMs: number | null;
    };

export type Failure = Exclude<Answer, { readonly kind: "delivered" }>;

export type NextTry =
  | { readonly kind: "again"; readonly dueMs: number }
  | { readonly kind: "give-up"; readonly reason: string };

const FIRST_BACKOFF_MS = 1_000;

/**
 * @param attempts made so far, the failed one included
 * @param chance uniform in [0, 1): many senders that lost one receiver must not come back together
 */
export function nextTry(
  failure: Failure,
  attempts: number,
  firstMs: number,
  nowMs: number,
  chance: number,
): NextTry {
  const afterMs =
    failure.kind === "refused" ? LIMITS.notificationRefusedGiveUpMs : LIMITS.notificationGiveUpMs;
  if (nowMs - firstMs >= afterMs) {
    const hours = Math.round(afterMs / 3_600_000);
    return { kind: "give-up", reason: `not taken within ${hours} h: ${failure.detail}` };
  }
  const ceilingMs = Math.min(
    LIMITS.notificationBackoffMsMax,
    FIRST_BACKOFF_MS * 2 ** (attempts - 1),
  );
  const backoffMs = ceilingMs * (0.5 + chance / 2);
  const askedMs = Math.min(failure.retryAfterMs ?? 0, LIMITS.notificationRetryAfterMsMax);
  return { kind: "again", dueMs: Math.ceil(nowMs + Math.max(backoffMs, askedMs)) };
}

/** Retry-After of HTTP: seconds or a date; null when there is none that can be read. */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}
