/**
 * Puts an archive back. First everything is checked that can be: digests, columns, what retention would delete
 * again; only then rows are written. Rollups are not touched: they have counted these rows when they came.
 */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Store } from "../../store/client.ts";
import { type ArchivedTable, type Column, tableColumns } from "../../store/queries/archive.ts";
import { dayAgainstRollups, erasedOf, restoreOf } from "../../store/queries/restore.ts";
import { type Retention, readRetention } from "../../store/retention.ts";
import { mark } from "./drop-partition.ts";
import { type ArchiveManifest, type ArchivedPartition, checkFile } from "./manifest.ts";
import { spanOfPartition } from "./span-of-partition.ts";
import { withUnpacked } from "./staging.ts";

const DAY_MS = 86_400_000;

export interface RestoreDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly folder: string;
  readonly by: string;
  readonly process: string;
}

export interface RestoredPartition {
  readonly table: ArchivedTable;
  readonly partition: string;
  /** Rows of the archive. */
  readonly rows: number;
  /** Of these, rows that were not there. */
  readonly missing: number;
  /** Of these, rows that were erased since, and stay away. */
  readonly erased: number;
  /** Of predictions: whether raw is again what the rollups count; null for other tables, and where nothing was written. */
  readonly whole: boolean | null;
}

/** @throws {DriftmendError} archive_damaged, archive_schema, archive_expired */
export async function checkArchive(
  manifest: ArchiveManifest,
  chosen: readonly ArchivedPartition[],
  deps: RestoreDeps,
): Promise<void> {
  for (const { files } of chosen) {
    for (const file of files) await checkFile(deps.folder, file);
  }
  for (const table of new Set(chosen.map((partition) => partition.table))) {
    const problem = schemaProblem(
      columnsOf(manifest, table),
      await deps.store.query(tableColumns, { table }),
    );
    if (problem !== null) throw schemaError(table, problem, manifest);
  }
  const expired = expiredPartitions(chosen, await readRetention(deps.store), deps.clock.nowMs());
  if (expired.length > 0) throw expiredError(expired);
}

export function columnsOf(manifest: ArchiveManifest, table: ArchivedTable): readonly Column[] {
  return manifest.columns[table] ?? [];
}

/** Columns that are new since have their defaults; what the table does not know cannot be kept. */
export function schemaProblem(
  archived: readonly Column[],
  present: readonly Column[],
): string | null {
  const types = new Map(present.map(({ name, type }) => [name, type]));
  for (const { name, type } of archived) {
    const held = types.get(name);
    if (held === undefined) return `the archive has a column "${name}", the table none`;
    if (held !== type) return `column "${name}" is ${type} in the archive, ${held} in the table`;
  }
  return archived.length === 0 ? "the manifest names no columns" : null;
}

export interface ExpiredPartition {
  readonly table: ArchivedTable;
  readonly partition: string;
  readonly keptDays: number;
  /** Days of retention with which all of it would stay. */
  readonly neededDays: number;
}

/** Partitions whose rows would be deleted at the next merge. */
export function expiredPartitions(
  chosen: readonly ArchivedPartition[],
  retention: Retention,
  nowMs: number,
): ExpiredPartition[] {
  return chosen.flatMap(({ table, partition, files }) => {
    // A part goes when its newest row is too old.
    const oldest = Math.min(...files.map(({ last }) => Date.parse(last)));
    const neededDays = Math.ceil((nowMs - oldest) / DAY_MS) + 1;
    const keptDays = retention[table];
    return neededDays > keptDays && files.length > 0
      ? [{ table, partition, keptDays, neededDays }]
      : [];
  });
}

/** @param dryRun counts what is missing and writes nothing */
export async function restorePartition(
  entry: ArchivedPartition,
  columns: readonly Column[],
  dryRun: boolean,
  deps: RestoreDeps,
): Promise<RestoredPartition> {
  const { store } = deps;
  const { table, partition, rows } = entry;
  const since = Date.parse(entry.written);
  let missing = 0;
  let erased = 0;
  if (!dryRun && table === "predictions") await mark(entry, "dropped", deps);
  for (const file of entry.files) {
    const { folder, process } = deps;
    const request = { store, table, columns, folder, path: file.path, process };
    missing += await withUnpacked(request, async (unpacked, content) => {
      if (content.rows !== file.rows || content.checksum !== file.checksum) throw unlike(file.path);
      const restore = restoreOf(table, columns, unpacked);
      const erasedRows = erasedOf(table, columns, unpacked);
      if (!dryRun && table === "predictions") {
        await store.command(erasedRows.noteIds, { since, asked: deps.clock.nowMs() });
      }
      erased += (await store.query(erasedRows.count, { since }))[0]?.rows ?? 0;
      const span = { from: Date.parse(file.from), to: Date.parse(file.to), since };
      const [found] = await store.query(restore.count, span);
      const missingRows = found?.rows ?? 0;
      if (!dryRun && missingRows > 0) {
        await store.command(restore.insert, span, { lane: "backlog" });
      }
      return missingRows;
    });
  }
  if (dryRun) return { table, partition, rows, missing, erased, whole: null };
  const whole = await isWhole(entry, store);
  if (whole !== false) await mark(entry, "restored", deps);
  return { table, partition, rows, missing, erased, whole };
}

/**
 * A day is whole when raw holds what its rollups count. Others stay marked, so that no repair takes the rollups down
 * to what is there: another archive may hold the rest.
 */
async function isWhole({ table, partition }: ArchivedPartition, store: Store) {
  if (table !== "predictions") return null;
  const [day] = await store.query(dayAgainstRollups, spanOfPartition(partition));
  return day !== undefined && day.raw === day.rolled;
}

function schemaError(table: string, problem: string, manifest: ArchiveManifest): DriftmendError {
  return new DriftmendError("archive_schema", {
    retry: "never",
    message: `Cannot restore ${table} as its archived columns must be those of the table: ${problem}`,
    next: `The archive was written by Driftmend ${manifest.version} at migration ${manifest.migration}: restore it with that version or a newer one, or read the Parquet files directly.`,
  });
}

function expiredError(expired: readonly ExpiredPartition[]): DriftmendError {
  const [first] = expired.toSorted((a, b) => b.neededDays - a.neededDays);
  const named = expired.slice(0, 5).map(({ table, partition }) => `${table} ${partition}`);
  const more = expired.length > named.length ? ` and ${expired.length - named.length} more` : "";
  return new DriftmendError("archive_expired", {
    retry: "never",
    message: `Cannot restore ${named.join(", ")}${more} as rows must be younger than their table keeps them: ${first?.table} keeps ${first?.keptDays} days, and these need ${first?.neededDays}; the next merge would delete them`,
    next: `Raise "retention: {${first?.table}: ${first?.neededDays}}" in the file of "driftmend up --config" (on a server: the TTL of the table), or restore younger partitions with --partition.`,
  });
}

const unlike = (path: string): DriftmendError =>
  new DriftmendError("archive_damaged", {
    retry: "never",
    message: `Cannot use the archive's file "${path}" as its rows must have the manifest's checksum: they have another`,
    next: "Its digest is right, so the manifest is not its own: take both from one copy of the archive.",
  });
