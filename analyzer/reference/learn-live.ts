/**
 * References of models that were given none: grids from the first thousand rows, and the first fourteen
 * complete days with enough rows as what windows are compared with.
 */
import { LIMITS } from "../../contract/limits.ts";
import { DAY_MS } from "../../contract/window.ts";
import { featureCellsByDay } from "../../store/queries/feature-cells.ts";
import { trafficDays } from "../../store/queries/model-traffic.ts";
import {
  countSpan,
  firstCategories,
  firstQuartiles,
  referenceCells,
} from "../../store/queries/references.ts";
import {
  ALL_ROWS,
  type FeatureGrid,
  type FeatureWindow,
  readWindows,
} from "../features/feature-window.ts";
import { gridOfQuartiles } from "./grid-of-quartiles.ts";
import { GRID_ROWS } from "./grid-search.ts";
import { learnEffect } from "./learn-effects.ts";
import type { ReferenceDeps } from "./learn-training-set.ts";
import { type ReferenceDetail, referenceDetailJson } from "./reference-detail.ts";
import { nextGridNumber, readGrids, storeGrids } from "./store-grids.ts";

export const REFERENCE_DAYS = 14;
/** Fewer rows in a day make no reference. */
const DAY_ROWS_MIN = 100;
const LOOKED_BACK_DAYS = 60;

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
  await storeSpan(model, first, last + DAY_MS, filled, deps);
  return true;
}

async function storeSpan(
  model: string,
  fromMs: number,
  toMs: number,
  filled: readonly (readonly [number, number])[],
  deps: ReferenceDeps,
): Promise<void> {
  const { store } = deps;
  const date = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  const reference = `window/${date(fromMs)}/${date(toMs)}`;
  await store.command(countSpan, { model, reference, fromMs, toMs });
  const grids = await readGrids(model, store);
  const { windows } = readWindows(await store.query(referenceCells, { model, reference }), grids);
  const byDay = await store.query(featureCellsByDay, {
    ...{ model, fromMs, toMs, features: [], tags: [""], version: "" },
  });
  const effects: ReferenceDetail["effects"] = {};
  for (const [feature, segments] of windows) {
    const whole = segments.get(ALL_ROWS);
    if (whole === undefined) continue;
    const days = new Map<number, FeatureWindow>();
    for (const { day, ...row } of byDay.filter((cells) => cells.feature === feature)) {
      const sums = row.cell.map(() => 0);
      const own = readWindows([{ ...row, s: sums }], grids).windows.get(feature);
      const window = own?.get(ALL_ROWS);
      if (window !== undefined) days.set(day, window);
    }
    effects[feature] = learnEffect(whole, days);
  }
  const segments = [...windows.values()].flatMap((own) =>
    [...own.keys()].map((key) => key.split("\u0000")[0] ?? ""),
  );
  const detail: ReferenceDetail = {
    ...{ fromMs, toMs, blocks: filled.length, effects },
    grid: Math.max(0, ...[...grids.values()].map(({ grid }) => grid)),
    segments: [...new Set(segments)].filter((tag) => tag !== "").sort(),
  };
  const created = deps.clock.nowMs();
  await store.insert("model_references", [
    {
      ...{ model, reference, source: reference, rows: filled.reduce((sum, [, n]) => sum + n, 0) },
      ...{ positives: 0, labelled: 0, created, revision: created },
      detail: referenceDetailJson(detail),
    },
  ]);
  deps.logger.info({ model, reference }, "first days taken as reference");
}
