/**
 * The training set named at onboarding: part of every data set over all time, and what the adopted
 * champion's own scores are computed on. It is read through the store, which knows Parquet.
 */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { readBlocks } from "../../contract/native-block.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { Store } from "../../store/client.ts";
import { clearStaging, stageTrainingSet, stagedSummary } from "../../store/queries/references.ts";
import { type RowColumns, stagedColumns } from "../../store/queries/training-rows.ts";
import type { EffectTable } from "../journal/effect-table.ts";
import { type LabelledRows, labelledRows } from "../judge/feature-columns.ts";
import { bytesOf } from "./stream-bytes.ts";

export interface ReferenceSet {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly rows: number;
}

const CHUNK_BYTES = 1024 * 1024;

/** What the file is, counted once per content. @throws {DriftmendError} training_set_unreadable */
export async function referenceSet(
  source: string,
  columns: RowColumns,
  deps: { readonly store: Store; readonly effects: EffectTable },
): Promise<ReferenceSet> {
  const path = pathOf(source);
  const bytes = await readSet(path);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const counted = await deps.effects.once(`reference/${sha256}`, "count_reference", { path }, () =>
    staged(bytes, sha256, columns, deps.store, async (reference) => {
      const [summary] = await deps.store.query(stagedSummary, { reference, positive: "" });
      return { rows: summary?.rows ?? 0 };
    }),
  );
  return { path, sha256, bytes: bytes.length, rows: counted.rows };
}

/** Its newest labelled rows in columns. */
export async function referenceRows(
  source: string,
  columns: RowColumns,
  positive: string,
  rowsMax: number,
  store: Store,
): Promise<LabelledRows> {
  const bytes = await readSet(pathOf(source));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return staged(bytes, sha256, columns, store, async (reference) => {
    const query = stagedColumns(columns);
    const stream = await store.stream(query, { reference, positive, rowsMax }, "Native");
    return labelledRows(readBlocks(await bytesOf(stream)), columns);
  });
}

async function staged<T>(
  bytes: Uint8Array,
  sha256: string,
  columns: RowColumns,
  store: Store,
  read: (reference: string) => Promise<T>,
): Promise<T> {
  const reference = `retrainer/${sha256.slice(0, 16)}`;
  const names = (kind: "numeric" | "categorical"): string[] =>
    columns.features.filter((feature) => feature.kind === kind).map(({ name }) => name);
  const insert = stageTrainingSet({
    numeric: names("numeric"),
    categorical: names("categorical"),
    tags: [],
  });
  await store.command(clearStaging, { reference });
  try {
    await store.insertNative(insert, { reference }, chunks(bytes));
    return await read(reference);
  } finally {
    await store.command(clearStaging, { reference });
  }
}

async function readSet(path: string): Promise<Uint8Array> {
  const info = await stat(path).catch(() => null);
  if (info !== null && info.size <= LIMITS.trainingSetBytesMax) return readFile(path);
  throw new DriftmendError("training_set_unreadable", {
    retry: "never",
    message: `Cannot read the training set "${path}": ${info === null ? "there is no such file" : `it has ${info.size} bytes, at most ${LIMITS.trainingSetBytesMax} are read`}`,
    next: 'Correct "reference.training_set" in the onboarding document.',
  });
}

const pathOf = (source: string): string =>
  source.startsWith("file://") ? fileURLToPath(source) : source;

function chunks(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    parts.push(bytes.subarray(at, at + CHUNK_BYTES));
  }
  return parts;
}
