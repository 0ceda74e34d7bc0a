/**
 * Compares rollups with raw and inserts the difference. Raw holds the truth: a rollup that lost a group or
 * counted one twice comes out right either way, and what is right already is left alone. Totals are looked
 * at first; only what differs there is compared cell by cell.
 */
import type { z } from "zod";
import { LIMITS } from "../contract/limits.ts";
import { hoursOfGroup } from "../store/queries/group-data.ts";
import {
  type Tier,
  rollupTiers,
  rowsByHour,
  totalsByDay,
  totalsByHour,
} from "../store/queries/rollups-from-raw.ts";
import type { GroupManifest } from "./group-manifest.ts";
import { type Ownership, shardMarker } from "./group-store.ts";
import type { Grain } from "./model-settings.ts";
import { type HourSpan, type Slices, cut, slicesOf } from "./repair-slices.ts";
import type { ShardDeps } from "./shard-worker.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;

/** Hours of event time by model. */
export type TouchedHours = ReadonlyMap<string, ReadonlySet<number>>;

export type RepairDeps = Pick<
  ShardDeps,
  "store" | "metrics" | "logger" | "clock" | "book" | "retention"
>;

/** Hours that groups touched. */
export async function touchedHours(
  groups: readonly GroupManifest[],
  shard: number,
  deps: Pick<RepairDeps, "store">,
): Promise<TouchedHours> {
  const hours = new Map<string, Set<number>>();
  for (const { n, from, to, predictions } of groups) {
    if (predictions === 0) continue;
    for (const { model, hour } of await deps.store.query(hoursOfGroup, { shard, n, from, to })) {
      hours.set(model, (hours.get(model) ?? new Set()).add(hour));
    }
  }
  return hours;
}

/**
 * Repairs what differs in these hours, in pieces of at most `rowsMax` raw rows (repair-slices.ts).
 * @returns repaired cells, and predictions whose id another prediction of their hour has
 */
export async function repairHours(
  touched: TouchedHours,
  owner: Ownership,
  deps: RepairDeps,
  rowsMax: number = LIMITS.repairRowsMax,
): Promise<{ repaired: number; duplicateIds: number }> {
  const sum = { repaired: 0, duplicateIds: 0 };
  const models = [...touched.keys()];
  const looked = new Set(models.flatMap((model) => lookedHours(model, touched, deps)));
  for (const span of spansOf("", [...new Set([...looked].map(dayOf))], DAY_MS)) {
    const hours = [...looked].filter((hour) => hour >= span.from && hour < span.to);
    const { from, to } = { from: Math.min(...hours), to: Math.max(...hours) + HOUR_MS };
    const sizes = await deps.store.query(rowsByHour, { models, from, to });
    const totals: Totals[] = [];
    const seconds = hours.map((hour) => hour / 1000);
    for (const piece of slicesOf({ ...span, from, to }, hoursOf(sizes), rowsMax).minutes) {
      totals.push(...(await deps.store.query(totalsByHour, { ...piece, models, hours: seconds })));
    }
    for (const week of cut(span, WEEK_MS)) {
      totals.push(...(await deps.store.query(totalsByDay, { ...week, models })));
    }
    for (const model of models) {
      const ofModel = summedByHour(totals.filter((total) => total.model === model));
      const rows = hoursOf(sizes.filter((size) => size.model === model));
      const hours = touched.get(model) ?? new Set();
      sum.duplicateIds += ofModel
        .filter(({ hour }) => hours.has(hour))
        .reduce((twice, { rows, ids }) => twice + rows - ids, 0);
      const grain = deps.book.settingsOf(model).grain;
      const differing = differingHours(ofModel, hours, grain, keptFrom(deps));
      for (const part of spansOf(model, differing, HOUR_MS)) {
        sum.repaired += await repairSpan(part, owner, deps, slicesOf(part, rows, rowsMax));
      }
    }
  }
  return sum;
}

/**
 * Hours whose raw rows are looked at: what was touched and no more, since a busy model has many rows in a day. Where days
 * are made of raw itself, all of theirs.
 */
function lookedHours(model: string, touched: TouchedHours, { book }: RepairDeps): number[] {
  const hours = [...(touched.get(model) ?? [])];
  if (book.settingsOf(model).grain !== "1d") return hours;
  const days = [...new Set(hours.map(dayOf))];
  return days.flatMap((day) => Array.from({ length: 24 }, (_, i) => day + i * HOUR_MS));
}

/**
 * Repairs many hours of a model that are known to differ, neighbouring days in one go: each comparison costs the engine
 * seconds, however few hours it is about.
 */
export async function repairDaysOf(
  model: string,
  hours: readonly number[],
  owner: Ownership,
  deps: RepairDeps,
): Promise<void> {
  const { minutesFromMs } = keptFrom(deps);
  const parts = [
    hours.filter((hour) => hour < minutesFromMs),
    hours.filter((hour) => hour >= minutesFromMs),
  ];
  for (const part of parts) {
    for (const days of spansOf(model, [...new Set(part.map(dayOf))], DAY_MS)) {
      const within = part.filter((hour) => hour >= days.from && hour < days.to);
      const span = { model, from: Math.min(...within), to: Math.max(...within) + HOUR_MS };
      const { from, to } = span;
      const sizes = await deps.store.query(rowsByHour, { models: [model], from, to });
      await repairSpan(span, owner, deps, slicesOf(span, hoursOf(sizes), LIMITS.repairRowsMax));
    }
  }
}

function hoursOf(sizes: readonly { hour: number; rows: number }[]): ReadonlyMap<number, number> {
  const rows = new Map<number, number>();
  for (const size of sizes) rows.set(size.hour, (rows.get(size.hour) ?? 0) + size.rows);
  return rows;
}

/**
 * Pieces of one hour as one. An id that came again in another piece counts twice in `ids`: of duplicates
 * in an hour with more rows than fit into one piece only some are counted.
 */
function summedByHour(totals: readonly Totals[]): Totals[] {
  const byHour = new Map<number, Totals>();
  for (const total of totals) {
    const sum = byHour.get(total.hour);
    byHour.set(total.hour, sum === undefined ? total : added(sum, total));
  }
  return [...byHour.values()];
}

function added(a: Totals, b: Totals): Totals {
  return {
    model: a.model,
    hour: a.hour,
    rows: a.rows + b.rows,
    ids: a.ids + b.ids,
    values: a.values + b.values,
    model_minutes: a.model_minutes + b.model_minutes,
    model_hours: a.model_hours + b.model_hours,
    model_days: a.model_days + b.model_days,
    feature_minutes: a.feature_minutes + b.feature_minutes,
    feature_hours: a.feature_hours + b.feature_hours,
    feature_days: a.feature_days + b.feature_days,
  };
}

interface Kept {
  readonly minutesFromMs: number;
  readonly hoursFromMs: number;
}

/** A day before its end a tier may lose rows at any time: no damage. */
function keptFrom({ clock, retention }: RepairDeps): Kept {
  const nowMs = clock.nowMs();
  return {
    minutesFromMs: nowMs - (retention.minutes - 1) * DAY_MS,
    hoursFromMs: nowMs - (retention.hours - 1) * DAY_MS,
  };
}

type Totals = z.output<typeof totalsByHour.row>;

/** Hours among `touched` for which any tier disagrees with what stands below it. */
export function differingHours(
  totals: readonly Totals[],
  touched: ReadonlySet<number>,
  grain: Grain,
  kept: Kept,
): number[] {
  const byHour = new Map(totals.map((total) => [total.hour, total]));
  const differing: number[] = [];
  for (const hour of touched) {
    const total = byHour.get(hour);
    if (total === undefined) continue;
    const day = totals.filter((other) => dayOf(other.hour) === dayOf(hour));
    const dayTotal = (of: (total: Totals) => number): number =>
      day.reduce((sum, other) => sum + of(other), 0);
    const minutesHold =
      hour < kept.minutesFromMs ||
      (total.model_minutes === total.rows &&
        (grain !== "1m" || total.feature_minutes === total.values));
    const hoursHold =
      hour < kept.hoursFromMs ||
      (total.model_hours === total.rows &&
        (grain === "1d" || total.feature_hours === total.values));
    const featuresOfDay = dayTotal(
      grain === "1d" ? ({ values }) => values : ({ feature_hours: n }) => n,
    );
    const daysHold =
      hour < kept.hoursFromMs ||
      (dayTotal(({ model_days: n }) => n) === dayTotal(({ model_hours: n }) => n) &&
        dayTotal(({ feature_days: n }) => n) === featuresOfDay);
    if (!minutesHold || !hoursHold || !daysHold) differing.push(hour);
  }
  return differing;
}

function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS;
}

/** Joins neighbouring hours or days. */
export function spansOf(model: string, starts: readonly number[], widthMs: number): HourSpan[] {
  const spans: { model: string; from: number; to: number }[] = [];
  for (const start of starts.toSorted((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last !== undefined && last.to === start) last.to = start + widthMs;
    else spans.push({ model, from: start, to: start + widthMs });
  }
  return spans;
}

/**
 * Compares one span cell by cell and repairs it in all tiers, finest first: a repair of minutes flows on into
 * hours and days.
 * @returns the number of cells that were repaired
 */
export async function repairSpan(
  span: HourSpan,
  owner: Ownership,
  deps: RepairDeps,
  slices: Slices = slicesOf(span, new Map(), LIMITS.repairRowsMax),
): Promise<number> {
  const kept = keptFrom(deps);
  let repaired = 0;
  for (const tier of ["minutes", "hours", "days"] as const) {
    if (tier === "minutes" && span.from < kept.minutesFromMs) continue;
    if (span.from < kept.hoursFromMs) continue;
    for (const slice of slices[tier]) repaired += await repairTier(tier, slice, owner, deps);
  }
  if (repaired > 0) {
    deps.metrics.repairs.inc(repaired);
    deps.logger.warn({ ...span, repaired }, "rollups differed from raw and were repaired");
  }
  return repaired;
}

async function repairTier(
  tier: Tier,
  span: HourSpan,
  owner: Ownership,
  { store }: RepairDeps,
): Promise<number> {
  const queries = rollupTiers[tier];
  const marker = shardMarker(owner.shard);
  const [features] = await store.query(queries.countFeatureDifferences, span);
  if (features !== undefined && features.n > 0) {
    await store.command(queries.repairFeatures, { ...span, ...owner }, { marker });
  }
  const [models] = await store.query(queries.countModelDifferences, span);
  if (models !== undefined && models.n > 0) {
    await store.command(queries.repairModels, { ...span, ...owner }, { marker });
  }
  return (features?.n ?? 0) + (models?.n ?? 0);
}
