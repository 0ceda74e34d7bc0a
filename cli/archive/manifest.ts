/**
 * What an archive says of itself: `manifest.json`, written last, so that files without it are an archive that was
 * cut short. Times are RFC 3339; digests are of files as they lie there, checksums of rows as the engine reads them.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { writeFileAtomic } from "../../runtime/atomic-file.ts";
import { ARCHIVED_TABLES, type ArchivedTable } from "../../store/queries/archive.ts";

export const MANIFEST = "manifest.json";
const FORMAT = "driftmend-archive/1";

const at = z.iso.datetime();

export const ArchivedFile = z.object({
  /** Relative to the folder, with forward slashes. */
  path: z.string().regex(/^[a-z_]+\/[^/\\]+\.parquet$/),
  /** Span of the rows' time; `to` is excluded. */
  from: at,
  to: at,
  first: at,
  last: at,
  rows: z.int().min(0),
  bytes: z.int().min(0),
  /** Of the file. */
  sha256: z.string().length(64),
  /** sum(cityHash64(columns)) over the rows, modulo 2^64. */
  checksum: z.string(),
});
export type ArchivedFile = z.output<typeof ArchivedFile>;

export const ArchivedPartition = z.object({
  table: z.enum(ARCHIVED_TABLES),
  /** As the engine names it: 2026-03-01 or 202603. */
  partition: z.string(),
  /** Null: all models. */
  model: z.string().nullable(),
  /** Wall time before which all of its rows were accepted: what was erased since is still in it. */
  written: at,
  rows: z.int(),
  files: z.array(ArchivedFile),
});
export type ArchivedPartition = z.output<typeof ArchivedPartition>;

const Column = z.object({ name: z.string().regex(/^\w+$/), type: z.string() });

export const ArchiveManifest = z.object({
  format: z.literal(FORMAT),
  /** Which database the rows are from. */
  store: z.string(),
  /** Its newest migration. */
  migration: z.int(),
  written: at,
  by: z.string(),
  version: z.string(),
  /** Columns of the files by table, in order. */
  columns: z.partialRecord(z.enum(ARCHIVED_TABLES), z.array(Column)),
  partitions: z.array(ArchivedPartition),
});
export type ArchiveManifest = z.output<typeof ArchiveManifest>;

export const newManifest = (
  of: Pick<ArchiveManifest, "store" | "migration" | "written" | "by" | "version">,
): ArchiveManifest => ({ format: FORMAT, ...of, columns: {}, partitions: [] });

/**
 * Null where the folder has none.
 * @throws {DriftmendError} archive_invalid
 */
export async function readManifest(folder: string): Promise<ArchiveManifest | null> {
  const path = join(folder, MANIFEST);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return ArchiveManifest.parse(JSON.parse(text));
  } catch (cause) {
    throw new DriftmendError("archive_invalid", {
      retry: "never",
      message: `Cannot read the archive "${folder}" as its manifest must be of format ${FORMAT}: ${cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause)}`,
      next: "Take the version of Driftmend that wrote it, or a copy of the archive that is whole.",
      cause,
    });
  }
}

export const writeManifest = (folder: string, manifest: ArchiveManifest): Promise<void> =>
  writeFileAtomic(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);

/** Null where there is no such file. */
export async function digestOf(path: string): Promise<{ sha256: string; bytes: number } | null> {
  const digest = createHash("sha256");
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      digest.update(chunk);
      bytes += chunk.length;
    }
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
  return { sha256: digest.digest("hex"), bytes };
}

/** @throws {DriftmendError} archive_damaged, which names the file */
export async function checkFile(folder: string, file: ArchivedFile): Promise<void> {
  const found = await digestOf(join(folder, file.path));
  if (found?.sha256 === file.sha256) return;
  const state =
    found === null
      ? "it is not there"
      : `it has ${found.bytes} bytes with ${found.sha256}, of ${file.bytes} with ${file.sha256}`;
  throw new DriftmendError("archive_damaged", {
    retry: "never",
    message: `Cannot use the archive's file "${file.path}" as it must have the manifest's digest: ${state}`,
    next: `Nothing was changed. Take "${file.path}" from another copy of the archive; --table and --partition restore what is whole.`,
  });
}

/** A partition in an archive: one table, one name, one model or all. */
export const samePartition = (
  a: Pick<ArchivedPartition, "table" | "partition" | "model">,
  b: { readonly table: ArchivedTable; readonly partition: string; readonly model: string | null },
): boolean => a.table === b.table && a.partition === b.partition && a.model === b.model;
