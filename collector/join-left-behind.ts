/**
 * Joins labels whose prediction is stored and whose outcome is not: two collectors may have stored the two at
 * one moment, each looking before the other was done.
 */
import { LIMITS } from "../contract/limits.ts";
import { joinLabelsLeftBehind, noteLabelsMet } from "../store/queries/outcomes.ts";
import { type Ownership, shardMarker } from "./group-store.ts";
import type { ShardDeps } from "./shard-worker.ts";

export async function joinLeftBehind(
  owner: Ownership,
  { store, book }: Pick<ShardDeps, "store" | "book">,
): Promise<void> {
  const segments = book.declaredSegments();
  const limit = LIMITS.waitingLabelsMax;
  const marker = shardMarker(owner.shard);
  await store.command(joinLabelsLeftBehind, { ...owner, limit, segments }, { marker });
  await store.command(noteLabelsMet, { limit }, { marker });
}
