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
  "model, ts, id, id_hash, version, tags, score, value, predicted, actual_label, actual_value, known, revision";

/**
 * `labels` and `predictions` that may belong together. Of several labels of one id each makes a row, of
 * which the highest revision holds; of several predictions the first does.
 */
function outcomesSql(labels: string, predictions: string): string {
  return `INSERT INTO outcomes (${COLUMNS})
SELECT p.model, p.ts, p.id, p.id_hash, p.version,
  mapFilter((tag, _) -> has({segments:Map(String, Array(String))}[p.model], tag), p.tags),
  p.score, p.value, p.label, l.label, l.value, l.time, l.revision
FROM (${predictions}
  ORDER BY _group, _shard, _seq LIMIT 1 BY key) AS p
INNER JOIN (${labels}) AS l
ON p.key = l.key
WHERE ${FENCE}`;
}

const PREDICTION_COLUMNS = `${KEY} AS key, model, ts, id, id_hash, version, tags, score, value, label, _group, _shard, _seq`;
const LABEL_COLUMNS = `${KEY} AS key, label, value, time, revision`;

const LABELS_OF_GROUP = `labels
  WHERE model IN {models:Array(String)}
    AND time >= {labelsFrom:DateTime64(3, 'UTC')} AND time <= {labelsTo:DateTime64(3, 'UTC')}
    AND _group = {n:UInt64} AND _shard = {shard:UInt16}`;

const groupParams = {
  ...fenceParams,
  n: z.int(),
  models: z.array(z.string()),
  labelsFrom: z.int(),
  labelsTo: z.int(),
  segments: z.record(z.string(), z.array(z.string())),
};

/** Labels that say when they were predicted; `from` and `to` are the first and last of these times. */
export const joinLabelsByTime = defineCommand({
  name: "join labels by time",
  params: z.object({
    ...groupParams,
    from: z.int(),
    to: z.int(),
  }),
  repeatable: true,
  sql: outcomesSql(
    `SELECT ${LABEL_COLUMNS} FROM ${LABELS_OF_GROUP} AND prediction_time IS NOT NULL`,
    `SELECT ${PREDICTION_COLUMNS} FROM predictions
  WHERE model IN {models:Array(String)}
    AND ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')}
    AND ts IN (SELECT assumeNotNull(prediction_time) FROM ${LABELS_OF_GROUP} AND prediction_time IS NOT NULL)
    AND id_hash IN (SELECT id_hash FROM ${LABELS_OF_GROUP})`,
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
  params: z.object({ ...groupParams, from: z.int(), to: z.int() }),
  repeatable: true,
  sql: outcomesSql(
    `SELECT ${LABEL_COLUMNS} FROM ${LABELS_OF_GROUP}`,
    `SELECT ${PREDICTION_COLUMNS} FROM predictions
  WHERE ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')}
    AND key IN (SELECT ${KEY} FROM ${LABELS_OF_GROUP})`,
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

/** Predictions of a group with whatever labels there are: after an unclean stop. */
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
    `SELECT ${LABEL_COLUMNS} FROM labels WHERE key IN (SELECT ${KEY} FROM predictions
  WHERE ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')}
    AND _group = {n:UInt64} AND _shard = {shard:UInt16})`,
    `SELECT ${PREDICTION_COLUMNS} FROM predictions
  WHERE ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')}
    AND _group = {n:UInt64} AND _shard = {shard:UInt16}`,
  ),
});

/** The first moment of each model's newest days: models need not live in the same year. */
const SINCE = `(SELECT model, max(time) - toIntervalDay({days:UInt32}) AS since FROM labels GROUP BY model) AS newest`;

const LEFT_BEHIND = `FROM labels INNER JOIN ${SINCE} USING (model)
  WHERE time >= since AND prediction_time IS NOT NULL AND (model, id_hash) NOT IN (
    SELECT model, id_hash FROM outcomes INNER JOIN ${SINCE} USING (model) WHERE known >= since)`;

/**
 * Labels of each model's newest days that have no outcome although their prediction is stored: those that two owners
 * of shards stored at one moment, or that an unclean stop left behind.
 */
export const joinLabelsLeftBehind = defineCommand({
  name: "join labels left behind",
  params: z.object({
    ...fenceParams,
    days: z.int(),
    segments: z.record(z.string(), z.array(z.string())),
  }),
  repeatable: true,
  sql: outcomesSql(
    `SELECT ${LABEL_COLUMNS} ${LEFT_BEHIND}`,
    `SELECT ${PREDICTION_COLUMNS} FROM predictions
  WHERE (model, ts) IN (SELECT model, assumeNotNull(prediction_time) ${LEFT_BEHIND})`,
  ),
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
    from: z.int(),
    to: z.int(),
    limit: z.int(),
  }),
  row: z.object({ model: z.string(), id: z.string(), prediction_time: timeMs.nullable() }),
  sql: `SELECT model, id, prediction_time FROM ${LABELS_OF_GROUP}
    AND ${KEY} NOT IN (SELECT ${KEY} FROM outcomes
      WHERE model IN {models:Array(String)} AND ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')})
  LIMIT {limit:UInt32}`,
});

/** For each model the labels of its newest days that have met no prediction: what a start waits for. */
export const waitingLabels = defineQuery({
  name: "labels that wait for their prediction",
  params: z.object({ days: z.int(), limit: z.int() }),
  row: z.object({ model: z.string(), id: z.string() }),
  sql: `SELECT l.model AS model, l.id AS id FROM (
  SELECT model, id, id_hash, time FROM labels INNER JOIN ${SINCE} USING (model) WHERE time >= since
) AS l
LEFT ANTI JOIN (
  SELECT model, id_hash FROM outcomes INNER JOIN ${SINCE} USING (model) WHERE known >= since
) AS o ON l.model = o.model AND l.id_hash = o.id_hash
ORDER BY l.time DESC LIMIT {limit:UInt32}`,
});

/** Where predictions of these models lie at most. */
export const predictionSpan = defineQuery({
  name: "span of predictions",
  params: z.object({ models: z.array(z.string()) }),
  row: z.object({ from: timeMs, to: timeMs, n: count }),
  sql: `SELECT min(ts) AS from, max(ts) AS to, count() AS n FROM predictions WHERE model IN {models:Array(String)}`,
});
