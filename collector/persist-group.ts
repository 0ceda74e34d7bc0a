/** Stores the group that was formed: manifest, then rows and the outcomes they complete, beside rollups; see group-store.ts. */
import { DriftmendError } from "../contract/driftmend-error.ts";
import type { GroupBuilder } from "./group-builder.ts";
import { type GroupManifest, sameFrames } from "./group-manifest.ts";
import {
  type Ownership,
  allSettled,
  insertRollups,
  insertRows,
  writeManifest,
} from "./group-store.ts";
import { censorPredictions } from "./label-rules/censor-group.ts";
import { type OutcomeDeps, joinAwaited, joinLabels } from "./outcomes.ts";
import { withPatience } from "./patience.ts";
import { modelsOf } from "./record-ids.ts";
import { setGroupAside } from "./set-group-aside.ts";
import type { OwnedShard, ShardDeps } from "./shard-worker.ts";

/** @returns the manifest once the group is stored or set aside; null when aborted */
export function persistGroup(
  group: GroupBuilder,
  n: number,
  shard: OwnedShard,
  deps: ShardDeps,
  abort: AbortSignal,
): Promise<GroupManifest | null> {
  const { owner } = shard;
  return withPatience(
    {
      shard: owner.shard,
      n,
      attempt: () => deps.gate.shared(() => storeOnce(group, n, shard, deps)),
      setAside: (stuck, by) => setGroupAside(group, stuck, by, owner, deps),
    },
    shard.stuck,
    deps,
    abort,
  );
}

async function storeOnce(
  group: GroupBuilder,
  n: number,
  shard: OwnedShard,
  deps: ShardDeps,
): Promise<GroupManifest> {
  const { owner } = shard;
  const wanted = group.manifest(n, owner.epoch);
  const manifest = await writeManifest(deps.store, owner, wanted, deps.clock.nowMs());
  if (!sameFrames(manifest, wanted)) throw groupTaken(owner.shard, n);
  // What the labels need is there once the rows are; the rollups go on beside the join.
  const rows = insertRows(deps.store, owner, n, group);
  const outcomes = rows.then(() => joinGroup(group, manifest, owner, deps));
  await allSettled([rows, outcomes, insertRollups(deps.store, owner, n, group)]);
  countRows(group, manifest, shard, deps);
  return manifest;
}

/** Predictions of the group that are censored, or have labels that waited for them, then its labels with whatever is stored. */
async function joinGroup(
  group: GroupBuilder,
  manifest: GroupManifest,
  owner: Ownership,
  { store, clock, book, waiting }: ShardDeps,
): Promise<void> {
  await censorPredictions(manifest, owner, { store, book });
  const segmentsOf = (model: string): readonly string[] => book.settingsOf(model).segments;
  const outcomes: OutcomeDeps = { store, clock, waiting, segmentsOf };
  await joinAwaited(outcomes, owner, manifest, group.awaitedIds(waiting));
  const found = waiting.search(group.labelIds);
  try {
    const models = modelsOf(group.labelIds);
    await joinLabels(outcomes, owner, { manifest, models, predicted: group.labelsPredicted });
  } finally {
    found();
  }
}

function countRows(
  group: GroupBuilder,
  manifest: GroupManifest,
  { owner }: OwnedShard,
  { metrics, waiting }: ShardDeps,
): void {
  const { shard } = owner;
  metrics.groups.inc({ shard });
  metrics.rows.inc({ shard, table: "predictions" }, manifest.predictions);
  metrics.rows.inc({ shard, table: "labels" }, manifest.labels);
  metrics.rows.inc({ shard, table: "server_metrics" }, manifest.server_metrics);
  metrics.rows.inc({ shard, table: "dead_letters" }, manifest.dead_letters);
  metrics.waitingLabels.set({ shard }, waiting.size);
  for (const { reason } of group.ownDeadLetters) metrics.deadLetters.inc({ reason });
  metrics.uncounted.inc(group.rollups.uncountedValues);
}

function groupTaken(shard: number, n: number): DriftmendError {
  return new DriftmendError("group_taken", {
    retry: "later",
    message: `Cannot store group ${n} of shard ${shard} as its number must be free: another owner wrote it`,
    next: "The shard is taken again from the newest group; nothing is to be done.",
  });
}
