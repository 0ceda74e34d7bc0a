/**
 * Prediction drift: the scores of every version that answered in a week against the scores of that version
 * on its own training set. Another version is not drift; the same version answering otherwise is.
 */
import { type Window, DAY_MS } from "../../contract/window.ts";
import { cellCounts, decideDrift, driftEvidence } from "../../stats/index.ts";
import type { Store } from "../../store/client.ts";
import { featureCells, featureCellsByDay } from "../../store/queries/feature-cells.ts";
import { trafficDays } from "../../store/queries/model-traffic.ts";
import { versionReference } from "../../store/queries/references.ts";
import { DRIFT_ALPHA } from "../drift/judge-drift.ts";
import type { Evaluation, StageDeps } from "../evaluation.ts";
import { histogramOf, project } from "../features/feature-reference.ts";
import {
  ALL_ROWS,
  type FeatureGrid,
  type FeatureWindow,
  readWindows,
  segmentKey,
  subtractWindows,
} from "../features/feature-window.ts";
import { END_MS } from "../memory.ts";
import { learnEffect } from "../reference/learn-effects.ts";
import type { DriftRow } from "../results/store-drift-results.ts";

export const SCORE_FEATURE = "$score";
/** Never learnt, so that versions compare (docs/tables.md). */
export const SCORE_SCALE = { center: 0.5, invScale: 1 };
const SCORE_GRID: ReadonlyMap<string, FeatureGrid> = new Map([
  [SCORE_FEATURE, { kind: "numeric", grid: 1, scale: SCORE_SCALE, categories: [] }],
]);
const EFFECT_DAYS = 28;
const ROWS_MIN = 1_000;

export interface AnsweringVersion {
  readonly version: string;
  readonly rows: number;
  /** It answered on every day that had traffic. */
  readonly isWhole: boolean;
}

/** Versions that answered in a window, most rows first. */
export async function versionsIn(
  model: string,
  window: Window,
  store: Store,
): Promise<readonly AnsweringVersion[]> {
  const days = await store.query(trafficDays, {
    model,
    fromMs: window.fromMs,
    toMs: window.toMs,
  });
  const rows = new Map<string, number>();
  const daysOf = new Map<string, Set<number>>();
  for (const { version, day, segment_tag: tag, n, errors } of days) {
    if (tag !== "" || n === errors) continue;
    rows.set(version, (rows.get(version) ?? 0) + n - errors);
    daysOf.set(version, (daysOf.get(version) ?? new Set()).add(day));
  }
  const trafficked = new Set([...daysOf.values()].flatMap((set) => [...set])).size;
  return [...rows]
    .map(([version, n]) => ({
      version,
      rows: n,
      isWhole: daysOf.get(version)?.size === trafficked,
    }))
    .sort((a, b) => b.rows - a.rows || (a.version < b.version ? -1 : 1));
}

/** Scores of a version on its training set as a window; null when nobody stored them. */
export async function scoreReference(
  model: string,
  version: string,
  store: Store,
): Promise<FeatureWindow | null> {
  const cells = await store.query(versionReference, { model, version });
  if (cells.length === 0) return null;
  const counts = cellCounts(SCORE_SCALE, {
    cell: cells.map(({ cell }) => cell),
    n: cells.map(({ n }) => n),
    sum: cells.map(({ score_sum: sum }) => sum),
    sumOfSquares: cells.map(({ score_sum: sum, n }) => (sum * sum) / n),
  });
  return { kind: "numeric", counts, rows: cells.reduce((sum, { n }) => sum + n, 0) };
}

/** Scores of a version in a window, without quarantined rows; null where it gave none. */
export async function scoreWindow(
  evaluation: Evaluation,
  window: Window,
  version: string,
  store: Store,
): Promise<FeatureWindow | null> {
  const { model } = evaluation.context;
  const read = async (fromMs: number, toMs: number, tag: string) => {
    const span = { model, fromMs, toMs, features: [SCORE_FEATURE], tags: [tag], version };
    return readWindows(await store.query(featureCells.days, span), SCORE_GRID).windows.get(
      SCORE_FEATURE,
    );
  };
  let whole = (await read(window.fromMs, window.toMs, ""))?.get(ALL_ROWS);
  for (const entry of evaluation.memory.quarantined) {
    const fromMs = Math.max(window.fromMs, entry.fromMs);
    const toMs = Math.min(window.toMs, entry.toMs ?? END_MS);
    if (whole === undefined || fromMs >= toMs) continue;
    const out = await read(fromMs, toMs, entry.tag);
    const keys = entry.tag === "" ? [ALL_ROWS] : entry.values.map((v) => segmentKey(entry.tag, v));
    whole = subtractWindows(
      whole,
      keys.flatMap((key) => out?.get(key) ?? []),
    );
  }
  return whole ?? null;
}

export async function judgeScores(
  evaluation: Evaluation,
  window: Window,
  deps: StageDeps,
): Promise<readonly DriftRow[]> {
  const { model } = evaluation.context;
  const judged: DriftRow[] = [];
  for (const { version, rows, isWhole } of await versionsIn(model, window, deps.store)) {
    // A version that answered for a part of the week is another mixture of days, which is not drift.
    if (rows < ROWS_MIN || !isWhole) continue;
    const reference = await scoreReference(model, version, deps.store);
    const current = await scoreWindow(evaluation, window, version, deps.store);
    const histogram = reference === null ? null : histogramOf(reference);
    if (reference?.kind !== "numeric" || current?.kind !== "numeric" || histogram === null) {
      continue;
    }
    const projected = project(histogram, current);
    const evidence = driftEvidence({
      histogram,
      current: projected,
      cells: { reference: reference.counts, current: current.counts },
      designEffect: await effectOf(model, version, window, reference, deps.store),
    });
    judged.push({
      feature: SCORE_FEATURE,
      segment: ALL_ROWS,
      kind: "prediction",
      version,
      reference: `version/${version}`,
      verdict: decideDrift(evidence, { alpha: DRIFT_ALPHA }),
      referenceCounts: histogram.reference,
      current: projected,
    });
  }
  return judged;
}

/** How dependent the scores of a day are, from the version's own last days. */
async function effectOf(
  model: string,
  version: string,
  window: Window,
  reference: FeatureWindow,
  store: Store,
) {
  const cells = await store.query(featureCellsByDay, {
    model,
    version,
    fromMs: window.toMs - EFFECT_DAYS * DAY_MS,
    toMs: window.toMs,
    features: [SCORE_FEATURE],
    tags: [""],
  });
  const days = new Map<number, FeatureWindow>();
  for (const { day, ...row } of cells) {
    const sums = row.cell.map(() => 0);
    const { windows } = readWindows([{ ...row, s: sums }], SCORE_GRID);
    const own = windows.get(SCORE_FEATURE)?.get(ALL_ROWS);
    if (own !== undefined) days.set(day, own);
  }
  return learnEffect(reference, days);
}
