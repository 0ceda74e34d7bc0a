/**
 * Rows that agents accepted and that are not stored yet: they cannot be erased where they are. What was accepted
 * before the request is waited for, a while.
 */
import { LIMITS } from "../../contract/limits.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { HeadBook } from "../head-book.ts";

export interface OnTheWay {
  /** Spools with frames that are not stored. */
  readonly spools: number;
  readonly frames: number;
}

export interface WayDeps {
  readonly heads: Pick<HeadBook, "live" | "heardSince">;
  readonly clock: Clock;
  /** Of a spool whose shard is ours; else null. */
  readonly storedThrough: (spool: string) => number | null;
}

const POLL_MS = 100;

/** @returns what was still on its way when the wait ended */
export async function untilStored(deps: WayDeps): Promise<OnTheWay> {
  const { clock } = deps;
  const askedMs = clock.nowMs();
  const startedMs = clock.monotonicMs();
  /** By spool the last frame that it had when it was first heard after the request. */
  const wanted = new Map<string, number>();
  for (;;) {
    for (const head of deps.heads.heardSince(askedMs)) {
      if (!wanted.has(head.spool)) wanted.set(head.spool, head.nextSeq - 1);
    }
    const live = deps.heads.live(clock.nowMs());
    const missing = live.map((head) => {
      const last = wanted.get(head.spool) ?? head.nextSeq - 1;
      const stored = Math.max(head.storedThrough, deps.storedThrough(head.spool) ?? 0);
      return { heard: wanted.has(head.spool), frames: Math.max(0, last - stored) };
    });
    const waitedMs = clock.monotonicMs() - startedMs;
    // A spool that nobody has heard of yet speaks within a period.
    const allHeard = waitedMs >= LIMITS.headPeriodMs && missing.every(({ heard }) => heard);
    const frames = missing.reduce((sum, spool) => sum + spool.frames, 0);
    if ((allHeard && frames === 0) || waitedMs >= LIMITS.erasureWaitMs) {
      return { spools: missing.filter((spool) => spool.frames > 0).length, frames };
    }
    await clock.sleep(POLL_MS);
  }
}
