/**
 * How long automatic runs keep away from each other: six hours after any, doubled with each that failed
 * in a row, at most a week; three refused challengers or two undone roll-outs within a week hand the loop
 * back to a person. All in model time.
 */
import type { RunStatus } from "../../contract/run.ts";

export interface EndedRun {
  readonly status: RunStatus;
  readonly endedAtMs: number;
}

const HOUR_MS = 3_600_000;
const INTERVAL_MS = 6 * HOUR_MS;
const INTERVAL_MS_MAX = 7 * 24 * HOUR_MS;
const BREAKER_WINDOW_MS = 7 * 24 * HOUR_MS;
const REJECTED_MAX = 3;
const UNDONE_MAX = 2;

export type Cooldown =
  | { readonly kind: "ready" }
  | { readonly kind: "waiting"; readonly untilMs: number; readonly reason: string }
  | { readonly kind: "breaker"; readonly untilMs: number; readonly reason: string };

/** @param ended runs of the model, newest first */
export function cooldownOf(ended: readonly EndedRun[], atMs: number): Cooldown {
  const recent = ended.filter(({ endedAtMs }) => endedAtMs > atMs - BREAKER_WINDOW_MS);
  const count = (...statuses: readonly RunStatus[]): number =>
    recent.filter(({ status }) => statuses.includes(status)).length;
  const [refused, undone] = [count("rejected", "failed"), count("rolled_back")];
  const [newest] = ended;
  if (newest === undefined) return { kind: "ready" };
  if (refused >= REJECTED_MAX || undone >= UNDONE_MAX) {
    const oldest = recent.at(-1)?.endedAtMs ?? atMs;
    return {
      kind: "breaker",
      untilMs: oldest + BREAKER_WINDOW_MS,
      reason: `${refused} refused and ${undone} undone within a week: a person must look`,
    };
  }
  let failures = 0;
  for (const { status } of ended) {
    if (status === "promoted" || status === "cancelled") break;
    failures++;
  }
  const intervalMs = Math.min(INTERVAL_MS * 2 ** failures, INTERVAL_MS_MAX);
  const untilMs = newest.endedAtMs + intervalMs;
  return atMs >= untilMs
    ? { kind: "ready" }
    : {
        kind: "waiting",
        untilMs,
        reason: `the last run ended less than ${intervalMs / HOUR_MS} h ago`,
      };
}
