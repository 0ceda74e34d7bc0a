/**
 * Clocks that differ: an event's time is its sender's, windows close by ours. Each machine's clock is read
 * off the Date header of an answer, which is whole seconds.
 */
import type { Clock } from "../../runtime/clock.ts";
import { formatSpan } from "../format.ts";

export interface ClockReading {
  readonly where: string;
  /** Theirs less ours; positive: theirs is ahead. */
  readonly aheadMs: number;
}

const HEADER_RESOLUTION_MS = 1_000;
/** More is no matter of seconds on the way. */
const APART_MS_MAX = 30_000;

/** Null where nobody answers, or without a Date. */
export async function readClock(
  where: string,
  url: string,
  clock: Clock,
): Promise<ClockReading | null> {
  const beforeMs = clock.nowMs();
  const response = await fetch(new URL("/healthz", url)).catch(() => null);
  const afterMs = clock.nowMs();
  await response?.arrayBuffer();
  const theirsMs = Date.parse(response?.headers.get("date") ?? "");
  if (!Number.isFinite(theirsMs)) return null;
  // The header is cut to the second that it was sent in.
  const middleMs = (beforeMs + afterMs) / 2;
  return { where, aheadMs: theirsMs + HEADER_RESOLUTION_MS / 2 - middleMs };
}

export function judgeClock({ where, aheadMs }: ClockReading): {
  readonly state: "ok" | "wrong";
  readonly detail: string;
  readonly next: string | null;
} {
  const apart = Math.abs(aheadMs);
  if (apart <= APART_MS_MAX) {
    return { state: "ok", detail: `${where} agrees with this machine's clock`, next: null };
  }
  return {
    state: "wrong",
    detail: `${where} is ${formatSpan(apart)} ${aheadMs > 0 ? "ahead of" : "behind"} this machine's clock`,
    next: "Set both by NTP (timedatectl set-ntp true): events too far ahead are set aside, and silence and lag are misjudged",
  };
}
