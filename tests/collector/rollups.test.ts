import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ModelBook } from "../../collector/model-book.ts";
import { repairHours, repairSpan } from "../../collector/repair-rollups.ts";
import { collectorMetrics } from "../../collector/collector-metrics.ts";
import type { PredictionRow } from "../../contract/payload-blocks.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { type Random, seededRandom } from "../../runtime/random.ts";
import { rollupTiers } from "../../store/queries/rollups-from-raw.ts";
import { Retention } from "../../store/retention.ts";
import { type Harness, startHarness, until } from "./harness.ts";

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
}, 60_000);
afterAll(() => harness[Symbol.asyncDispose]());

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const span = (model: string) => ({ model, from: today - 3 * DAY_MS, to: today });
const TIERS = ["minutes", "hours", "days"] as const;

/** Of rows that were kept by chance, and of others. */
const WEIGHTS = [1, 10, 10, 3.328125, 1_048_576];

/**
 * Rows with everything that rollups treat apart: errors, NaN, infinities, missing and new values.
 * @param weights what they may stand for
 */
function hostileRows(
  model: string,
  rows: number,
  random: Random,
  weights: readonly number[] = WEIGHTS,
): PredictionRow[] {
  const special = [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    0,
    -0,
    1e300,
    -1e-300,
  ];
  return Array.from({ length: rows }, (_, i) => {
    const num: Record<string, number> = {};
    if (random.next() < 0.9) num["distance"] = 500 + 300 * (random.next() + random.next() - 1);
    if (random.next() < 0.9) num["hour"] = random.integer(24);
    if (random.next() < 0.1) num["odd"] = special[random.integer(special.length)] ?? 0;
    const cat: Record<string, string> = {};
    if (random.next() < 0.9) cat["origin"] = `A${random.integer(random.next() < 0.5 ? 4 : 400)}`;
    if (random.next() < 0.01) cat["origin"] = "";
    if (random.next() < 0.05) cat["hour"] = "a text where a number was";
    const tags: Record<string, string> = {};
    if (random.next() < 0.9) tags["client.version"] = `c${random.integer(60)}`;
    if (random.next() < 0.5) tags["country"] = random.next() < 0.5 ? "DE" : "Österreich";
    return {
      model,
      version: String(1 + random.integer(2)),
      id: `${model}-${i}-${random.next()}`,
      ts: today - 3 * DAY_MS + random.integer(3 * DAY_MS),
      num,
      cat,
      tags,
      ...(random.next() < 0.9 ? { score: random.next() } : {}),
      ...(random.next() < 0.3 ? { value: 1e6 * (random.next() - 0.5) } : {}),
      ...(random.next() < 0.9 ? { latency: random.next() / 10 } : {}),
      ...(random.next() < 0.03 ? { error: "timeout" } : {}),
      weight: weights[random.integer(weights.length)] ?? 1,
    };
  });
}

async function describeModel(model: string, rollup: string): Promise<void> {
  const document = {
    apiVersion: "driftmend/v1",
    kind: "Model",
    metadata: { name: model },
    task: { type: "binary" },
    segments: ["client.version", "country"],
    rollup,
  };
  const row = {
    model,
    status: "active",
    document: JSON.stringify(document),
    updated: 0,
    by: "test",
  };
  await harness.store.insert("models", [{ ...row, revision: 1, detail: "" }]);
}

async function learnGrids(model: string, grid: number, center: number): Promise<void> {
  const common = { model, grid, created: Date.now() };
  await harness.store.insert("feature_grids", [
    { ...common, feature: "distance", kind: "numeric", center, inv_scale: 1 / 200, categories: [] },
    { ...common, feature: "hour", kind: "numeric", center: 12, inv_scale: 1 / 8, categories: [] },
    {
      ...common,
      feature: "origin",
      kind: "categorical",
      center: 0,
      inv_scale: 0,
      categories: ["A0", "A1", "A2", "A3"],
    },
  ]);
}

/** The largest relative difference of a sum between the tier and raw. */
async function largestSumDifference(model: string, tier: "minutes" | "hours"): Promise<number> {
  const raw = await harness.store.query(rollupTiers[tier].fromRaw, span(model));
  const key = (row: (typeof raw)[number]): string =>
    [
      row.feature,
      row.segment_tag,
      row.segment_value,
      row.version,
      row.time,
      row.grid,
      row.cell,
      row.category,
    ].join("|");
  const sums = new Map(raw.map((row) => [key(row), row]));
  const table = await harness.store.query(
    {
      ...rollupTiers[tier].fromRaw,
      sql: `SELECT feature, segment_tag, segment_value, version, time, grid, cell, category, sum(t.n) AS n, sum(t.s) AS s, sum(t.q) AS q
        FROM feature_${tier} AS t WHERE model = {model:String} AND time >= {from:DateTime64(3)} AND time < {to:DateTime64(3)}
        GROUP BY feature, segment_tag, segment_value, version, time, grid, cell, category`,
    },
    span(model),
  );
  expect(table.length).toBe(raw.length);
  let largest = 0;
  for (const row of table) {
    const expected = sums.get(key(row));
    expect(expected?.n).toBe(row.n);
    for (const [a, b] of [
      [row.s, expected?.s ?? Number.NaN],
      [row.q, expected?.q ?? Number.NaN],
    ] as const) {
      largest = Math.max(
        largest,
        a === b ? 0 : Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b)),
      );
    }
  }
  return largest;
}

async function differences(model: string): Promise<number[]> {
  const counts: number[] = [];
  for (const tier of TIERS) {
    const queries = rollupTiers[tier];
    const features = await harness.store.query(queries.countFeatureDifferences, span(model));
    const models = await harness.store.query(queries.countModelDifferences, span(model));
    counts.push(features[0]?.n ?? -1, models[0]?.n ?? -1);
  }
  return counts;
}

const ALL_HOURS = Array.from({ length: 72 }, (_, i) => today - 3 * DAY_MS + i * HOUR_MS);

/** What a repair of the model needs, by whoever owns the shard now. */
async function repairing(model: string) {
  const deps = {
    store: harness.store,
    metrics: collectorMetrics(createMetrics("test")),
    logger: silentLogger,
    clock: systemClock,
    book: new ModelBook({ store: harness.store, logger: silentLogger }),
    retention: Retention.parse({}),
  };
  await deps.book.ensure(model);
  const epoch = await harness.count("SELECT max(epoch) AS n FROM shard_epochs WHERE shard = 0");
  return { deps, owner: { shard: 0, epoch } };
}

describe("rollups against raw", () => {
  for (const [rollup, tier] of [
    ["1m", "minutes"],
    ["1h", "hours"],
    ["1d", "days"],
  ] as const) {
    it(`equal the SQL over raw cell by cell for the grain ${rollup}, before, with and after a new grid`, async () => {
      const model = `model-${rollup}`;
      const random = seededRandom(7);
      await describeModel(model, rollup);
      const running = await harness.collect();
      const spool = harness.spool();
      // An agent that samples nothing sends no weights: these rows weigh 1.
      await spool.send({ predictions: hostileRows(model, 1000, random, [1]) });
      await until(() => spool.storedThrough === 1, "rows without a grid are stored");
      for (const [grid, center] of [
        [1, 500],
        [2, 700],
      ] as const) {
        await learnGrids(model, grid, center);
        harness.nats.publish(`driftmend.v1.grids.${model}`, {});
        await harness.nats.connection.flush();
        await until(() => running.gridNumber(model) === grid, "the collector knows the grid");
        await spool.send({ predictions: hostileRows(model, 1500, random) });
        await until(() => spool.storedThrough === 1 + grid, "rows with a grid are stored");
      }
      expect(await differences(model)).toEqual([0, 0, 0, 0, 0, 0]);
      const [raw, rolled] = await Promise.all([
        harness.count(
          `SELECT toInt64(sum(toFloat64(weight))) AS n FROM predictions WHERE model = '${model}'`,
        ),
        harness.count(
          `SELECT toInt64(sum(requests)) AS n FROM model_rollups WHERE model = '${model}' AND grain = '1d' AND segment_tag = ''`,
        ),
      ]);
      expect(rolled).toBe(raw);
      expect(rolled).toBeGreaterThan(500_000_000);
      expect(
        await harness.count(
          `SELECT uniqExact(grid) AS n FROM feature_days WHERE model = '${model}' AND feature = 'distance'`,
        ),
      ).toBe(3);
      if (tier !== "days") expect(await largestSumDifference(model, tier)).toBeLessThan(1e-9);
      await running.stop();
    }, 60_000);
  }

  it("are repaired where a group was lost or counted twice, and left alone where they are right", async () => {
    const model = "model-1h";
    const { deps, owner } = await repairing(model);
    const hours = `model = '${model}' AND feature = 'hour' AND time >= fromUnixTimestamp64Milli(${today - 2 * DAY_MS})`;
    await harness.engine.client.command({
      query: `INSERT INTO driftmend.feature_hours SELECT * FROM driftmend.feature_hours WHERE ${hours}`,
    });
    await harness.engine.client.command({
      query: `ALTER TABLE driftmend.model_minutes DELETE WHERE model = '${model}' AND segment_tag = 'country' SETTINGS mutations_sync = 1`,
    });
    await harness.engine.client.command({
      query: `ALTER TABLE driftmend.model_minutes DELETE WHERE model = '${model}' AND version = '1' SETTINGS mutations_sync = 1`,
    });
    const damaged = await differences(model);
    expect(Math.min(...damaged.slice(1, 3))).toBeGreaterThan(0);
    const touched = new Map([[model, new Set(ALL_HOURS)]]);
    expect((await repairHours(touched, owner, deps)).repaired).toBeGreaterThan(0);
    expect(await differences(model)).toEqual([0, 0, 0, 0, 0, 0]);
    expect((await repairHours(touched, owner, deps)).repaired).toBe(0);
    expect(await repairSpan(span(model), owner, deps)).toBe(0);
  }, 60_000);

  it.each([
    ["1m", "feature_days"],
    ["1h", "model_days"],
    ["1d", "feature_days"],
  ])(
    "of days are repaired for the grain %s (%s) though one hour of the day was touched",
    async (rollup, table) => {
      const model = `model-${rollup}`;
      const { deps, owner } = await repairing(model);
      await harness.engine.client.command({
        query: `ALTER TABLE driftmend.${table} DELETE WHERE model = '${model}' AND version = '2' AND time = fromUnixTimestamp64Milli(${today - DAY_MS}) SETTINGS mutations_sync = 1`,
      });
      const touched = new Map([[model, new Set([today - DAY_MS + 7 * HOUR_MS])]]);
      expect((await repairHours(touched, owner, deps)).repaired).toBeGreaterThan(0);
      expect(await differences(model)).toEqual([0, 0, 0, 0, 0, 0]);
    },
    60_000,
  );

  it.each([
    ["1m", "minutes", 600],
    ["1h", "hours", 450],
    ["1d", "days", 600],
  ] as const)(
    "are repaired for the grain %s in tier %s where more rows were touched than are looked at at once",
    async (rollup, tier, rowsMax) => {
      const model = `model-${rollup}`;
      const { deps, owner } = await repairing(model);
      const damagedHours = tier === "days" ? 24 : 6;
      const from = today - damagedHours * HOUR_MS;
      for (const table of [`feature_${tier}`, `model_${tier}`]) {
        await harness.engine.client.command({
          query: `ALTER TABLE driftmend.${table} DELETE WHERE model = '${model}' AND version = '1' AND time >= fromUnixTimestamp64Milli(${from}) SETTINGS mutations_sync = 1`,
        });
      }
      expect(Math.max(...(await differences(model)))).toBeGreaterThan(0);
      const touched = new Map([[model, new Set(ALL_HOURS)]]);
      expect((await repairHours(touched, owner, deps, rowsMax)).repaired).toBeGreaterThan(0);
      expect(await differences(model)).toEqual([0, 0, 0, 0, 0, 0]);
      expect((await repairHours(touched, owner, deps, rowsMax)).repaired).toBe(0);
    },
    120_000,
  );
});
