/** Stores the group that was formed: manifest, rows beside rollups, outcomes; see group-store.ts for the order. */
import { DriftmendError } from "../contract/driftmend-error.ts";
import type { GroupBuilder } from "./group-builder.ts";
import { type GroupManifest, sameFrames } from "./group-manifest.ts";
import { allSettled, insertRollups, insertRows, writeManifest } from "./group-store.ts";
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
  const { waiting } = deps;
  const wanted = group.manifest(n, owner.epoch);
  const manifest = await writeManifest(deps.store, owner, wanted, deps.clock.nowMs());
  if (!sameFrames(manifest, wanted)) throw groupTaken(owner.shard, n);
  await allSettled([
    insertRows(deps.store, owner, n, group),
    insertRollups(deps.store, owner, n, group),
  ]);
  const outcomes: OutcomeDeps = {
    store: deps.store,
    clock: deps.clock,
    waiting,
    segmentsOf: (model) => deps.book.settingsOf(model).segments,
  };
  const models = modelsOf(group.labelIds);
  await joinAwaited(outcomes, owner, manifest, group.awaitedIds(waiting));
  const found = waiting.search(group.labelIds);
  try {
    const predicted = group.labelsPredicted;
    await joinLabels(outcomes, owner, { manifest, models, predicted });
  } finally {
    found();
  }
  countRows(group, manifest, shard, deps);
  return manifest;
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
