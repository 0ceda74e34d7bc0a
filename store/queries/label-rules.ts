/**
 * What documents say of labels, carried out: predictions whose outcome is never seen become rows of `outcomes`
 * without a label, and those that nobody labelled in time get the negative one. Every statement may be repeated
 * and may be run by two at once: equal rows replace each other, and any real label ranks above absence.
 */
import { z } from "zod";
import type { RecordCondition } from "../../contract/record-condition.ts";
import { count, timeMs } from "../column-schemas.ts";
import { defineCommand, defineQuery } from "../define-query.ts";
import { FENCE, fenceParams } from "./fence.ts";
import { conditionSql } from "./record-condition.ts";

const SPAN = `model = {model:String} AND ts >= {from:DateTime64(3, 'UTC')} AND ts < {to:DateTime64(3, 'UTC')}`;
const spanParams = { model: z.string(), from: z.int(), to: z.int() };
const segmentParams = { segments: z.array(z.string()) };

const OUTCOME =
  "model, ts, id, id_hash, version, tags, score, value, predicted, actual_label, actual_value, known, revision, source, censored, _group, _shard";
const OF_PREDICTION = `model, ts, id, id_hash, version,
  mapFilter((tag, _) -> has({segments:Array(String)}, tag), tags), score, value, label`;

/** Of predictions with one id the first accepted counts. */
const FIRST = "ORDER BY _group, _shard, _seq LIMIT 1 BY id_hash";

function censorSql(condition: RecordCondition, where: string): string {
  return `INSERT INTO outcomes (${OUTCOME})
SELECT ${OF_PREDICTION}, '', nan, ts, 0, '', 1, 0, {shard:UInt16}
FROM (SELECT * FROM predictions WHERE ${where} AND error = '' AND ${conditionSql(condition)})
WHERE ${FENCE} ${FIRST}`;
}

/** Those of a group that has just been stored. */
export function censorGroup(condition: RecordCondition) {
  return defineCommand({
    name: "censor predictions of a group",
    params: z.object({ ...fenceParams, ...spanParams, ...segmentParams, n: z.int() }),
    repeatable: true,
    sql: censorSql(condition, `${SPAN} AND _group = {n:UInt64} AND _shard = {shard:UInt16}`),
  });
}

/** Those of a span, when the condition is new. */
export function censorSpan(condition: RecordCondition) {
  return defineCommand({
    name: "censor predictions of a span",
    params: z.object({ ...fenceParams, ...spanParams, ...segmentParams }),
    repeatable: true,
    sql: censorSql(condition, SPAN),
  });
}

/** Ends that any prediction of the model is censored; their labels are to be joined again. */
export const uncensorModel = defineCommand({
  name: "censor no predictions of a model",
  params: z.object({ model: z.string() }),
  repeatable: true,
  sql: "DELETE FROM outcomes WHERE model = {model:String} AND censored = 1",
});

/** A row where the model has censored predictions. */
export const anyCensored = defineQuery({
  name: "any censored prediction",
  params: z.object({ model: z.string() }),
  row: z.object({ any: count }),
  sql: "SELECT 1 AS any FROM outcomes WHERE model = {model:String} AND censored = 1 LIMIT 1",
});

/** Answered predictions of a span that have neither a label nor are censored. */
const UNLABELLED = `(SELECT model, ts, id, id_hash, version, tags, score, value, label FROM predictions WHERE ${SPAN} AND error = ''
  AND toUInt64(id_hash) NOT IN (SELECT toUInt64(id_hash) FROM outcomes
    WHERE model = {model:String} AND ts >= {lookFrom:DateTime64(3, 'UTC')} AND ts < {lookTo:DateTime64(3, 'UTC')})
  ${FIRST})`;

const absentParams = {
  ...fenceParams,
  ...spanParams,
  /** Outcomes of the same ids are looked for in a wider span: an id may have come twice. */
  lookFrom: z.int(),
  lookTo: z.int(),
  afterMs: z.int(),
  negative: z.string(),
};
/** Known the moment the time is over, whenever it is noticed: repeated, the row is the same. */
const KNOWN = "ts + toIntervalMillisecond({afterMs:Int64})";

/** First the labels, then the outcomes that they are: cut short in between, both are written again. */
export const labelAbsent = defineCommand({
  name: "label by absence",
  params: z.object(absentParams),
  repeatable: true,
  sql: `INSERT INTO labels (model, id, id_hash, label, value, prediction_time, time, source, revision, _spool, _seq, _group, _shard)
SELECT model, id, id_hash, {negative:String}, nan, ts, ${KNOWN}, 'absence', 0, '', 0, 0, {shard:UInt16}
FROM ${UNLABELLED} WHERE ${FENCE}`,
});

export const joinAbsent = defineCommand({
  name: "join labels by absence",
  params: z.object({ ...absentParams, ...segmentParams }),
  repeatable: true,
  sql: `INSERT INTO outcomes (${OUTCOME})
SELECT ${OF_PREDICTION}, {negative:String}, nan, ${KNOWN}, 0, 'absence', 0, 0, {shard:UInt16}
FROM ${UNLABELLED} WHERE ${FENCE}`,
});

/** How many predictions a span has. */
export const predictionsIn = defineQuery({
  name: "predictions of a span",
  params: z.object(spanParams),
  row: z.object({ n: count }),
  sql: `SELECT count() AS n FROM predictions WHERE ${SPAN}`,
});

/** First and last prediction of a model that is kept; no row where there is none. */
export const predictionsKept = defineQuery({
  name: "span of a model's predictions",
  params: z.object({ model: z.string() }),
  row: z.object({ from: timeMs, to: timeMs }),
  sql: `SELECT min(ts) AS from, max(ts) AS to FROM predictions
WHERE model = {model:String} HAVING count() > 0`,
});

/** By model the earliest prediction of groups formed since, of those that were made before `beforeMs`. */
export const latePredictions = defineQuery({
  name: "predictions that came late",
  params: z.object({ model: z.string(), formedMs: z.int(), beforeMs: z.int() }),
  row: z.object({ from: timeMs }),
  sql: `SELECT min(g.from) AS from FROM ingest_groups AS g
WHERE g.formed >= {formedMs:DateTime64(3, 'UTC')} AND has(g.models, {model:String})
  AND g.predictions > 0 AND g.from < {beforeMs:DateTime64(3, 'UTC')}
HAVING count() > 0`,
});

export const labelRuleProgress = defineQuery({
  name: "progress of label rules",
  params: z.object({}),
  row: z.object({
    model: z.string(),
    rule: z.enum(["absence", "censored"]),
    said: z.string(),
    through: timeMs,
    ran: timeMs,
  }),
  sql: "SELECT model, rule, said, through, ran FROM label_rules FINAL",
});
