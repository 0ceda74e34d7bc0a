/**
 * Reads a model's training set once: grids of its features, counts per feature and declared segment, and
 * how dependent its daily blocks are. What it was read from is its name, so the same file under the same
 * columns is not read again. Order matters: grids are stored before any count refers to them.
 */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { cellCounts } from "../../stats/index.ts";
import type { Store } from "../../store/client.ts";
import {
  type TrainingColumns,
  clearStaging,
  countStaged,
  modelReferences,
  referenceCells,
  stageTrainingSet,
  stagedCategories,
  stagedCellsByDay,
  stagedQuartiles,
  stagedSummary,
} from "../../store/queries/references.ts";
import {
  ALL_ROWS,
  CELL_MISSING,
  type FeatureGrid,
  type FeatureWindow,
  readWindows,
} from "../features/feature-window.ts";
import { gridOfQuartiles } from "./grid-of-quartiles.ts";
import { type DailyWindows, learnEffect } from "./learn-effects.ts";
import { type ReferenceDetail, referenceDetailJson } from "./reference-detail.ts";
import { nextGridNumber, storeGrids } from "./store-grids.ts";

export interface ReferenceDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface LearntReference {
  readonly reference: string;
  readonly rows: number;
  /** False when it was there already. */
  readonly learnt: boolean;
}

const DAY_MS = 86_400_000;
const CHUNK_BYTES = 1024 * 1024;

/** @throws {DriftmendError} training_set_unreadable, training_set_unusable */
export async function learnTrainingSet(
  document: OnboardingDocument,
  path: string,
  deps: ReferenceDeps,
): Promise<LearntReference> {
  const model = document.metadata.name;
  const columns = columnsOf(document);
  if (columns.numeric.length + columns.categorical.length === 0) {
    throw unusable(path, "the document names no numeric or categorical feature");
  }
  const bytes = await readTrainingSet(path);
  const digest = createHash("sha256").update(bytes).update(JSON.stringify(columns)).digest("hex");
  const reference = `training_set/${digest.slice(0, 16)}`;
  const known = await deps.store.query(modelReferences, { model });
  const present = known.find((row) => row.reference === reference);
  if (present !== undefined) return { reference, rows: present.rows, learnt: false };
  await deps.store.command(clearStaging, { reference });
  try {
    await deps.store.insertNative(stageTrainingSet(columns), { reference }, chunksOf(bytes));
    const rows = await learnStaged(document, { reference, path, columns }, deps);
    return { reference, rows, learnt: true };
  } finally {
    await deps.store.command(clearStaging, { reference });
  }
}

interface Staged {
  readonly reference: string;
  readonly path: string;
  readonly columns: TrainingColumns;
}

async function learnStaged(
  document: OnboardingDocument,
  staged: Staged,
  deps: ReferenceDeps,
): Promise<number> {
  const { store } = deps;
  const { reference, columns } = staged;
  const model = document.metadata.name;
  const positive = document.task.positive ?? "1";
  const [summary] = await store.query(stagedSummary, { reference, positive });
  if (summary === undefined || summary.rows === 0) throw unusable(staged.path, "it has no rows");
  const grid = await nextGridNumber(model, store);
  const grids = await learnGrids(reference, columns, grid, store);
  const missing = [...columns.numeric, ...columns.categorical].filter((name) => !grids.has(name));
  if (missing.length > 0) {
    throw unusable(staged.path, `it has no value of ${missing.map((n) => `"${n}"`).join(", ")}`);
  }
  await storeGrids(model, grids, deps);
  const scales = columns.numeric.map(
    (name) => grids.get(name)?.scale ?? { center: 0, invScale: 0 },
  );
  const centers = scales.map(({ center }) => center);
  const invScales = scales.map(({ invScale }) => invScale);
  const { numeric, categorical } = columns;
  const known = categorical.flatMap((feature) =>
    (grids.get(feature)?.categories ?? []).map((category) => `${feature}\u0000${category}`),
  );
  await store.command(countStaged, {
    ...{ model, reference, grid, numeric, centers, invScales, categorical, known },
  });
  const byDay = await store.query(stagedCellsByDay, {
    ...{ reference, numeric, centers, invScales, categorical },
  });
  const whole = readWindows(await store.query(referenceCells, { model, reference }), grids).windows;
  const days = new Set(byDay.map(({ day }) => day));
  const detail: ReferenceDetail = {
    fromMs: summary.from,
    toMs: summary.to,
    blocks: Math.max(1, days.size),
    grid,
    segments: [...columns.tags],
    effects: learnEffects(whole, byDay, grids),
  };
  const { rows, positives, labelled } = summary;
  const created = deps.clock.nowMs();
  await store.insert("model_references", [
    {
      ...{ model, reference, source: staged.path, rows, positives, labelled, created },
      revision: created,
      detail: referenceDetailJson(detail),
    },
  ]);
  deps.logger.info({ model, reference, rows }, "training set read as reference");
  return rows;
}

async function learnGrids(
  reference: string,
  columns: TrainingColumns,
  grid: number,
  store: Store,
): Promise<Map<string, FeatureGrid>> {
  const grids = new Map<string, FeatureGrid>();
  const wanted = new Set([...columns.numeric, ...columns.categorical]);
  for (const row of await store.query(stagedQuartiles, { reference })) {
    const scale = gridOfQuartiles(row.quartiles, row.deviation);
    grids.set(row.feature, { kind: "numeric", grid, scale, categories: [] });
  }
  const max = LIMITS.categoriesPerFeatureMax;
  for (const row of await store.query(stagedCategories, { reference, max })) {
    const scale = { center: 0, invScale: 0 };
    grids.set(row.feature, { kind: "categorical", grid, scale, categories: row.categories });
  }
  for (const feature of grids.keys()) if (!wanted.has(feature)) grids.delete(feature);
  return grids;
}

interface DayCells {
  readonly feature: string;
  readonly day: number;
  readonly cell: readonly number[];
  readonly category: readonly string[];
  readonly n: readonly number[];
}

function learnEffects(
  whole: ReturnType<typeof readWindows>["windows"],
  byDay: readonly DayCells[],
  grids: ReadonlyMap<string, FeatureGrid>,
): ReferenceDetail["effects"] {
  const daily = new Map<string, Map<number, FeatureWindow>>();
  for (const row of byDay) {
    const days = daily.get(row.feature) ?? new Map<number, FeatureWindow>();
    daily.set(row.feature, days);
    days.set(Math.floor(row.day / DAY_MS) * DAY_MS, dayWindow(row, grids.get(row.feature)));
  }
  const effects: ReferenceDetail["effects"] = {};
  for (const [feature, days] of daily as Map<string, DailyWindows>) {
    const window = whole.get(feature)?.get(ALL_ROWS);
    if (window !== undefined) effects[feature] = learnEffect(window, days);
  }
  return effects;
}

function dayWindow(row: DayCells, grid: FeatureGrid | undefined): FeatureWindow {
  const rows = row.n.reduce((total, n) => total + n, 0);
  if (grid?.kind === "categorical") {
    const pairs = row.category.flatMap((category, i) =>
      row.cell[i] === CELL_MISSING ? [] : [[category, row.n[i] ?? 0] as const],
    );
    const counts = new Map(pairs);
    const present = pairs.reduce((total, [, n]) => total + n, 0);
    return { kind: "categorical", counts: { counts, missing: rows - present }, rows };
  }
  const kept = row.cell.flatMap((cell, i) => (cell === CELL_MISSING ? [] : [i]));
  const n = kept.map((i) => row.n[i] ?? 0);
  const zeros = kept.map(() => 0);
  const counts = cellCounts(
    grid?.scale ?? { center: 0, invScale: 0 },
    { cell: kept.map((i) => row.cell[i] ?? 0), n, sum: zeros, sumOfSquares: zeros },
    rows - n.reduce((total, value) => total + value, 0),
  );
  return { kind: "numeric", counts, rows };
}

/** The columns of a training set that the document declares. */
export function columnsOf(document: OnboardingDocument): TrainingColumns {
  const ofType = (type: string): string[] =>
    Object.entries(document.features)
      .filter(([, spec]) => spec.type === type)
      .map(([name]) => name)
      .sort();
  return {
    numeric: ofType("numeric"),
    categorical: ofType("categorical"),
    tags: [...document.segments].sort(),
  };
}

async function readTrainingSet(source: string): Promise<Buffer> {
  const path = source.startsWith("file:") ? fileURLToPath(source) : source;
  try {
    const { size } = await stat(path);
    if (size > LIMITS.trainingSetBytesMax) {
      throw unusable(path, `it has ${size} bytes, at most ${LIMITS.trainingSetBytesMax} are read`);
    }
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof DriftmendError) throw cause;
    throw new DriftmendError("training_set_unreadable", {
      retry: "never",
      message: `Cannot read the training set "${source}" as a Parquet file: ${String(cause)}`,
      next: "Give a path or file URL that the analyzer's process can read.",
      cause,
    });
  }
}

function chunksOf(bytes: Buffer): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    chunks.push(bytes.subarray(at, at + CHUNK_BYTES));
  }
  return chunks;
}

function unusable(path: string, what: string): DriftmendError {
  return new DriftmendError("training_set_unusable", {
    retry: "never",
    message: `Cannot use the training set "${path}" as the reference: ${what}`,
    next: "Declare the features in the document by the names of the file's columns.",
  });
}
