/**
 * Stores one group, in this order: its manifest (`g/<shard>/<n>`, read back: whoever wrote it, that is
 * the group), its rows (`d/…`), then the outcomes that they complete, beside its rollups (`r/…`). Every
 * statement carries the fence. Each step may be repeated; after all of them the group counts as stored.
 */
import { DriftmendError } from "../contract/driftmend-error.ts";
import type { Store } from "../store/client.ts";
import type { DefinedInsert } from "../store/define-query.ts";
import {
  insertAgentDeadLetters,
  insertFeatureRollups,
  insertLabels,
  insertModelRollups,
  insertOwnDeadLetters,
  insertPredictions,
  insertServerMetrics,
} from "../store/queries/group-data.ts";
import { groupByNumber, insertGroup } from "../store/queries/ingest-groups.ts";
import { deadLetterBlock } from "./dead-letter-block.ts";
import type { GroupBuilder } from "./group-builder.ts";
import { type GroupManifest, manifestBlock } from "./group-manifest.ts";
import { featureBlocks, modelBlock } from "./rollup/rollup-blocks.ts";

export interface Ownership {
  readonly shard: number;
  readonly epoch: number;
}

/** Marks the statements of a shard's owner in the engine's list of what runs. */
export const shardMarker = (shard: number): string => `driftmend shard ${shard}:`;

/** Writes the manifest unless there is one, and answers the one that holds. */
export async function writeManifest(
  store: Store,
  owner: Ownership,
  manifest: GroupManifest,
  formedMs: number,
): Promise<GroupManifest> {
  await store.insertNative(
    insertGroup,
    { shard: owner.shard, epoch: owner.epoch, formed: formedMs },
    [manifestBlock(manifest)],
    { token: `g/${owner.shard}/${manifest.n}`, marker: shardMarker(owner.shard) },
  );
  const [held] = await store.query(groupByNumber, { shard: owner.shard, n: manifest.n });
  if (held !== undefined) return held;
  throw new DriftmendError("group_manifest_lost", {
    retry: "later",
    message: `Cannot store group ${manifest.n} of shard ${owner.shard} as its manifest must be readable once it is written: there is none`,
    next: "It is tried again under the same token; if it stays, restart the store so that its deduplication log is repaired.",
  });
}

type GroupInsert = DefinedInsert<typeof insertPredictions.params>;

/** Inserts the group's rows under its tokens; what is there already is skipped by the engine. */
export async function insertRows(
  store: Store,
  owner: Ownership,
  n: number,
  group: GroupBuilder,
): Promise<void> {
  const insert = async (
    defined: GroupInsert,
    pieces: readonly Uint8Array[],
    token: string,
    lane: "live" | "backlog",
  ): Promise<void> => {
    if (pieces.length === 0) return;
    const marker = shardMarker(owner.shard);
    await store.insertNative(defined, { ...owner, n }, pieces, { token, marker, lane });
  };
  const token = `${owner.shard}/${n}`;
  await allSettled([
    insert(insertPredictions, group.piecesOf("predictions"), `d/${token}`, "live"),
    insert(insertLabels, group.piecesOf("labels"), `d/${token}`, "live"),
    insert(insertServerMetrics, group.piecesOf("server_metrics"), `d/${token}`, "live"),
    insert(insertAgentDeadLetters, group.piecesOf("dead_letters"), `da/${token}`, "backlog"),
    insert(insertOwnDeadLetters, ownPieces(group), `do/${token}`, "backlog"),
  ]);
}

/** Inserts the group's rollups under its tokens. */
export async function insertRollups(
  store: Store,
  owner: Ownership,
  n: number,
  group: GroupBuilder,
): Promise<void> {
  const options = {
    token: `r/${owner.shard}/${n}`,
    marker: shardMarker(owner.shard),
    lane: "backlog",
  } as const;
  const features = [...featureBlocks(group.rollups)].map(([grain, block]) =>
    store.insertNative(insertFeatureRollups[grain], owner, [block.bytes], options),
  );
  const models = modelBlock(group.rollups.models);
  await allSettled([
    ...features,
    models.rows === 0
      ? Promise.resolve()
      : store.insertNative(insertModelRollups, owner, [models.bytes], options),
  ]);
}

/** The collector's own dead letters as blocks. */
export function ownPieces(group: GroupBuilder): Uint8Array[] {
  return group.ownDeadLetters.length === 0 ? [] : [deadLetterBlock(group.ownDeadLetters)];
}

/** Waits for all, so that nothing of a failed group is still on its way when it is tried again. */
export async function allSettled(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) {
    if (result.status === "rejected") throw result.reason;
  }
}
