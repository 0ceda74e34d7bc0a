/**
 * Rewrites an archive without what was erased since it was written. New files are written and compared beside the old
 * ones, the manifest names them, and only then the old ones go: a run that is cut short leaves an archive that is whole.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Clock } from "../../runtime/clock.ts";
import type { Store } from "../../store/client.ts";
import type { ArchivedTable, Column } from "../../store/queries/archive.ts";
import { erasedOf } from "../../store/queries/restore.ts";
import {
  type ArchiveManifest,
  type ArchivedFile,
  type ArchivedPartition,
  checkFile,
  writeManifest,
} from "./manifest.ts";
import { columnsOf } from "./restore-archive.ts";
import { withUnpacked } from "./staging.ts";
import { sweepFolder, writeFileSynced } from "./write-archive.ts";

export interface EraseArchiveDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly folder: string;
  readonly process: string;
}

export interface RewrittenPartition {
  readonly table: ArchivedTable;
  readonly partition: string;
  readonly erased: number;
}

/**
 * @param dryRun counts only
 * @throws {DriftmendError} archive_damaged
 */
export async function eraseFromArchive(
  manifest: ArchiveManifest,
  dryRun: boolean,
  deps: EraseArchiveDeps,
): Promise<RewrittenPartition[]> {
  const rewritten: RewrittenPartition[] = [];
  const partitions: ArchivedPartition[] = [];
  // Predictions stand first: labels of a subject are known by the ids that they have.
  for (const entry of manifest.partitions.toSorted(predictionsFirst)) {
    const written = new Date(deps.clock.nowMs()).toISOString();
    const files: ArchivedFile[] = [];
    let erased = 0;
    for (const file of entry.files) {
      const columns = columnsOf(manifest, entry.table);
      const found = await withoutErased(entry, file, columns, dryRun, deps);
      erased += found.erased;
      if (found.file !== null) files.push(found.file);
    }
    const rows = files.reduce((sum, file) => sum + file.rows, 0);
    partitions.push({ ...entry, written, rows, files });
    rewritten.push({ table: entry.table, partition: entry.partition, erased });
  }
  if (dryRun) return rewritten;
  const changed = { ...manifest, partitions };
  await writeManifest(deps.folder, changed);
  await sweepFolder(deps.folder, changed);
  return rewritten;
}

const predictionsFirst = (a: ArchivedPartition, b: ArchivedPartition): number =>
  Number(b.table === "predictions") - Number(a.table === "predictions");

/** The file as it may stay; null where nothing of it may. */
async function withoutErased(
  { table, written }: ArchivedPartition,
  file: ArchivedFile,
  columns: readonly Column[],
  dryRun: boolean,
  deps: EraseArchiveDeps,
): Promise<{ file: ArchivedFile | null; erased: number }> {
  const { store, folder, process, clock } = deps;
  await checkFile(folder, file);
  const since = Date.parse(written);
  const request = { store, table, columns, folder, process };
  const kept = await withUnpacked({ ...request, path: file.path }, async (unpacked) => {
    const erasedRows = erasedOf(table, columns, unpacked);
    if (table === "predictions" && !dryRun) {
      await store.command(erasedRows.noteIds, { since, asked: clock.nowMs() });
    }
    const [found] = await store.query(erasedRows.count, { since });
    const erased = found?.rows ?? 0;
    if (erased === 0 || dryRun) return { erased, file };
    const [content] = await store.query(erasedRows.content, { since });
    if (content === undefined || content.rows === 0) return { erased, file: null };
    const path = renamed(file.path, content.checksum);
    const stream = await store.stream(erasedRows.rows, { since }, "Parquet");
    const digest = await writeFileSynced(join(folder, path), stream);
    const times = { first: iso(content.first), last: iso(content.last) };
    const { rows, checksum } = content;
    return { erased, file: { ...file, ...times, ...digest, path, rows, checksum } };
  });
  if (kept.erased > 0 && !dryRun && kept.file !== null) await readBack(kept.file, request);
  return kept;
}

async function readBack(
  file: ArchivedFile,
  request: Omit<Parameters<typeof withUnpacked>[0], "path">,
): Promise<void> {
  const back = await withUnpacked({ ...request, path: file.path }, (_name, content) =>
    Promise.resolve(content),
  );
  if (back.rows === file.rows && back.checksum === file.checksum) return;
  throw new Error(`"${file.path}" does not hold what was written; the archive is as it was`);
}

/** By its content, as all files of an archive are. */
function renamed(path: string, checksum: string): string {
  const content = createHash("sha256").update(`${path} ${checksum}`).digest("hex").slice(0, 16);
  return path.replace(/\.[0-9a-f]{16}\.parquet$/, `.${content}.parquet`);
}

const iso = (ms: number): string => new Date(ms).toISOString();
