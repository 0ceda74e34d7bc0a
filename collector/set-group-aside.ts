/** Skips a group that cannot be stored: recorded with its reason, its frames kept as dead letters. */
import { insertOwnDeadLetters } from "../store/queries/group-data.ts";
import { deadLetterBlock } from "./dead-letter-block.ts";
import type { GroupBuilder, OwnDeadLetter } from "./group-builder.ts";
import type { GroupManifest } from "./group-manifest.ts";
import { type Ownership, shardMarker, writeManifest } from "./group-store.ts";
import type { PatienceDeps } from "./patience.ts";
import type { Stuck } from "./stuck-group.ts";
import { piecesOfSection } from "./section-pieces.ts";

export async function setGroupAside(
  group: GroupBuilder,
  stuck: Stuck,
  by: string,
  owner: Ownership,
  deps: PatienceDeps,
): Promise<GroupManifest> {
  const { n } = stuck;
  const nowMs = deps.clock.nowMs();
  const manifest = await writeManifest(deps.store, owner, group.manifest(n, owner.epoch), nowMs);
  const marker = shardMarker(owner.shard);
  const letters = [...sectionLetters(group, stuck, nowMs), ...group.ownDeadLetters];
  await deps.store.insertNative(insertOwnDeadLetters, { ...owner, n }, [deadLetterBlock(letters)], {
    token: `a/${owner.shard}/${n}`,
    marker,
  });
  const row = { shard: owner.shard, n, at: nowMs, by, reason: stuck.reason };
  await deps.store.insert("groups_set_aside", [row], { token: `o/${owner.shard}/${n}` });
  deps.logger.warn({ ...owner, n, by }, "a group was set aside");
  return manifest;
}

/** One letter for each section, with all of its bytes: nothing that was accepted is thrown away. */
function sectionLetters(group: GroupBuilder, stuck: Stuck, nowMs: number): OwnDeadLetter[] {
  return group.sections.map((section) => ({
    timeMs: nowMs,
    record: section.table,
    model: "",
    id: "",
    reason: "group_set_aside",
    detail: stuck.reason,
    sample: "",
    rows: section.rows,
    payload: Buffer.concat(piecesOfSection(section)),
    spool: section.spool,
    seq: section.seq,
  }));
}
