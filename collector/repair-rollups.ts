/**
 * Compares rollups with raw and inserts the difference. Raw holds the truth: a rollup that lost a group or
 * counted one twice comes out right either way, and what is right already is left alone.
 */
import { LIMITS } from "../contract/limits.ts";
import { hoursOfGroup } from "../store/queries/group-data.ts";
import { type Tier, hoursThatDiffer, rollupTiers } from "../store/queries/rollups-from-raw.ts";
import type { GroupManifest } from "./group-manifest.ts";
import { type Ownership, shardMarker } from "./group-store.ts";
import type { ShardDeps } from "./shard-worker.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface HourSpan {
  readonly model: string;
  /** Aligned to hours; `to` is excluded. */
  readonly from: number;
  readonly to: number;
}

type RepairDeps = Pick<ShardDeps, "store" | "metrics" | "logger">;

export async function repairTouchedHours(
  groups: readonly GroupManifest[],
  owner: Ownership,
  deps: RepairDeps,
): Promise<void> {
  const hours = new Map<string, Set<number>>();
  for (const { n, from, to, predictions } of groups) {
    if (predictions === 0) continue;
    for (const { model, hour } of await deps.store.query(hoursOfGroup, { ...owner, n, from, to })) {
      hours.set(model, (hours.get(model) ?? new Set()).add(hour));
    }
  }
  for (const [model, touched] of hours) {
    for (const span of spansOf(model, [...touched])) await repairSpan(span, owner, deps);
  }
}

/** Joins neighbouring hours. */
export function spansOf(model: string, hours: readonly number[]): HourSpan[] {
  const spans: { model: string; from: number; to: number }[] = [];
  for (const hour of hours.toSorted((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last !== undefined && last.to === hour) last.to = hour + HOUR_MS;
    else spans.push({ model, from: hour, to: hour + HOUR_MS });
  }
  return spans;
}

/**
 * Repairs one span in all tiers, finest first: a repair of minutes flows on into hours and days.
 * @returns the number of cells that were repaired
 */
export async function repairSpan(
  span: HourSpan,
  owner: Ownership,
  deps: RepairDeps,
): Promise<number> {
  const counts = await deps.store.query(hoursThatDiffer, span);
  const rows = counts.reduce((sum, { raw }) => sum + raw, 0);
  if (rows > LIMITS.repairRowsMax) {
    deps.logger.warn(
      { ...span, rows },
      "too many rows to compare with their rollups; not compared",
    );
    return 0;
  }
  let repaired = 0;
  for (const tier of ["minutes", "hours", "days"] as const) {
    repaired += await repairTier(tier, alignedTo(tier, span), owner, deps);
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

function alignedTo(tier: Tier, span: HourSpan): HourSpan {
  if (tier !== "days") return span;
  const from = Math.floor(span.from / DAY_MS) * DAY_MS;
  const to = Math.ceil(span.to / DAY_MS) * DAY_MS;
  return { ...span, from, to };
}
