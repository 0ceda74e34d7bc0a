/**
 * Joins labels with their predictions, whichever came first. A row of `outcomes` depends on nothing but
 * the two rows that it joins, so repeating a join writes the same rows again and FINAL shows them once.
 * Of predictions with one id the first accepted counts.
 */
import { z } from "zod";
import { count, timeMs } from "../column-schemas.ts";
import { defineCommand, defineQuery } from "../define-query.ts";
import { FENCE, fenceParams } from "./fence.ts";

/** Model and id as one number: what joins and sets hash four times faster than the two columns. */
const KEY = "bitXor(id_hash, reinterpretAsUInt128(sipHash128(model)))";

const COLUMNS =
  "model, ts, id, id_hash, version, tags, score, value, predicted, actual_label, actual_value, known, revision, source, _group, _shard";

/**
 * `labels` and `predictions` that may belong together. Of several labels of one id each makes a row, of
 * which the highest rank holds; of several predictions the first does. Predictions are picked after the
 * join, and before it by half of their hash: sets of 128-bit numbers are three times as slow to look up in.
 */
function outcomesSql(labels: string, predictions: string): string {
  return `INSERT INTO outcomes (${COLUMNS})
SELECT p.model, p.ts, p.id, p.id_hash, p.version,
  mapFilter((tag, _) -> has({segments:Map(String, Array(String))}[p.model], tag), p.tags),
  p.score, p.value, p.label, l.label, l.value, l.time, l.revision, l.source, l._group, l._shard
FROM (${predictions}) AS p
INNER JOIN (${labels}) AS l
ON p.key = l.key
WHERE ${FENCE}
ORDER BY p._group, p._shard, p._seq LIMIT 1 BY p.key, l.rank`;
}

const PREDICTION_COLUMNS = `${KEY} AS key, model, ts, id, id_hash, version, tags, score, value, label, _group, _shard, _seq`;
const LABEL_COLUMNS = `${KEY} AS key, label, value, time, revision, source, rank, _group, _shard`;

const LABELS_OF_GROUP = `labels
  WHERE model IN {models:Array(String)}
    AND time >= {labelsFrom:DateTime64(3, 'UTC')} AND time <= {labelsTo:DateTime64(3, 'UTC')}
    AND _group = {n:UInt64} AND _shard = {shard:UInt16}`;

const spanParams = { from: z.int(), to: z.int() };

const groupParams = {
  ...fenceParams,
  n: z.int(),
  models: z.array(z.string()),
  labelsFrom: z.int(),
  labelsTo: z.int(),
  segments: z.record(z.string(), z.array(z.string())),
};

const OF_THESE_LABELS = `toUInt64(id_hash) IN (SELECT toUInt64(id_hash) FROM ${LABELS_OF_GROUP})`;

/**
 * A few labels that say when they were predicted, `from` and `to` being the first and last of these times:
 * reads the predictions near each of them.
 */
export const joinLabelsByTime = defineCommand({
  name: "join labels by time",
  params: z.object({ ...groupParams, ...spanParams }),
  repeatable: true,
  sql: outcomesSql(
    `SELECT ${LABEL_COLUMNS} FROM ${LABELS_OF_GROUP} AND prediction_time IS NOT NULL`,
    `SELECT ${PREDICTION_COLUMNS} FROM predictions
  WHERE model IN {models:Array(String)}
    AND ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')}
    AND ts IN (SELECT assumeNotNull(prediction_time) FROM ${LABELS_OF_GROUP} AND prediction_time IS NOT NULL)
    AND ${OF_THESE_LABELS}`,
  ),
});

/** When the labels of a group say that they were predicted. */
export const predictionTimesOfGroup = defineQuery({
  name: "prediction times of a group's labels",
  params: z.object({
    shard: z.int(),
    n: z.int(),
    models: z.array(z.string()),
    labelsFrom: z.int(),
    labelsTo: z.int(),
  }),
  row: z.object({ from: timeMs.nullable(), to: timeMs.nullable() }),
  sql: `SELECT min(prediction_time) AS from, max(prediction_time) AS to FROM ${LABELS_OF_GROUP}`,
});

/** All labels of a group against the predictions of a span: reads the span's hashes. */
export const joinLabelsBySpan = defineCommand({
  name: "join labels by span",
  params: z.object({ ...groupParams, ...spanParams }),
  repeatable: true,
  sql: outcomesSql(
    `SELECT ${LABEL_COLUMNS} FROM ${LABELS_OF_GROUP}`,
    `SELECT ${PREDICTION_COLUMNS} FROM predictions
  WHERE model IN {models:Array(String)}
    AND ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')}
    AND ${OF_THESE_LABELS}`,
  ),
});

/** Predictions of a group whose labels were there before them. */
export const joinWaitingLabels = defineCommand({
  name: "join waiting labels",
  params: z.object({
    ...fenceParams,
    from: z.int(),
    to: z.int(),
    model: z.string(),
    ids: z.array(z.string()),
    segments: z.record(z.string(), z.array(z.string())),
  }),
  repeatable: true,
  sql: outcomesSql(
    `SELECT ${LABEL_COLUMNS} FROM labels
  WHERE model = {model:String}
    AND id_hash IN (SELECT reinterpretAsUInt128(sipHash128(arrayJoin({ids:Array(String)}))))`,
    `SELECT ${PREDICTION_COLUMNS} FROM predictions
  WHERE model = {model:String} AND ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')}
    AND id IN {ids:Array(String)}`,
  ),
});

/** Predictions of a group with whatever labels there are: after an unclean stop, or where many waited. */
export const joinPredictionsOfGroup = defineCommand({
  name: "join predictions of a group",
  params: z.object({
    ...fenceParams,
    n: z.int(),
    from: z.int(),
    to: z.int(),
    segments: z.record(z.string(), z.array(z.string())),
  }),
  repeatable: true,
  sql: outcomesSql(
    `SELECT ${LABEL_COLUMNS} FROM labels WHERE toUInt64(id_hash) IN (SELECT toUInt64(id_hash) FROM predictions
  WHERE ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')}
    AND _group = {n:UInt64} AND _shard = {shard:UInt16})`,
    `SELECT ${PREDICTION_COLUMNS} FROM predictions
  WHERE ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')}
    AND _group = {n:UInt64} AND _shard = {shard:UInt16}`,
  ),
});

/** All labels of one model against its predictions of a span: reads every label of the model. */
export const joinLabelsOfSpan = defineCommand({
  name: "join labels of a span",
  params: z.object({
    ...fenceParams,
    ...spanParams,
    model: z.string(),
    segments: z.record(z.string(), z.array(z.string())),
  }),
  repeatable: true,
  sql: outcomesSql(
    `SELECT ${LABEL_COLUMNS} FROM labels WHERE model = {model:String}
  AND toUInt64(id_hash) IN (SELECT toUInt64(id_hash) FROM predictions
    WHERE model = {model:String} AND ts >= {from:DateTime64(3, 'UTC')} AND ts < {to:DateTime64(3, 'UTC')})`,
    `SELECT ${PREDICTION_COLUMNS} FROM predictions
  WHERE model = {model:String} AND ts >= {from:DateTime64(3, 'UTC')} AND ts < {to:DateTime64(3, 'UTC')}`,
  ),
});

/** Labels that wait and say when they were predicted, the newest. */
const WAITING_WITH_TIME = `(SELECT model, id, reinterpretAsUInt128(sipHash128(id)) AS id_hash, assumeNotNull(prediction_time) AS ts
  FROM waiting_labels FINAL WHERE met = 0 AND prediction_time IS NOT NULL
  ORDER BY noted DESC LIMIT {limit:UInt32})`;

/**
 * Labels that wait although their prediction is stored: those that two owners of shards stored at one moment,
 * each looking before the other was done.
 */
export const joinLabelsLeftBehind = defineCommand({
  name: "join labels left behind",
  params: z.object({
    ...fenceParams,
    limit: z.int(),
    segments: z.record(z.string(), z.array(z.string())),
  }),
  repeatable: true,
  sql: outcomesSql(
    `SELECT ${LABEL_COLUMNS} FROM labels
  WHERE (model, id_hash) IN (SELECT model, id_hash FROM ${WAITING_WITH_TIME})`,
    `SELECT ${PREDICTION_COLUMNS} FROM predictions
  WHERE (model, ts) IN (SELECT model, ts FROM ${WAITING_WITH_TIME})
    AND id_hash IN (SELECT id_hash FROM ${WAITING_WITH_TIME})`,
  ),
});

/** Those of them that have an outcome wait no longer. */
export const noteLabelsMet = defineCommand({
  name: "note labels that met their prediction",
  params: z.object({ limit: z.int() }),
  repeatable: true,
  sql: `INSERT INTO waiting_labels (model, id, prediction_time, met, noted)
SELECT model, id, ts, 1, now64(3, 'UTC') FROM ${WAITING_WITH_TIME} AS waits
WHERE (model, id_hash) IN (SELECT model, id_hash FROM outcomes
  WHERE (model, ts) IN (SELECT model, ts FROM ${WAITING_WITH_TIME}))`,
});

/**
 * How many labels of a group have an outcome; `from` and `to` span the times of their predictions. Outcomes that
 * a repeated join has written twice count once.
 */
export const matchedLabels = defineQuery({
  name: "labels with a prediction",
  params: z.object({ shard: z.int(), n: z.int(), models: z.array(z.string()), ...spanParams }),
  row: z.object({ n: count }),
  sql: `SELECT toInt64(uniqExact(${KEY}, rank)) AS n FROM outcomes
  WHERE model IN {models:Array(String)} AND ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')}
    AND _group = {n:UInt64} AND _shard = {shard:UInt16}`,
});

/** Labels of a group that have met no prediction; their outcomes lie between `from` and `to`, if there are any. */
export const unmatchedLabels = defineQuery({
  name: "labels without a prediction",
  params: z.object({
    shard: z.int(),
    n: z.int(),
    models: z.array(z.string()),
    labelsFrom: z.int(),
    labelsTo: z.int(),
    ...spanParams,
    limit: z.int(),
  }),
  row: z.object({
    model: z.string(),
    id: z.string(),
    prediction_time: timeMs.nullable(),
    unsampled: count,
  }),
  sql: `SELECT model, id, prediction_time, unsampled FROM ${LABELS_OF_GROUP}
    AND ${KEY} NOT IN (SELECT ${KEY} FROM outcomes
      WHERE model IN {models:Array(String)} AND ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')}
        AND ${OF_THESE_LABELS})
  LIMIT {limit:UInt32}`,
});

/** What a start waits for, the newest first. */
export const waitingLabels = defineQuery({
  name: "labels that wait for their prediction",
  params: z.object({ limit: z.int() }),
  row: z.object({ model: z.string(), id: z.string() }),
  sql: `SELECT model, id FROM waiting_labels FINAL WHERE met = 0 ORDER BY noted DESC LIMIT {limit:UInt32}`,
});

/**
 * Where predictions lie at most, those of all models, which the engine knows by its parts without reading a row.
 * Rollups would know it by model, but come after the rows.
 */
export const predictionSpan = defineQuery({
  name: "span of predictions",
  params: z.object({}),
  row: z.object({ from: timeMs, to: timeMs, n: count }),
  sql: "SELECT min(ts) AS from, max(ts) AS to, count() AS n FROM predictions",
});
