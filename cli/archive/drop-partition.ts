/**
 * Drops a partition whose rows are in files that were read back. It is marked first, so that no repair of rollups
 * looks at what is left of it; then it leaves its table, is compared with the files, and goes.
 */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Store } from "../../store/client.ts";
import {
  ARCHIVED_TABLES,
  type ArchivedTable,
  type Column,
  contentOfSpan,
  leavingTable,
  partitionsOf,
  replayableGroups,
  replaysIn,
  rowsOfReplayable,
  tableColumns,
} from "../../store/queries/archive.ts";
import { partitionsPutAway, runningRepairs } from "../../store/queries/partitions-put-away.ts";
import type { ArchivedPartition } from "./manifest.ts";
import { type MayDrop, mayDrop } from "./may-drop.ts";
import { spanOfPartition } from "./span-of-partition.ts";

export interface DropDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly by: string;
}

const POLL_MS = 100;
const EVER = { model: "", from: 0, to: Date.UTC(2299, 0) };

export async function judgeDrop(
  table: ArchivedTable,
  partition: string,
  { store, clock }: Pick<DropDeps, "store" | "clock">,
): Promise<MayDrop> {
  const limit = LIMITS.groupsVerified;
  const span = { model: "", ...spanOfPartition(partition) };
  const [rows] = await store.query(rowsOfReplayable(table), { ...span, limit });
  return mayDrop(table, partition, {
    nowMs: clock.nowMs(),
    groups: await store.query(replayableGroups, { limit }),
    rowsOfGroups: rows?.rows ?? 0,
    replays: await store.query(replaysIn(table), span),
  });
}

/** @returns why it was not dropped, or that it was */
export async function dropPartition(
  entry: ArchivedPartition,
  columns: readonly Column[],
  deps: DropDeps,
): Promise<MayDrop> {
  const { table, partition } = entry;
  const judged = await judgeDrop(table, partition, deps);
  if (judged.kind === "no") return judged;
  const { store } = deps;
  const before = await markOf(table, partition, store);
  await mark(entry, "dropped", deps);
  await repairsEnded(deps);
  const leaving = leavingTable(table, partition);
  await store.command(leaving.create, {});
  await store.command(leaving.leave, {});
  const span = { model: "", ...spanOfPartition(partition) };
  const [held] = await store.query(contentOfSpan(table, columns, leaving.name), span);
  if (held?.rows !== entry.rows || held.checksum !== checksumOf(entry)) {
    await store.command(leaving.comeBack, {});
    await store.command(leaving.drop, {});
    if (before !== "dropped") await mark(entry, "restored", deps);
    return { kind: "no", reason: "rows came while it was archived; archive it once more" };
  }
  await store.command(leaving.dropPartition, {});
  await store.command(leaving.drop, {});
  return { kind: "yes" };
}

/** Of all files together: sums of hashes add up. */
function checksumOf({ files }: ArchivedPartition): string {
  const sum = files.reduce((total, { checksum }) => total + BigInt(checksum), 0n);
  return BigInt.asUintN(64, sum).toString();
}

async function markOf(
  table: ArchivedTable,
  partition: string,
  store: Store,
): Promise<"dropped" | "restored" | null> {
  const marks = await store.query(partitionsPutAway, {});
  return marks.find((one) => one.table === table && one.partition === partition)?.state ?? null;
}

export async function mark(
  { table, partition, rows }: Pick<ArchivedPartition, "table" | "partition" | "rows">,
  state: "dropped" | "restored",
  { store, clock, by }: DropDeps,
): Promise<void> {
  const { from, to } = spanOfPartition(partition);
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  const marks = await store.query(partitionsPutAway, {});
  const known = marks.find((one) => one.table === table && one.partition === partition);
  const at = clock.nowMs();
  const revision = Math.max(at, (known?.revision ?? 0) + 1);
  await store.insert("partitions_put_away", [
    { table, partition, day_from: day(from), day_to: day(to - 1), state, rows, by, at, revision },
  ]);
}

/** A repair that began before the mark was there has seen the rows, and must be done before they go. */
async function repairsEnded({ store, clock }: DropDeps): Promise<void> {
  const deadlineMs = clock.monotonicMs() + LIMITS.statementMsMax;
  while (clock.monotonicMs() < deadlineMs) {
    const [running] = await store.query(runningRepairs, {});
    if (running === undefined || running.n === 0) return;
    await clock.sleep(POLL_MS);
  }
  throw new DriftmendError("archive_moving", {
    retry: "later",
    message: `Cannot drop partitions as no repair of rollups may be running: one did for ${LIMITS.statementMsMax / 1000} s`,
    next: 'Try again; "driftmend status" shows what the collector does.',
  });
}

/** What a command that was killed had moved out goes back before anything else happens. */
export async function bringBackLeaving(store: Store): Promise<void> {
  for (const table of ARCHIVED_TABLES) {
    const name = `${table}_leaving`;
    if ((await store.query(tableColumns, { table: name })).length === 0) continue;
    const partitions = partitionsOf(table, name);
    for (const { partition } of await store.query(partitions, EVER)) {
      await store.command(leavingTable(table, partition).comeBack, {});
    }
    await store.command(leavingTable(table, "197001").drop, {});
  }
}
