/**
 * The rollups as SQL over raw: what the collector must have written, cell by cell. Serves as the oracle of
 * tests, for verification after an unclean stop and for repair: the difference between this and the tier is
 * inserted where it is not zero, which heals loss and doubling alike and changes nothing when run again.
 *
 * Days whose raw rows were archived and dropped are left alone.
 *
 * Each row is counted under the grids, grain and segments that its group was pinned to (`ingest_groups`).
 */
import { z } from "zod";
import { count, float, timeMs } from "../column-schemas.ts";
import { defineCommand, defineQuery } from "../define-query.ts";
import { FENCE, fenceParams } from "./fence.ts";
import { notPutAway } from "./partitions-put-away.ts";

export type Tier = "minutes" | "hours" | "days";

/** `from` and `to` are aligned to hours, for the tier of days to days; `to` is excluded. */
const spanParams = { model: z.string(), from: z.int(), to: z.int() };

const START_OF = {
  minutes: "toStartOfMinute",
  hours: "toStartOfHour",
  days: "toStartOfDay",
} as const;
/** Grains whose rows a tier must hold, directly or by the views. */
const GRAINS_FROM_RAW = { minutes: "'1m'", hours: "'1m', '1h'", days: "'1d'" } as const;

const FEATURE_KEY =
  "model, feature, segment_tag, segment_value, version, time, grid, cell, category";
const MODEL_KEY = "model, version, segment_tag, segment_value, error, time, unkept";

const SPAN = "ts >= {from:DateTime64(3, 'UTC')} AND ts < {to:DateTime64(3, 'UTC')}";
const TIME_SPAN = "time >= {from:DateTime64(3, 'UTC')} AND time < {to:DateTime64(3, 'UTC')}";

function bucket(tier: Tier, column: string): string {
  return `toDateTime64(${START_OF[tier]}(${column}), 3, 'UTC')`;
}

/** `pins`: by group what it was rolled up with; `known`: agreed values of declared tags. */
const PINS = `pins AS (
  SELECT shard, n, argMax(grids[{model:String}], epoch) AS g,
    argMax(grains[{model:String}], epoch) AS grain, argMax(segments[{model:String}], epoch) AS tags_of_segments
  FROM ingest_groups
  WHERE has(models, {model:String}) AND predictions > 0
    AND \`from\` < {to:DateTime64(3, 'UTC')} AND \`to\` >= {from:DateTime64(3, 'UTC')}
  GROUP BY shard, n
),
(
  SELECT groupUniqArray((tag, value)) FROM segment_values WHERE model = {model:String}
) AS known`;

const COHORTS = `ARRAY JOIN arrayConcat([('', '')],
    arrayMap(tag -> (tag, if(has(known, (tag, tags[tag])), tags[tag], '~other')),
      arrayFilter(tag -> mapContains(tags, tag), tags_of_segments))) AS cohort`;

const CELL = `multiIf(isNaN(v), 32001, isInfinite(v), if(v > 0, 32002, 32003),
    inv_scale = 0, bitShiftRight(reinterpretAsInt32(toFloat32(v)), 19),
    (1 - 2 * toInt32((v - center) * inv_scale < 0))
      * bitShiftRight(reinterpretAsInt32(toFloat32(1 + abs((v - center) * inv_scale))) - 1065353216, 16))`;

function featuresFromRaw(tier: Tier): string {
  return `WITH ${PINS},
resolved AS (
  SELECT p.g AS g, fg.feature AS feature, argMax(fg.kind, fg.grid) AS kind, max(fg.grid) AS grid,
    argMax(fg.center, fg.grid) AS center, argMax(fg.inv_scale, fg.grid) AS inv_scale, argMax(fg.categories, fg.grid) AS categories
  FROM (SELECT * FROM feature_grids FINAL WHERE model = {model:String}) AS fg
  CROSS JOIN (SELECT DISTINCT g FROM pins) AS p
  WHERE fg.grid <= p.g GROUP BY p.g, fg.feature
),
expected AS (
  SELECT g, groupArrayIf(feature, kind = 'numeric') AS numeric, groupArrayIf(feature, kind = 'categorical') AS categorical
  FROM resolved WHERE NOT startsWith(feature, '$') GROUP BY g
),
rows AS (
  SELECT version, ${bucket(tier, "ts")} AS time, num, cat, score, value, latency, g,
    cohort.1 AS segment_tag, cohort.2 AS segment_value
  FROM (
    SELECT version, ts, num, cat, tags, score, value, latency, g, tags_of_segments
    FROM predictions INNER JOIN pins ON predictions._shard = pins.shard AND predictions._group = pins.n
    WHERE model = {model:String} AND ${SPAN} AND error = '' AND grain IN (${GRAINS_FROM_RAW[tier]})
  ) ${COHORTS}
),
entries AS (
  SELECT version, time, g, segment_tag, segment_value, entry.1 AS f, entry.2 AS kind, entry.3 AS state, entry.4 AS v, entry.5 AS c
  FROM (SELECT rows.*, expected.numeric AS numeric, expected.categorical AS categorical FROM rows LEFT JOIN expected ON rows.g = expected.g)
  ARRAY JOIN arrayConcat(
    arrayMap((f, v) -> ${entry("f", "numeric", "number", "v")}, mapKeys(num), mapValues(num)),
    if(isNaN(score), [], [${entry("'$score'", "numeric", "number", "score")}]),
    if(isNaN(value), [], [${entry("'$value'", "numeric", "number", "value")}]),
    if(isNaN(latency), [], [${entry("'$latency'", "numeric", "number", "latency")}]),
    arrayMap((f, c) -> ${entry("f", "categorical", "category", "0", "c")}, mapKeys(cat), mapValues(cat)),
    arrayMap(f -> ${entry("f", "numeric", "missing")}, arrayFilter(f -> NOT mapContains(num, f), numeric)),
    arrayMap(f -> ${entry("f", "categorical", "missing")}, arrayFilter(f -> NOT mapContains(cat, f), categorical))
  ) AS entry
)
SELECT {model:String} AS model, f AS feature, segment_tag, segment_value, version, time, toUInt16(grid_of_entry) AS grid,
  toInt16(multiIf(state = 'missing', 32004, state = 'category', 0, ${CELL})) AS cell,
  multiIf(state != 'category', '', has(categories, c), c, concat('~other/', toString(CRC32(c) % 256))) AS category,
  toInt64(count()) AS n, sumIf(v, isFinite(v)) AS s, sumIf(v * v, isFinite(v)) AS q
FROM (
  SELECT version, time, segment_tag, segment_value, f, state, v, c, r.categories AS categories,
    if(f = '$score', 1, r.grid) AS grid_of_entry, if(f = '$score', 0.5, r.center) AS center, if(f = '$score', 1, r.inv_scale) AS inv_scale
  FROM entries LEFT JOIN resolved AS r ON entries.g = r.g AND entries.f = r.feature AND entries.kind = r.kind
) GROUP BY ${FEATURE_KEY}`;
}

/** What one row says about one feature; all of them have one type, so that they can stand in one array. */
function entry(
  feature: string,
  kind: "numeric" | "categorical",
  state: "number" | "category" | "missing",
  number = "0",
  category = "''",
): string {
  return `(toString(${feature}), '${kind}', '${state}', toFloat64(${number}), toString(${category}))`;
}

/** Days hold what hours hold, and the rows of models whose grain is the day. */
function featuresOfTier(tier: Tier): string {
  if (tier !== "days") return featuresFromRaw(tier);
  return `SELECT ${FEATURE_KEY}, n, s, q FROM (${featuresFromRaw("days")})
UNION ALL
SELECT model, feature, segment_tag, segment_value, version, ${bucket("days", "h.time")} AS time, grid, cell, category, n, s, q
FROM feature_hours AS h WHERE model = {model:String} AND h.time >= {from:DateTime64(3, 'UTC')} AND h.time < {to:DateTime64(3, 'UTC')}`;
}

function featureDifferences(tier: Tier): string {
  return `SELECT ${FEATURE_KEY}, sum(d.n) AS n, sum(d.s) AS s, sum(d.q) AS q FROM (
  SELECT ${FEATURE_KEY}, n, s, q FROM (${featuresOfTier(tier)})
  UNION ALL
  SELECT ${FEATURE_KEY}, -n, -s, -q FROM feature_${tier} WHERE model = {model:String} AND ${TIME_SPAN}
) AS d GROUP BY ${FEATURE_KEY} HAVING n != 0 AND ${notPutAway("time")}`;
}

function modelsOfTier(tier: Tier): string {
  return `WITH ${PINS}
SELECT {model:String} AS model, version, cohort.1 AS segment_tag, cohort.2 AS segment_value, error, ${bucket(tier, "ts")} AS time,
  toFloat32(weight - 1) AS unkept, toInt64(count()) AS n, toInt64(countIf(NOT isNaN(latency))) AS latency_n, sumIf(toFloat64(latency), NOT isNaN(latency)) AS latency_s
FROM (
  SELECT version, ts, error, latency, weight, tags, tags_of_segments
  FROM predictions INNER JOIN pins ON predictions._shard = pins.shard AND predictions._group = pins.n
  WHERE model = {model:String} AND ${SPAN}
) ${COHORTS}
GROUP BY ${MODEL_KEY}`;
}

function modelDifferences(tier: Tier): string {
  const wanted =
    tier === "days"
      ? `SELECT model, version, segment_tag, segment_value, error, ${bucket("days", "h.time")} AS time, unkept, n, latency_n, latency_s
  FROM model_hours AS h WHERE model = {model:String} AND h.time >= {from:DateTime64(3, 'UTC')} AND h.time < {to:DateTime64(3, 'UTC')}`
      : modelsOfTier(tier);
  return `SELECT ${MODEL_KEY}, sum(d.n) AS n, sum(d.latency_n) AS latency_n, sum(d.latency_s) AS latency_s FROM (
  SELECT ${MODEL_KEY}, n, latency_n, latency_s FROM (${wanted})
  UNION ALL
  SELECT ${MODEL_KEY}, -n, -latency_n, -latency_s FROM model_${tier} WHERE model = {model:String} AND ${TIME_SPAN}
) AS d GROUP BY ${MODEL_KEY} HAVING n != 0 AND ${notPutAway("time")}`;
}

const featureRow = z.object({
  feature: z.string(),
  segment_tag: z.string(),
  segment_value: z.string(),
  version: z.string(),
  time: timeMs,
  grid: count,
  cell: count,
  category: z.string(),
  n: count,
  s: float,
  q: float,
});

function tierQueries(tier: Tier) {
  const params = z.object(spanParams);
  return {
    /** The tier as raw says it should be; for days without what comes from hours. */
    fromRaw: defineQuery({
      name: `features by ${tier} from raw`,
      params,
      row: featureRow,
      sql: featuresFromRaw(tier),
    }),
    featureDifferences: defineQuery({
      name: `differences of feature_${tier}`,
      params,
      row: featureRow,
      sql: featureDifferences(tier),
    }),
    countFeatureDifferences: defineQuery({
      name: `number of differences of feature_${tier}`,
      params,
      row: z.object({ n: count }),
      sql: `SELECT count() AS n FROM (${featureDifferences(tier)})`,
    }),
    countModelDifferences: defineQuery({
      name: `number of differences of model_${tier}`,
      params,
      row: z.object({ n: count }),
      sql: `SELECT count() AS n FROM (${modelDifferences(tier)})`,
    }),
    repairFeatures: defineCommand({
      name: `repair feature_${tier}`,
      params: z.object({ ...spanParams, ...fenceParams }),
      repeatable: false,
      sql: `INSERT INTO feature_${tier} (${FEATURE_KEY}, n, s, q) SELECT ${FEATURE_KEY}, n, s, q FROM (${featureDifferences(tier)}) WHERE ${FENCE}`,
    }),
    repairModels: defineCommand({
      name: `repair model_${tier}`,
      params: z.object({ ...spanParams, ...fenceParams }),
      repeatable: false,
      sql: `INSERT INTO model_${tier} (${MODEL_KEY}, n, latency_n, latency_s) SELECT ${MODEL_KEY}, n, latency_n, latency_s FROM (${modelDifferences(tier)}) WHERE ${FENCE}`,
    }),
  } as const;
}

export const rollupTiers = {
  minutes: tierQueries("minutes"),
  hours: tierQueries("hours"),
  days: tierQueries("days"),
} as const;

/** What raw and each tier hold of a model and an hour. */
const totalsRow = z.object({
  model: z.string(),
  hour: timeMs,
  rows: count,
  ids: count,
  values: count,
  model_minutes: count,
  model_hours: count,
  model_days: count,
  feature_minutes: count,
  feature_hours: count,
  feature_days: count,
});
const TOTALS = ["rows", "ids", "values"] as const;
const TIER_TOTALS = ["model", "feature"].flatMap((of) =>
  (["minutes", "hours", "days"] as const).map((tier) => `${of}_${tier}`),
);

/**
 * Totals by model and hour: what raw holds beside what the tier of minutes counts for all rows, of some hours. A part
 * that is lost or doubled shows here, at a fraction of the price of the exact comparison.
 */
export const totalsByHour = defineQuery({
  name: "totals of raw and minutes",
  params: z.object({
    models: z.array(z.string()),
    from: z.int(),
    to: z.int(),
    /** Starts of hours, seconds. */
    hours: z.array(z.int()),
  }),
  row: totalsRow,
  sql: totalsSql([
    `SELECT model, ${bucket("hours", "ts")} AS hour, ${totals({
      rows: "count()",
      ids: "uniqExact(id_hash)",
      values:
        "sumIf(length(num) + length(cat) + (NOT isNaN(score)) + (NOT isNaN(value)) + (NOT isNaN(latency)), error = '')",
    })}
  FROM predictions WHERE model IN {models:Array(String)} AND ${SPAN} AND toStartOfHour(ts) IN {hours:Array(DateTime('UTC'))} GROUP BY model, hour`,
    totalsOf("model_minutes"),
    totalsOf("feature_minutes"),
  ]),
});

/** The same of the tiers of hours and days, whose rows stand at the first hour of their day. */
export const totalsByDay = defineQuery({
  name: "totals of hours and days",
  params: z.object({ models: z.array(z.string()), from: z.int(), to: z.int() }),
  row: totalsRow,
  sql: totalsSql(
    ["model_hours", "model_days", "feature_hours", "feature_days"].map((table) => totalsOf(table)),
  ),
});

function totalsSql(parts: readonly string[]): string {
  const sums = [...TOTALS, ...TIER_TOTALS].map((name, i) => `sum(c[${i + 1}]) AS ${name}`);
  return `SELECT model, hour, ${sums.join(", ")}
FROM (
  ${parts.join("\n  UNION ALL ")}
) GROUP BY model, hour ORDER BY model, hour`;
}

function totals(known: Readonly<Record<string, string>>): string {
  const counts = [...TOTALS, ...TIER_TOTALS].map((name) => `toInt64(${known[name] ?? "0"})`);
  return `[${counts.join(", ")}] AS c`;
}

function totalsOf(table: string): string {
  const present = table.startsWith("feature") ? " AND cell != 32004" : "";
  return `SELECT model, ${bucket("hours", "time")} AS hour, ${totals({ [table]: "sum(n)" })}
  FROM ${table} WHERE model IN {models:Array(String)} AND ${TIME_SPAN} AND segment_tag = ''${present} GROUP BY model, hour`;
}

/** Raw rows of models by hour: how much a look at them takes. */
export const rowsByHour = defineQuery({
  name: "rows of models by hour",
  params: z.object({ models: z.array(z.string()), from: z.int(), to: z.int() }),
  row: z.object({ model: z.string(), hour: timeMs, rows: count }),
  sql: `SELECT model, ${bucket("hours", "ts")} AS hour, toInt64(count()) AS rows
FROM predictions WHERE model IN {models:Array(String)} AND ${SPAN} GROUP BY model, hour`,
});
