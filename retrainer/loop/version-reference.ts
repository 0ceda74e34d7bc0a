/**
 * A version's scores on the newest labelled rows of its own training set, by cell: what its later scores
 * are compared with, and the calibration table of the label-free estimate (architecture, tables).
 */
import { LIMITS } from "../../contract/limits.ts";
import type { DatasetRef } from "../../contract/run.ts";
import { cellOf } from "../../stats/index.ts";
import type { RowColumns } from "../../store/queries/training-rows.ts";
import { referenceRows } from "../dataset/reference-set.ts";
import type { LabelledRows } from "../judge/feature-columns.ts";
import { loadNewestRows } from "../judge/load-block.ts";
import type { ModelSignature } from "../judge/scoring-pool.ts";
import type { QuarantineEntry } from "../policy/quarantine.ts";
import type { ModelContext, RetrainerDeps } from "./deps.ts";

/** The fixed grid of scores. */
const SCORE_CENTER = 0.5;
const SCORE_SCALE = 1;
/** Rows are looked for in the newest weeks first. */
const LOOK_BACK_MS = 28 * 86_400_000;

export interface ReferenceOf {
  readonly version: string;
  readonly path: string;
  readonly signature: ModelSignature;
  readonly columns: RowColumns;
  /** Null for an adopted version, which was trained on the onboarding's training set alone. */
  readonly dataset: DatasetRef | null;
  readonly knownMs: number;
  readonly quarantine: readonly QuarantineEntry[];
}

/** Writes the reference; again is the same. Answers how many rows it is made of. */
export async function writeVersionReference(
  context: ModelContext,
  of: ReferenceOf,
  deps: RetrainerDeps,
): Promise<number> {
  const { document, model } = context;
  if (document.task.type !== "binary") return 0;
  let total = 0;
  const cells = new Map<number, { n: number; score_sum: number; positives: number }>();
  for (const rows of await trainingRowsOf(context, of, deps)) {
    const { scores } = await deps.pool.score(of.path, of.signature, rows);
    for (let row = 0; row < rows.rows && total < LIMITS.versionReferenceRowsMax; row++, total++) {
      const score = scores[row]!;
      const cell = cellOf(score, SCORE_CENTER, SCORE_SCALE);
      const sum = cells.get(cell) ?? { n: 0, score_sum: 0, positives: 0 };
      sum.n++;
      sum.score_sum += Number.isFinite(score) ? score : 0;
      sum.positives += rows.target[row]!;
      cells.set(cell, sum);
    }
  }
  const { version } = of;
  const written = [...cells].map(([cell, sum]) => ({ model, version, cell, ...sum, revision: 1 }));
  await deps.store.insert("version_references", written, {
    token: `reference/${model}/${version}`,
  });
  return total;
}

/** Newest first: recorded rows, then those of the training set named at onboarding. */
async function trainingRowsOf(
  context: ModelContext,
  of: ReferenceOf,
  deps: RetrainerDeps,
): Promise<readonly LabelledRows[]> {
  const { document } = context;
  const { columns, dataset, knownMs, quarantine } = of;
  const rowsMax = LIMITS.versionReferenceRowsMax;
  const found: LabelledRows[] = [];
  if (dataset !== null) {
    const { toMs } = dataset;
    const fromMs = Math.max(dataset.fromMs ?? 0, toMs - LOOK_BACK_MS);
    const request = { document, columns, fromMs, toMs, knownMs, quarantine };
    found.push(await loadNewestRows(request, rowsMax, deps.store));
  }
  const source = document.reference.training_set;
  const missing = rowsMax - (found[0]?.rows ?? 0);
  if (source === undefined || missing <= 0) return found;
  const positive = document.task.positive ?? "1";
  found.push(await referenceRows(source, columns, positive, missing, deps.store));
  return found;
}
