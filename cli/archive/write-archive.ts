/**
 * Writes partitions into files: streamed as Parquet to a temporary name, fsynced, renamed, then read back by the
 * engine and compared. A file's name holds the checksum of its rows, so a run that was cut short finds what it has
 * written, and rows that came later make another file beside it. The manifest comes last.
 */
import { createHash } from "node:crypto";
import { mkdir, open, readFile, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { writeFileAtomic } from "../../runtime/atomic-file.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Store } from "../../store/client.ts";
import {
  ARCHIVED_TABLES,
  type ArchivedTable,
  type Column,
  TABLE_SHAPES,
  contentOfSpan,
  rowsOfHours,
  rowsOfSpan,
  tableColumns,
} from "../../store/queries/archive.ts";
import {
  type ArchiveManifest,
  ArchivedFile,
  type ArchivedPartition,
  digestOf,
  samePartition,
} from "./manifest.ts";
import { type Span, spanOfPartition, spansOfFiles } from "./span-of-partition.ts";
import { withUnpacked } from "./staging.ts";

export interface WriteDeps {
  readonly store: Store;
  readonly folder: string;
  readonly process: string;
  readonly clock: Clock;
}

export interface PartitionWanted {
  readonly table: ArchivedTable;
  readonly partition: string;
  readonly model: string | null;
}

export interface WrittenPartition {
  readonly entry: ArchivedPartition;
  /** Files of an earlier run that were right. */
  readonly kept: number;
}

const TRIES = 3;

/** What files of a table hold: everything that is not computed from it. */
export async function archivedColumns(store: Store, table: ArchivedTable): Promise<Column[]> {
  const columns = await store.query(tableColumns, { table });
  return columns.filter(({ name }) => !(name in TABLE_SHAPES[table].derived));
}

export async function writePartition(
  wanted: PartitionWanted,
  columns: readonly Column[],
  deps: WriteDeps,
): Promise<WrittenPartition> {
  const { table, partition } = wanted;
  const model = wanted.model ?? "";
  const whole = spanOfPartition(partition);
  const written = iso(deps.clock.nowMs());
  const hours = await deps.store.query(rowsOfHours(table), { model, ...whole });
  const spans = spansOfFiles(whole, hours);
  const files: ArchivedFile[] = [];
  let kept = 0;
  for (const span of spans) {
    const suffix = spans.length === 1 ? "" : `.${new Date(span.from).toISOString().slice(0, 13)}`;
    const one = await writeSpan({ ...wanted, span, suffix }, columns, deps);
    files.push(one.file);
    kept += one.kept ? 1 : 0;
  }
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  return { entry: { ...wanted, written, rows, files }, kept };
}

interface SpanWanted extends PartitionWanted {
  readonly span: Span;
  readonly suffix: string;
}

/** Until what was written is what the table held before and after; a few times, since late rows are few. */
async function writeSpan(
  wanted: SpanWanted,
  columns: readonly Column[],
  deps: WriteDeps,
): Promise<{ file: ArchivedFile; kept: boolean }> {
  const { store, folder } = deps;
  const { table, span } = wanted;
  const params = { model: wanted.model ?? "", ...span };
  for (let tried = 1; tried <= TRIES; tried++) {
    const [held] = await store.query(contentOfSpan(table, columns), params);
    if (held === undefined) throw new TypeError("an aggregate has one row");
    const path = pathOf(wanted, held.checksum);
    const note = join(folder, `${path}.json`);
    const known = await knownFile(folder, note);
    if (known !== null) return { file: known, kept: true };
    const stream = await store.stream(rowsOfSpan(table, columns), params, "Parquet");
    const { sha256, bytes } = await writeFileSynced(join(folder, path), stream);
    const request = { store, table, columns, folder, path, process: deps.process };
    const back = await withUnpacked(request, (_name, content) => Promise.resolve(content));
    if (back.rows !== held.rows || back.checksum !== held.checksum) {
      await rm(join(folder, path), { force: true });
      continue;
    }
    const file: ArchivedFile = {
      path,
      from: iso(span.from),
      to: iso(span.to),
      first: iso(back.first),
      last: iso(back.last),
      rows: back.rows,
      bytes,
      sha256,
      checksum: back.checksum,
    };
    await writeFileAtomic(note, JSON.stringify(file));
    return { file, kept: false };
  }
  throw new DriftmendError("archive_moving", {
    retry: "later",
    message: `Cannot archive partition ${wanted.partition} of ${table} as its rows must hold still while they are written: they changed ${TRIES} times`,
    next: "Try again, or archive older partitions only: --older-than.",
  });
}

function pathOf({ table, partition, model, suffix }: SpanWanted, checksum: string): string {
  // Names of models are whatever somebody sent: no path, and not longer than a file name may be.
  const plain = model === null ? "" : encodeURIComponent(model).replaceAll(/[.*'()!~]/g, "_");
  const digest = createHash("sha256")
    .update(model ?? "")
    .digest("hex")
    .slice(0, 8);
  const ofModel = model === null ? "" : `.${plain.slice(0, 80)}-${digest}`;
  const content = BigInt(checksum).toString(16).padStart(16, "0");
  return `${table}/${partition}${suffix}${ofModel}.${content}.parquet`;
}

/** A file of an earlier run, where its digest is right. */
async function knownFile(folder: string, note: string): Promise<ArchivedFile | null> {
  const text = await readFile(note, "utf8").catch(() => null);
  if (text === null) return null;
  const parsed = ArchivedFile.safeParse(JSON.parse(text));
  if (!parsed.success) return null;
  const found = await digestOf(join(folder, parsed.data.path));
  return found?.sha256 === parsed.data.sha256 ? parsed.data : null;
}

export async function writeFileSynced(
  path: string,
  stream: AsyncIterable<Uint8Array>,
): Promise<{ sha256: string; bytes: number }> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.tmp`;
  const digest = createHash("sha256");
  let bytes = 0;
  const file = await open(temporary, "w", 0o600);
  try {
    for await (const chunk of stream) {
      digest.update(chunk);
      bytes += chunk.length;
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
  return { sha256: digest.digest("hex"), bytes };
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The archive with a partition in it; one that is there with the same files stands once. */
export function withPartition(
  manifest: ArchiveManifest,
  entry: ArchivedPartition,
  columns: readonly Column[],
): ArchiveManifest {
  const same = (other: ArchivedPartition): boolean =>
    samePartition(other, entry) &&
    other.files.map(({ path }) => path).join() === entry.files.map(({ path }) => path).join();
  return {
    ...manifest,
    columns: { ...manifest.columns, [entry.table]: [...columns] },
    partitions: [...manifest.partitions.filter((other) => !same(other)), entry],
  };
}

/** Notes are for runs that are cut short, and so are files that no manifest names. */
export async function sweepFolder(folder: string, manifest: ArchiveManifest): Promise<void> {
  const named = new Set(manifest.partitions.flatMap(({ files }) => files.map(({ path }) => path)));
  for (const table of ARCHIVED_TABLES) {
    const names = await readdir(join(folder, table)).catch(() => []);
    for (const name of names) {
      const isOurs = /\.parquet(?:\.json|\.tmp|\.json\.tmp)?$/.test(name);
      if (isOurs && !named.has(`${table}/${name}`)) await rm(join(folder, table, name));
    }
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();
