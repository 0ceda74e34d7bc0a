/**
 * Builds a data set as trainers find it (INTERFACES §5): a folder of linked part files and dataset.json,
 * named by the digest of that file. The same content is the same folder; it never changes once it is there.
 */
import { createHash } from "node:crypto";
import { copyFile, link, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import { Duration } from "../../contract/duration.ts";
import type { DatasetRef } from "../../contract/run.ts";
import type { DatasetDescription, DatasetFile } from "../../contract/trainer.ts";
import { writeFileAtomic } from "../../runtime/atomic-file.ts";
import type { Store } from "../../store/client.ts";
import {
  type RowColumns,
  excludedRows,
  labelledSpan,
  partDigests,
} from "../../store/queries/training-rows.ts";
import type { EffectTable } from "../journal/effect-table.ts";
import { type QuarantineEntry, entriesWithin } from "../policy/quarantine.ts";
import { exclusionsOf } from "./exclusions.ts";
import { cachedPart } from "./part-cache.ts";
import { DAYS, type DatasetPart, WEEKS, isTooLarge, planParts } from "./plan-parts.ts";
import { referenceSet } from "./reference-set.ts";

export interface DatasetRequest {
  readonly document: OnboardingDocument;
  readonly columns: RowColumns;
  /** "all", or a duration before `toMs`. */
  readonly choice: string;
  /** Rows before this; nothing that a judge will see. */
  readonly toMs: number;
  /** Labels known later do not count. */
  readonly knownMs: number;
  readonly quarantine: readonly QuarantineEntry[];
  /** Folder of the model, in which `parts` and `datasets` lie. */
  readonly folder: string;
}

export interface DatasetDeps {
  readonly store: Store;
  readonly effects: EffectTable;
}

/** A file of the data set and where its bytes are. */
interface SourcedFile {
  readonly from: string;
  readonly file: DatasetFile;
}

export interface BuiltDataset {
  readonly ref: DatasetRef;
  readonly exportedParts: number;
}

export async function buildDataset(
  request: DatasetRequest,
  deps: DatasetDeps,
): Promise<BuiltDataset> {
  const { document, columns, choice, toMs, knownMs } = request;
  const model = document.metadata.name;
  const windowFromMs = choice === "all" ? null : toMs - Duration.parse(choice);
  const parts = await partsOf(request, windowFromMs, deps.store);
  const files: SourcedFile[] = [];
  const reference = document.reference.training_set;
  if (reference !== undefined && choice === "all") {
    const set = await referenceSet(reference, columns, deps);
    const { path: from, sha256, bytes, rows } = set;
    const path = "train/reference.parquet";
    const source = "reference" as const;
    files.push({ from, file: { path, sha256, bytes, rows, source, fromMs: null, toMs: null } });
  }
  let exportedParts = 0;
  for (const part of parts) {
    const folder = join(request.folder, "parts");
    const cached = await cachedPart({ model, knownMs, columns, folder, part }, deps.store);
    exportedParts += cached.exported ? 1 : 0;
    const { sha256, bytes } = cached;
    const { fromMs, rows } = part;
    const day = new Date(fromMs).toISOString().slice(0, 10);
    const path = `train/${day}-${part.key.slice(0, 8)}.parquet`;
    const source = "recorded" as const;
    const file = { path, sha256, bytes, rows, source, fromMs, toMs: part.toMs };
    files.push({ from: cached.path, file });
  }
  const description = describe(request, windowFromMs, files);
  const ref = await assemble(request.folder, description, files);
  return { ref, exportedParts };
}

async function partsOf(
  request: DatasetRequest,
  windowFromMs: number | null,
  store: Store,
): Promise<readonly DatasetPart[]> {
  const { toMs, knownMs, columns } = request;
  const model = request.document.metadata.name;
  const [span] = await store.query(labelledSpan, { model, knownMs });
  if (span === undefined) return [];
  const fromMs = Math.max(windowFromMs ?? span.fromMs, span.fromMs);
  if (fromMs >= toMs) return [];
  const exclusions = entriesWithin(request.quarantine, fromMs, toMs);
  const window = { model, fromMs, toMs, knownMs };
  let grid = WEEKS;
  let digests = await store.query(partDigests, { ...window, ...grid });
  if (isTooLarge(digests)) {
    grid = DAYS;
    digests = await store.query(partDigests, { ...window, ...grid });
  }
  const out = new Map<number, number>();
  if (exclusions.length > 0) {
    const span = {
      ...window,
      fromMs: Math.max(fromMs, Math.min(...exclusions.map((entry) => entry.fromMs))),
      toMs: Math.min(toMs, Math.max(...exclusions.map((entry) => entry.toMs))),
    };
    const found = await store.query(excludedRows, {
      ...span,
      ...grid,
      ...exclusionsOf(exclusions),
    });
    for (const { part, rows } of found) out.set(part, rows);
  }
  const sound = digests.map((part) => ({ ...part, rows: part.rows - (out.get(part.part) ?? 0) }));
  return planParts(sound, { fromMs, toMs }, grid, exclusions, columns);
}

function describe(
  request: DatasetRequest,
  fromMs: number | null,
  files: readonly SourcedFile[],
): DatasetDescription {
  const { document, columns, choice, toMs, knownMs } = request;
  const { type, positive } = document.task;
  return {
    format: 1,
    model: document.metadata.name,
    task: { type, ...(positive === undefined ? {} : { positive }) },
    schema: {
      features: Object.fromEntries(columns.features.map(({ name, kind }) => [name, kind])),
      tags: [...columns.tags],
      target: columns.target,
    },
    window: { choice, fromMs, toMs },
    labelWatermarkMs: knownMs,
    exclusions: entriesWithin(request.quarantine, fromMs ?? 0, toMs).map(
      ({ id, tag, values, ...span }) => ({
        id,
        tag,
        values: [...values],
        fromMs: span.fromMs,
        toMs: span.toMs,
      }),
    ),
    rows: files.reduce((sum, { file }) => sum + (file.rows ?? 0), 0),
    train: files.map(({ file }) => file),
    valid: [],
  };
}

async function assemble(
  modelFolder: string,
  description: DatasetDescription,
  files: readonly SourcedFile[],
): Promise<DatasetRef> {
  const text = `${JSON.stringify(description, null, 2)}\n`;
  const sha256 = createHash("sha256").update(text).digest("hex");
  const folder = join(modelFolder, "datasets", sha256.slice(0, 16));
  const { rows, window } = description;
  const ref = { folder, sha256, rows, fromMs: window.fromMs, toMs: window.toMs };
  if ((await readFile(join(folder, "dataset.json"), "utf8").catch(() => "")) === text) return ref;
  const temporary = `${folder}.tmp`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(join(temporary, "train"), { recursive: true });
  for (const { from, file } of files) {
    const target = join(temporary, file.path);
    // Another file system cannot be linked to; then the file is copied.
    await link(from, target).catch(() => copyFile(from, target));
  }
  await writeFileAtomic(join(temporary, "dataset.json"), text);
  await rm(folder, { recursive: true, force: true });
  await rename(temporary, folder);
  return ref;
}
