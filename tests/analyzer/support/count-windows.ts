/** Windows of rows in memory, as the rollups would count them: for tests of decisions without a store. */
import {
  type FeatureReference,
  histogramOf,
} from "../../../analyzer/features/feature-reference.ts";
import {
  ALL_ROWS,
  type FeatureGrid,
  type FeatureWindow,
  type WindowSet,
  segmentKey,
} from "../../../analyzer/features/feature-window.ts";
import { learnEffect } from "../../../analyzer/reference/learn-effects.ts";
import type { BreakInput } from "../../../stats/index.ts";
import { countCells, countValues, learnGrid } from "../../../stats/index.ts";
import type { PastRow } from "./load-history.ts";

export type Grids = ReadonlyMap<string, FeatureGrid>;

export function gridsOf(rows: readonly PastRow[]): Grids {
  const grids = new Map<string, FeatureGrid>();
  for (const feature of Object.keys(rows[0]?.num ?? {})) {
    const values = Float64Array.from(rows, ({ num }) => num?.[feature] ?? Number.NaN).sort();
    grids.set(feature, { kind: "numeric", grid: 1, scale: learnGrid(values), categories: [] });
  }
  for (const feature of Object.keys(rows[0]?.cat ?? {})) {
    const categories = [...new Set(rows.map(({ cat }) => cat?.[feature] ?? ""))];
    const scale = { center: 0, invScale: 0 };
    grids.set(feature, { kind: "categorical", grid: 1, scale, categories });
  }
  return grids;
}

/** All rows and every value of `tag`. */
export function countWindows(rows: readonly PastRow[], grids: Grids, tag: string): WindowSet {
  const bySegment = new Map<string, PastRow[]>([[ALL_ROWS, [...rows]]]);
  for (const row of rows) {
    const key = segmentKey(tag, row.tags?.[tag] ?? "");
    const own = bySegment.get(key) ?? [];
    own.push(row);
    bySegment.set(key, own);
  }
  return new Map(
    [...grids].map(([feature, grid]) => [
      feature,
      new Map([...bySegment].map(([key, own]) => [key, countWindow(own, feature, grid)])),
    ]),
  );
}

function countWindow(rows: readonly PastRow[], feature: string, grid: FeatureGrid): FeatureWindow {
  if (grid.kind === "numeric") {
    const values = Float64Array.from(rows, ({ num }) => num?.[feature] ?? Number.NaN);
    return { kind: "numeric", counts: countCells(values, grid.scale), rows: rows.length };
  }
  const counts = new Map<string, number>();
  for (const { cat } of rows) {
    const category = cat?.[feature] ?? "";
    counts.set(category, (counts.get(category) ?? 0) + 1);
  }
  return { kind: "categorical", counts: { counts, missing: 0 }, rows: rows.length };
}

/** References of all features from days of rows. */
export function referencesOf(
  days: readonly (readonly PastRow[])[],
  grids: Grids,
  tag: string,
): ReadonlyMap<string, FeatureReference> {
  const whole = countWindows(days.flat(), grids, tag);
  const daily = days.map((rows) => countWindows(rows, grids, tag));
  const references = new Map<string, FeatureReference>();
  for (const [feature, segments] of whole) {
    const all = segments.get(ALL_ROWS);
    const histogram = all === undefined ? null : histogramOf(all);
    if (all === undefined || histogram === null) continue;
    const windows = new Map(
      daily.flatMap((day, i) => {
        const window = day.get(feature)?.get(ALL_ROWS);
        return window === undefined ? [] : [[i * 86_400_000, window] as const];
      }),
    );
    const effect = learnEffect(all, windows);
    references.set(feature, { feature, histogram, segments, effect, blocks: days.length });
  }
  return references;
}

/** Raw values of a column, clean and broken, as the store would count them. */
export function breakInput(
  clean: readonly PastRow[],
  broken: readonly PastRow[],
  column: string,
  by: string,
  period: number | undefined,
): BreakInput {
  const values = (rows: readonly PastRow[]) =>
    countValues(Float64Array.from(rows, ({ num }) => num?.[column] ?? Number.NaN));
  const names = [...new Set(broken.map(({ cat }) => cat?.[by] ?? ""))];
  const of = (rows: readonly PastRow[], name: string) =>
    rows.filter(({ cat }) => cat?.[by] === name);
  return {
    kind: "numeric",
    clean: values(clean),
    broken: values(broken),
    cleanMissing: 0,
    brokenMissing: 0,
    ...(period === undefined ? {} : { period }),
    ...(by === ""
      ? {}
      : {
          groups: names.map((name) => ({
            name,
            clean: values(of(clean, name)),
            broken: values(of(broken, name)),
          })),
        }),
  };
}
