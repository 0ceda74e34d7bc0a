/** Takes a shard: the next epoch in `shard_epochs`, agreed by a shared token, after which older owners are fenced off. */
import { LIMITS } from "../contract/limits.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Store } from "../store/client.ts";
import { currentEpoch, ownerOfEpoch, runningStatements } from "../store/queries/shard-epochs.ts";
import { shardMarker } from "./group-store.ts";

const RUNNING_POLL_MS = 100;

/**
 * @param owner a random id of this process
 * @returns the epoch, once no statement of an older one runs any more
 */
export async function takeEpoch(
  shard: number,
  owner: string,
  deps: { store: Store; clock: Clock },
  abort: AbortSignal,
): Promise<number> {
  for (;;) {
    abort.throwIfAborted();
    const [current] = await deps.store.query(currentEpoch, { shard });
    const epoch = (current?.epoch ?? 0) + 1;
    const taken = deps.clock.nowMs();
    const token = `e/${shard}/${epoch}`;
    await deps.store.insert("shard_epochs", [{ shard, epoch, owner, taken }], { token });
    const holders = await deps.store.query(ownerOfEpoch, { shard, epoch });
    if (holders.length === 1 && holders[0]?.owner === owner) {
      await olderStatementsEnded(shard, deps, abort);
      return epoch;
    }
    // Another was faster, or the store forgot the row and kept its token: the next number is free.
    if (holders.length === 0) {
      await deps.store.insert("shard_epochs", [{ shard, epoch, owner: "", taken }], {
        token: `${token}/${owner}`,
      });
    }
    await deps.clock.sleep(RUNNING_POLL_MS, abort);
  }
}

/** A statement that passed the fence before may still be writing; it must be done before rows are counted. */
async function olderStatementsEnded(
  shard: number,
  deps: { store: Store; clock: Clock },
  abort: AbortSignal,
): Promise<void> {
  const marker = shardMarker(shard);
  const deadlineMs = deps.clock.monotonicMs() + LIMITS.statementMsMax;
  while (deps.clock.monotonicMs() < deadlineMs) {
    const [running] = await deps.store.query(runningStatements, { marker });
    if (running === undefined || running.n === 0) return;
    await deps.clock.sleep(RUNNING_POLL_MS, abort);
  }
}
