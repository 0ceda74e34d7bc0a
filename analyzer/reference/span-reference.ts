/**
 * A span of the model's own traffic as the reference: counted from the rollups, or from raw rows where these
 * were counted on other grids, as the first days of a model were that is seldom asked.
 */
import type { z } from "zod";
import { DAY_MS, startOfDay } from "../../contract/window.ts";
import type { Store } from "../../store/client.ts";
import {
  type FeatureCells,
  featureCells,
  featureCellsByDay,
} from "../../store/queries/feature-cells.ts";
import { trafficDays } from "../../store/queries/model-traffic.ts";
import { rawCells } from "../../store/queries/raw-cells.ts";
import { countSpan, referenceCells } from "../../store/queries/references.ts";
import {
  ALL_ROWS,
  type FeatureGrid,
  type FeatureWindow,
  readWindows,
} from "../features/feature-window.ts";
import { rawCellsParams } from "../features/read-span.ts";
import { learnEffect } from "./learn-effects.ts";
import type { LearntReference, ReferenceDeps } from "./learn-training-set.ts";
import { type ReferenceDetail, referenceDetailJson } from "./reference-detail.ts";
import { readGrids } from "./store-grids.ts";

const UNKNOWN_CATEGORY = "~other/0";

interface Days {
  readonly fromMs: number;
  readonly toMs: number;
}

/** @param span whole UTC days */
export async function storeSpanReference(
  model: string,
  span: Days,
  deps: ReferenceDeps,
): Promise<LearntReference> {
  const { store } = deps;
  const date = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  const reference = `window/${date(span.fromMs)}/${date(span.toMs)}`;
  const grids = await readGrids(model, store);
  const traffic = (await store.query(trafficDays, { model, ...span })).filter(
    ({ segment_tag: tag }) => tag === "",
  );
  const days = await countDays({ model, reference, span }, grids, store);
  const { windows } = readWindows(await store.query(referenceCells, { model, reference }), grids);
  const effects: ReferenceDetail["effects"] = {};
  for (const [feature, segments] of windows) {
    const whole = segments.get(ALL_ROWS);
    if (whole !== undefined) effects[feature] = learnEffect(whole, windowsOf(feature, days, grids));
  }
  const tags = [...windows.values()].flatMap((own) =>
    [...own.keys()].map((key) => key.split("\u0000")[0] ?? ""),
  );
  const detail: ReferenceDetail = {
    ...{ ...span, effects },
    blocks: Math.max(1, new Set(traffic.map(({ day }) => day)).size),
    grid: Math.max(0, ...[...grids.values()].map(({ grid }) => grid)),
    segments: [...new Set(tags)].filter((tag) => tag !== "").sort(),
  };
  const created = deps.clock.nowMs();
  const rows = traffic.reduce((sum, { n }) => sum + n, 0);
  await store.insert("model_references", [
    {
      ...{ model, reference, source: reference, rows, positives: 0, labelled: 0 },
      ...{ created, revision: created, detail: referenceDetailJson(detail) },
    },
  ]);
  deps.logger.info({ model, reference }, "a span of the traffic taken as reference");
  return { reference, rows, learnt: true };
}

interface DayCells extends Omit<FeatureCells, "s"> {
  readonly day: number;
}

/** Counts the span into `reference_rollups`, and answers its days. */
async function countDays(
  to: { readonly model: string; readonly reference: string; readonly span: Days },
  grids: ReadonlyMap<string, FeatureGrid>,
  store: Store,
): Promise<readonly DayCells[]> {
  const { model, reference, span } = to;
  const all = { model, ...span, features: [], version: "" };
  const { foreignRows } = readWindows(
    await store.query(featureCells.days, { ...all, tags: [""] }),
    grids,
  );
  if (foreignRows === 0) {
    await store.command(countSpan, { model, reference, ...span });
    return store.query(featureCellsByDay, { ...all, tags: [""] });
  }
  const days: DayCells[] = [];
  const params = rawCellsParams(grids);
  const tags = await tagsOf(model, span, store);
  const counted = await store.query(rawCells, { model, ...span, version: "", tags, ...params });
  await store.insert(
    "reference_rollups",
    counted.flatMap((row) => rollupRows(row, to, grids)),
  );
  for (let day = startOfDay(span.fromMs); day < span.toMs; day += DAY_MS) {
    const own = { fromMs: day, toMs: day + DAY_MS };
    const cells = await store.query(rawCells, {
      ...{ model, ...own, version: "", tags: [], ...params },
    });
    days.push(...cells.map((row) => ({ ...row, grid: grids.get(row.feature)?.grid ?? 0, day })));
  }
  return days;
}

/** Segments that the rollups of the span know: the declared ones. */
async function tagsOf(model: string, span: Days, store: Store): Promise<string[]> {
  const traffic = await store.query(trafficDays, { model, ...span });
  return [...new Set(traffic.map(({ segment_tag: tag }) => tag))].filter((tag) => tag !== "");
}

/** As the collector counts: under the feature's grid, categories that it does not know in one cell. */
function rollupRows(
  row: z.output<typeof rawCells.row>,
  { model, reference }: { readonly model: string; readonly reference: string },
  grids: ReadonlyMap<string, FeatureGrid>,
): readonly object[] {
  const { feature, segment_tag, segment_value } = row;
  const grid = grids.get(feature);
  const known = new Set(grid?.categories);
  const cells = new Map<
    string,
    { cell: number; category: string; n: number; s: number; q: number }
  >();
  row.cell.forEach((cell, i) => {
    const named = row.category[i] ?? "";
    const category = named === "" || known.has(named) ? named : UNKNOWN_CATEGORY;
    const key = `${cell}/${category}`;
    const sums = cells.get(key) ?? { cell, category, n: 0, s: 0, q: 0 };
    sums.n += row.n[i] ?? 0;
    sums.s += row.s[i] ?? 0;
    sums.q += row.q[i] ?? 0;
    cells.set(key, sums);
  });
  return [...cells.values()].map((sums) => ({
    ...{ model, reference, feature, segment_tag, segment_value, grid: grid?.grid ?? 0 },
    ...sums,
  }));
}

function windowsOf(
  feature: string,
  days: readonly DayCells[],
  grids: ReadonlyMap<string, FeatureGrid>,
): ReadonlyMap<number, FeatureWindow> {
  const found = new Map<number, FeatureWindow>();
  for (const { day, ...row } of days.filter((cells) => cells.feature === feature)) {
    const { windows } = readWindows([{ ...row, s: row.cell.map(() => 0) }], grids);
    const window = windows.get(feature)?.get(ALL_ROWS);
    if (window !== undefined) found.set(day, window);
  }
  return found;
}
