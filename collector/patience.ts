/**
 * Work on a group whatever it takes: what may succeed later is tried for ever, what the engine refuses is
 * tried five times, then the shard waits for a person, who may set the group aside.
 */
import { DriftmendError, describeError } from "../contract/driftmend-error.ts";
import { LIMITS } from "../contract/limits.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Store } from "../store/client.ts";
import { CODE_THROW_IF, engineCodeOf } from "../store/store-error.ts";
import type { CollectorMetrics } from "./collector-metrics.ts";
import type { Stuck, StuckGroup } from "./stuck-group.ts";

export interface PatienceDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: CollectorMetrics;
}

export interface PatientWork<T> {
  readonly shard: number;
  readonly n: number;
  attempt(): Promise<T>;
  setAside(stuck: Stuck, by: string): Promise<T>;
}

const BACKOFF_MS = 200;
const BACKOFF_MS_MAX = 5_000;
const BACKOFF_DOUBLINGS_MAX = 8;

/**
 * @returns null when aborted
 * @throws {DriftmendError} shard_lost, group_taken: somebody else owns the shard
 */
export async function withPatience<T>(
  work: PatientWork<T>,
  stuckGroup: StuckGroup,
  deps: PatienceDeps,
  abort: AbortSignal,
): Promise<T | null> {
  const { shard, n } = work;
  let refused = 0;
  for (let attempt = 1; !abort.aborted; attempt++) {
    try {
      const done = await work.attempt();
      stuckGroup.failing = null;
      return done;
    } catch (error) {
      if (isFenced(error)) throw shardLost(shard, n, error);
      if (error instanceof DriftmendError && error.code === "group_taken") throw error;
      if (abort.aborted) return null;
      deps.metrics.groupFailures.inc({ shard });
      deps.logger.error({ shard, n, attempt, err: error }, describeError(error));
      const sinceMs = stuckGroup.failing?.sinceMs ?? deps.clock.nowMs();
      stuckGroup.failing = { n, reason: describeError(error), sinceMs, attempts: attempt };
      const later = error instanceof DriftmendError && error.retry !== "never";
      if (!later && ++refused >= LIMITS.groupAttemptsMax) {
        const stuck = stuckGroup.failing;
        const by = await stuckGroup.waitForDecision(stuck, abort);
        stuckGroup.failing = null;
        return by === null ? null : work.setAside(stuck, by);
      }
      const doublings = Math.min(attempt, BACKOFF_DOUBLINGS_MAX);
      const backoffMs = Math.min(BACKOFF_MS * 2 ** doublings, BACKOFF_MS_MAX);
      await deps.clock.sleep(backoffMs, abort).catch(() => undefined);
    }
  }
  return null;
}

function isFenced(error: unknown): boolean {
  return engineCodeOf(error) === CODE_THROW_IF;
}

function shardLost(shard: number, n: number, cause: unknown): DriftmendError {
  return new DriftmendError("shard_lost", {
    retry: "later",
    message: `Cannot store group ${n} of shard ${shard} as this collector must own the shard: another has taken it`,
    next: "Nothing is to be done when several collectors run; with one, look for a second that uses the same store.",
    cause,
  });
}
