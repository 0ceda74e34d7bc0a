/**
 * A mutation writes parts anew and leaves the old ones on the disk for minutes, in case the new ones are lost with the
 * power. For an erasure the new ones are fsynced, and the old ones go at once.
 */
import { LIMITS } from "../../contract/limits.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Store } from "../../store/client.ts";
import { partsOf, replacedParts } from "../../store/queries/erase-rows.ts";

export type ErasedTable = Parameters<typeof partsOf>[0];

const POLL_MS = 500;

/** @returns whether no part that `work` replaced lies on the disk any more */
export async function withoutReplacedParts(
  table: ErasedTable,
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  work: () => Promise<void>,
): Promise<boolean> {
  const parts = partsOf(table);
  await store.command(parts.goAtOnce, {});
  try {
    await work();
    const names = new Set((await store.query(replacedParts, { table })).map(({ name }) => name));
    const deadlineMs = clock.monotonicMs() + LIMITS.erasureWaitMs;
    while (names.size > 0 && clock.monotonicMs() < deadlineMs) {
      await clock.sleep(POLL_MS);
      // Its thread sleeps long where nothing happens; a server without the statement cleans by itself.
      await store.command(parts.clean, {}).catch(() => undefined);
      const left = new Set((await store.query(replacedParts, { table })).map(({ name }) => name));
      for (const name of names) if (!left.has(name)) names.delete(name);
    }
    return names.size === 0;
  } finally {
    await store.command(parts.stayAsBefore, {});
  }
}
