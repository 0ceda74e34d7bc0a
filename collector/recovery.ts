/**
 * What a collector does with a shard before it reads new frames, in this order (docs/recovery.md):
 *
 * 1. It takes the next epoch: older owners are fenced off, and what they still run has ended.
 * 2. It reads the newest manifests: they say what is stored and how groups are numbered.
 * 3. It counts the rows of the newest groups. Only the last can be incomplete after a kill, since a manifest
 *    is written when the group before it is stored; the others are counted because a machine may lose more.
 * 4. Where rows are missing it gets the group's frames, from the stream or from the agents, inserts them under
 *    the same tokens, counts again, and inserts what is still missing by comparison, under no token.
 * 5. It compares the rollups of the hours that these groups touched with raw and repairs them.
 * 6. It joins the last group's labels and predictions again, and labels that were left behind, and applies
 *    the clocks of these groups.
 * 7. It reads which labels wait for their prediction, and says to every spool what is stored.
 *
 * Every step may be repeated, so being killed in the middle of it is nothing special.
 */
import { LIMITS } from "../contract/limits.ts";
import { groupedThrough, newestGroups, setAsideGroups } from "../store/queries/ingest-groups.ts";
import { waitingLabels } from "../store/queries/outcomes.ts";
import { collectFrames } from "./collect-frames.ts";
import type { GroupManifest } from "./group-manifest.ts";
import type { Ownership } from "./group-store.ts";
import { groupFromFrames, mendGroup, missingRows } from "./mend-group.ts";
import { withPatience } from "./patience.ts";
import { joinLeftBehind } from "./join-left-behind.ts";
import { rejoinGroup } from "./rejoin-group.ts";
import { repairHours, touchedHours } from "./repair-rollups.ts";
import { setGroupAside } from "./set-group-aside.ts";
import type { OwnedShard, ShardDeps } from "./shard-worker.ts";
import { SpoolLedger } from "./spool-ledger.ts";
import type { StuckGroup } from "./stuck-group.ts";

/** @returns null when aborted */
export async function recoverShard(
  owner: Ownership,
  stuck: StuckGroup,
  deps: ShardDeps,
  abort: AbortSignal,
): Promise<OwnedShard | null> {
  const { shard } = owner;
  const groups = await deps.store.query(newestGroups, { shard, limit: LIMITS.groupsVerified });
  const aside = new Set((await deps.store.query(setAsideGroups, { shard })).map(({ n }) => n));
  const through = await deps.store.query(groupedThrough, { shard });
  const ledger = new SpoolLedger(through.map(({ spool, hi }) => [spool, hi] as const));
  const last = groups[0];
  for (const manifest of groups.toReversed()) {
    if (aside.has(manifest.n)) continue;
    const strict = manifest.n === last?.n;
    const verified = await verifyGroup(manifest, strict, owner, stuck, deps, abort);
    if (!verified) return null;
  }
  const sound = groups.filter(({ n }) => !aside.has(n));
  await deps.book.ensureAll([...new Set(sound.flatMap(({ models }) => models))]);
  await repairHours(await touchedHours(sound, shard, deps), owner, deps);
  if (last !== undefined && !aside.has(last.n)) await rejoinGroup(last, owner, deps);
  await deps.watermarks.apply(groups.toReversed().flatMap(({ clocks }) => clocks));
  await joinLeftBehind(owner, deps);
  const limit = LIMITS.waitingLabelsMax;
  const missed = await deps.store.query(waitingLabels, { limit });
  for (const { model, id } of missed.toReversed()) deps.waiting.add(model, id);
  return { owner, ledger, stuck, nextGroup: (last?.n ?? 0) + 1 };
}

/** @returns false when aborted */
async function verifyGroup(
  manifest: GroupManifest,
  strict: boolean,
  owner: Ownership,
  stuck: StuckGroup,
  deps: ShardDeps,
  abort: AbortSignal,
): Promise<boolean> {
  const missing = await missingRows(deps.store, owner.shard, manifest, strict);
  if (missing.kind === "none") return true;
  deps.logger.warn({ ...owner, n: manifest.n, missing: missing.reason }, "a group is not complete");
  const collected = await collectFrames(owner.shard, manifest, stuck, deps, abort);
  if (collected.kind === "aborted") return false;
  if (collected.kind === "freed") {
    deps.logger.error(
      { ...owner, n: manifest.n, missing: missing.reason, freed: collected.reason },
      "rows that were stored are gone and agents have freed them",
    );
    deps.metrics.framesLost.inc({ shard: owner.shard });
    return true;
  }
  const group = await groupFromFrames(manifest, collected.frames, deps);
  if (collected.kind === "given_up") {
    await setGroupAside(group, collected.stuck, collected.by, owner, deps);
    deps.metrics.framesLost.inc({ shard: owner.shard }, collected.missing);
    return true;
  }
  const done = await withPatience(
    {
      shard: owner.shard,
      n: manifest.n,
      attempt: () => mendGroup(group, manifest, owner, strict, deps).then(() => true),
      setAside: (state, by) => setGroupAside(group, state, by, owner, deps).then(() => true),
    },
    stuck,
    deps,
    abort,
  );
  return done === true;
}
