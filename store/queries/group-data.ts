/**
 * Inserts of a group's data and the counts by which they are verified. Every insert exists twice: plain,
 * under the group's token, and mending, which adds only the rows that are not there.
 */
import { z } from "zod";
import { count, timeMs } from "../column-schemas.ts";
import { type DefinedInsert, defineInsert, defineQuery } from "../define-query.ts";
import { ERASED_ID, ERASED_PREDICTION } from "./erasures.ts";
import { FENCE, fenceParams } from "./fence.ts";

const groupParams = { ...fenceParams, n: z.int() };
const spanParams = { from: z.int(), to: z.int() };
/** When the newest of the group's rows was accepted: what was erased since is not mended. */
const mendParams = { since: z.int() };

interface PayloadTable {
  readonly columns: readonly string[];
  readonly structure: readonly string[];
  /** What is stored of a column instead of its value. A column that a block lacks reads as 0. */
  readonly stored?: Readonly<Record<string, string>>;
}

const PREDICTIONS: PayloadTable = {
  columns: [
    "model",
    "version",
    "ts",
    "id",
    "num",
    "cat",
    "tags",
    "label",
    "score",
    "value",
    "probabilities",
    "latency",
    "error",
    "weight",
  ],
  structure: [
    "model LowCardinality(String)",
    "version LowCardinality(String)",
    "ts DateTime64(3, \\'UTC\\')",
    "id String",
    "num Map(LowCardinality(String), Float64)",
    "cat Map(LowCardinality(String), LowCardinality(String))",
    "tags Map(LowCardinality(String), LowCardinality(String))",
    "label LowCardinality(String)",
    "score Float64",
    "value Float64",
    "probabilities Map(LowCardinality(String), Float32)",
    "latency Float32",
    "error LowCardinality(String)",
    "weight Float32",
  ],
  stored: { weight: "if(weight = 0, 1, weight)" },
};

const LABELS: PayloadTable = {
  columns: [
    "model",
    "id",
    "label",
    "value",
    "prediction_time",
    "time",
    "source",
    "revision",
    "unsampled",
  ],
  structure: [
    "model LowCardinality(String)",
    "id String",
    "label LowCardinality(String)",
    "value Float64",
    "prediction_time Nullable(DateTime64(3, \\'UTC\\'))",
    "time DateTime64(3, \\'UTC\\')",
    "source LowCardinality(String)",
    "revision UInt64",
    "unsampled UInt32",
  ],
  stored: { unsampled: "toUInt8(unsampled)" },
};

const DEAD_LETTERS: PayloadTable = {
  columns: ["time", "record", "model", "id", "reason", "detail", "sample"],
  structure: [
    "time DateTime64(3, \\'UTC\\')",
    "record LowCardinality(String)",
    "model LowCardinality(String)",
    "id String",
    "reason LowCardinality(String)",
    "detail String",
    "sample String",
  ],
};

const OWN_DEAD_LETTERS: PayloadTable = {
  columns: [...DEAD_LETTERS.columns, "rows", "payload"],
  structure: [...DEAD_LETTERS.structure, "rows UInt32", "payload String"],
};

const SERVER_METRICS: PayloadTable = {
  columns: [
    "model",
    "version",
    "ts",
    "instance",
    "source",
    "measure",
    "part",
    "lower",
    "upper",
    "value",
  ],
  structure: [
    "model LowCardinality(String)",
    "version LowCardinality(String)",
    "ts DateTime64(3, \\'UTC\\')",
    "instance LowCardinality(String)",
    "source LowCardinality(String)",
    "measure LowCardinality(String)",
    "part LowCardinality(String)",
    "lower Float64",
    "upper Float64",
    "value Float64",
  ],
};

function insertSql(table: string, payload: PayloadTable, where: string): string {
  const { columns, structure, stored = {} } = payload;
  const values = columns.map((column) => stored[column] ?? column);
  const input = [...structure, "_spool LowCardinality(String)", "_seq UInt64"].join(", ");
  return `INSERT INTO ${table} (${columns.join(", ")}, _spool, _seq, _group, _shard)
SELECT ${values.join(", ")}, _spool, _seq, {n:UInt64}, {shard:UInt16}
FROM input('${input}')
WHERE ${FENCE}${where} FORMAT Native`;
}

function plain(table: string, payload: PayloadTable) {
  return defineInsert({
    name: `insert ${table}`,
    params: z.object(groupParams),
    sql: insertSql(table, payload, ""),
  });
}

export const insertPredictions = plain("predictions", PREDICTIONS);
export const insertLabels = plain("labels", LABELS);
export const insertAgentDeadLetters = plain("dead_letters", DEAD_LETTERS);
export const insertServerMetrics = plain("server_metrics", SERVER_METRICS);
export const insertOwnDeadLetters = plain("dead_letters", OWN_DEAD_LETTERS);

/** A part is lost or there as a whole, and frames do not share rows: (frame, time, id) tells which. */
export const mendPredictions = defineInsert({
  name: "mend predictions",
  params: z.object({ ...groupParams, ...spanParams, ...mendParams }),
  sql: insertSql(
    "predictions",
    PREDICTIONS,
    ` AND NOT ${ERASED_PREDICTION} AND (_spool, _seq, ts, id) NOT IN (SELECT _spool, _seq, ts, id FROM predictions
  WHERE ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')}
    AND _group = {n:UInt64} AND _shard = {shard:UInt16})`,
  ),
});

/** Labels that a higher revision has replaced since do no harm when they come again. */
export const mendLabels = defineInsert({
  name: "mend labels",
  params: z.object({ ...groupParams, ...spanParams, ...mendParams }),
  sql: insertSql(
    "labels",
    LABELS,
    ` AND NOT ${ERASED_ID} AND (_spool, _seq, model, id) NOT IN (SELECT _spool, _seq, model, id FROM labels
  WHERE time >= {from:DateTime64(3, 'UTC')} AND time <= {to:DateTime64(3, 'UTC')}
    AND _group = {n:UInt64} AND _shard = {shard:UInt16})`,
  ),
});

const SAMPLE = "_spool, _seq, ts, model, version, instance, source, measure, part, upper";

export const mendServerMetrics = defineInsert({
  name: "mend server metrics",
  params: z.object({ ...groupParams, ...spanParams }),
  sql: insertSql(
    "server_metrics",
    SERVER_METRICS,
    ` AND (${SAMPLE}) NOT IN (SELECT ${SAMPLE} FROM server_metrics
  WHERE ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')}
    AND _group = {n:UInt64} AND _shard = {shard:UInt16})`,
  ),
});

export const countServerMetrics = defineQuery({
  name: "count server metrics of a group",
  params: z.object({ shard: z.int(), n: z.int(), ...spanParams }),
  row: z.object({ n: count }),
  sql: `SELECT count() AS n FROM server_metrics
WHERE ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')}
  AND _group = {n:UInt64} AND _shard = {shard:UInt16}`,
});

export const countPredictions = defineQuery({
  name: "count predictions of a group",
  params: z.object({ shard: z.int(), n: z.int(), ...spanParams }),
  row: z.object({ n: count }),
  sql: `SELECT count() AS n FROM predictions
WHERE ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')}
  AND _group = {n:UInt64} AND _shard = {shard:UInt16}`,
});

/** By month, which is the partition: merges drop replaced labels one by one, a lost part is lost as a whole. */
export const countLabelsByMonth = defineQuery({
  name: "count labels of a group",
  params: z.object({ shard: z.int(), n: z.int(), ...spanParams }),
  row: z.object({ month: count, n: count }),
  sql: `SELECT toYYYYMM(time) AS month, count() AS n FROM labels
WHERE time >= {from:DateTime64(3, 'UTC')} AND time <= {to:DateTime64(3, 'UTC')}
  AND _group = {n:UInt64} AND _shard = {shard:UInt16}
GROUP BY month`,
});

export const countDeadLetters = defineQuery({
  name: "count dead letters of a group",
  params: z.object({ shard: z.int(), n: z.int() }),
  row: z.object({ n: count }),
  sql: "SELECT count() AS n FROM dead_letters WHERE _group = {n:UInt64} AND _shard = {shard:UInt16}",
});

const FEATURE_KEY =
  "model, feature, segment_tag, segment_value, version, time, grid, cell, category";

function featureInsert(table: string): DefinedInsert<z.ZodObject<typeof fenceParams>> {
  return defineInsert({
    name: `insert ${table}`,
    params: z.object(fenceParams),
    sql: `INSERT INTO ${table} (${FEATURE_KEY}, n, s, q)
SELECT model, feature, segment_tag, segment_value, version, time, toUInt16(grid), toInt16(toInt32(cell) - 32768), category,
  toInt64(n), s, q
FROM input('model LowCardinality(String), feature LowCardinality(String), segment_tag LowCardinality(String), segment_value LowCardinality(String), version LowCardinality(String), time DateTime64(3, \\'UTC\\'), grid UInt32, cell UInt32, category LowCardinality(String), n UInt32, s Float64, q Float64')
WHERE ${FENCE} FORMAT Native`,
  });
}

export const insertFeatureRollups = {
  "1m": featureInsert("feature_minutes"),
  "1h": featureInsert("feature_hours"),
  "1d": featureInsert("feature_days"),
} as const;

export const insertModelRollups = defineInsert({
  name: "insert model_minutes",
  params: z.object(fenceParams),
  sql: `INSERT INTO model_minutes (model, version, segment_tag, segment_value, error, time, unkept, n, latency_n, latency_s)
SELECT model, version, segment_tag, segment_value, error, time, unkept, toInt64(n), toInt64(latency_n), latency_s
FROM input('model LowCardinality(String), version LowCardinality(String), segment_tag LowCardinality(String), segment_value LowCardinality(String), error LowCardinality(String), time DateTime64(3, \\'UTC\\'), unkept Float32, n UInt32, latency_n UInt32, latency_s Float64')
WHERE ${FENCE} FORMAT Native`,
});

export const mendDeadLetters = defineInsert({
  name: "mend dead letters",
  params: z.object({ ...groupParams, ...mendParams }),
  sql: insertSql(
    "dead_letters",
    OWN_DEAD_LETTERS,
    ` AND NOT ${ERASED_ID} AND (_spool, _seq, record, model, id, reason) NOT IN (
  SELECT _spool, _seq, record, model, id, reason FROM dead_letters
  WHERE _group = {n:UInt64} AND _shard = {shard:UInt16})`,
  ),
});

export const mendAgentDeadLetters = defineInsert({
  name: "mend dead letters of agents",
  params: z.object({ ...groupParams, ...mendParams }),
  sql: insertSql(
    "dead_letters",
    DEAD_LETTERS,
    ` AND NOT ${ERASED_ID} AND (_spool, _seq, record, model, id, reason) NOT IN (
  SELECT _spool, _seq, record, model, id, reason FROM dead_letters
  WHERE _group = {n:UInt64} AND _shard = {shard:UInt16})`,
  ),
});

/** Hours of event time that a group touches, by model. */
export const hoursOfGroup = defineQuery({
  name: "hours of a group",
  params: z.object({ shard: z.int(), n: z.int(), ...spanParams }),
  row: z.object({ model: z.string(), hour: timeMs }),
  sql: `SELECT model, toDateTime64(toStartOfHour(ts), 3, 'UTC') AS hour FROM predictions
WHERE ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')}
  AND _group = {n:UInt64} AND _shard = {shard:UInt16}
GROUP BY model, hour ORDER BY model, hour`,
});

/** Models that have labels in a group. */
export const labelModelsOfGroup = defineQuery({
  name: "models with labels in a group",
  params: z.object({ shard: z.int(), n: z.int(), ...spanParams }),
  row: z.object({ model: z.string() }),
  sql: `SELECT DISTINCT model FROM labels
WHERE time >= {from:DateTime64(3, 'UTC')} AND time <= {to:DateTime64(3, 'UTC')}
  AND _group = {n:UInt64} AND _shard = {shard:UInt16}`,
});
