/**
 * References of models that were given none: grids from the first thousand rows, and the first fourteen
 * complete days with enough rows as what windows are compared with.
 */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import { DAY_MS } from "../../contract/window.ts";
import { trafficDays } from "../../store/queries/model-traffic.ts";
import { firstCategories, firstQuartiles } from "../../store/queries/references.ts";
import type { FeatureGrid } from "../features/feature-window.ts";
import { gridOfQuartiles } from "./grid-of-quartiles.ts";
import { GRID_ROWS } from "./grid-search.ts";
import type { LearntReference, ReferenceDeps } from "./learn-training-set.ts";
import { storeSpanReference } from "./span-reference.ts";
import { nextGridNumber, readGrids, storeGrids } from "./store-grids.ts";

export const REFERENCE_DAYS = 14;
/** Fewer rows in a day make no reference. */
export const DAY_ROWS_MIN = 100;
export const LOOKED_BACK_DAYS = 60;

/** Grids for features that have none; true when some were stored. */
export async function learnLiveGrids(
  model: string,
  rowsSeen: number,
  deps: ReferenceDeps,
): Promise<boolean> {
  if (rowsSeen < GRID_ROWS) return false;
  const known = await readGrids(model, deps.store);
  const grid = await nextGridNumber(model, deps.store);
  const rows = GRID_ROWS;
  const grids = new Map<string, FeatureGrid>();
  for (const row of await deps.store.query(firstQuartiles, { model, rows })) {
    const scale = gridOfQuartiles(row.quartiles, row.deviation);
    grids.set(row.feature, { kind: "numeric", grid, scale, categories: [] });
  }
  const max = LIMITS.categoriesPerFeatureMax;
  for (const row of await deps.store.query(firstCategories, { model, rows, max })) {
    const scale = { center: 0, invScale: 0 };
    grids.set(row.feature, { kind: "categorical", grid, scale, categories: row.categories });
  }
  for (const feature of known.keys()) grids.delete(feature);
  if (grids.size === 0) return false;
  await storeGrids(model, grids, deps);
  deps.logger.info({ model, features: grids.size }, "grids learnt from the first rows");
  return true;
}

/** The first fourteen complete days before `throughMs` as reference; true when one was stored. */
export async function learnLiveReference(
  model: string,
  throughMs: number,
  deps: ReferenceDeps,
): Promise<boolean> {
  const span = { model, fromMs: throughMs - LOOKED_BACK_DAYS * DAY_MS, toMs: throughMs };
  const days = (await deps.store.query(trafficDays, span)).filter(
    ({ segment_tag: tag }) => tag === "",
  );
  const perDay = new Map<number, number>();
  for (const { day, n } of days) perDay.set(day, (perDay.get(day) ?? 0) + n);
  // The first day of traffic is seldom whole.
  const enough = [...perDay].sort((a, b) => a[0] - b[0]).slice(1);
  const filled = enough.filter(([, n]) => n >= DAY_ROWS_MIN).slice(0, REFERENCE_DAYS);
  const first = filled[0]?.[0];
  const last = filled.at(-1)?.[0];
  if (filled.length < REFERENCE_DAYS || first === undefined || last === undefined) return false;
  await storeSpanReference(model, { fromMs: first, toMs: last + DAY_MS }, deps);
  return true;
}

/**
 * A span that a person names; grids are learnt first where the model has none yet.
 * @throws {DriftmendError} reference_empty
 */
export async function learnSpanReference(
  model: string,
  span: { readonly fromMs: number; readonly toMs: number },
  deps: ReferenceDeps,
): Promise<LearntReference> {
  const traffic = (await deps.store.query(trafficDays, { model, ...span })).filter(
    ({ segment_tag: tag }) => tag === "",
  );
  const rows = traffic.reduce((sum, { n, errors }) => sum + n - errors, 0);
  const date = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  if (rows < DAY_ROWS_MIN) {
    throw new DriftmendError("reference_empty", {
      retry: "later",
      message: `Cannot compare "${model}" with ${date(span.fromMs)} to ${date(span.toMs)} as a reference needs at least ${DAY_ROWS_MIN} predictions: there are ${rows}`,
      next: '"driftmend status" shows the days that had traffic; name a span with more.',
    });
  }
  if ((await readGrids(model, deps.store)).size === 0) await learnLiveGrids(model, GRID_ROWS, deps);
  return storeSpanReference(model, span, deps);
}
