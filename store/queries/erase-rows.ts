/** Finds and deletes the rows of an erasure, table by table. */
import { z } from "zod";
import { count, timeMs } from "../column-schemas.ts";
import { defineCommand, defineQuery } from "../define-query.ts";
import { type ErasureKind, ID_SHA, MATCHES, OUTCOME_MATCHES } from "./erasures.ts";

const subjectParams = { model: z.string(), name: z.string(), hashes: z.array(z.string()) };
const OF_MODEL = "model = {model:String}";

/** Ids before they are written down: those of the predictions, and of outcomes whose prediction may be gone. */
const idsOf = (kind: ErasureKind): string =>
  kind === "prediction"
    ? "(SELECT arrayJoin({hashes:Array(String)}) WHERE {name:String} = '')"
    : `(SELECT ${ID_SHA} FROM predictions WHERE ${OF_MODEL} AND ${MATCHES[kind]} AND id != ''
  UNION DISTINCT SELECT ${ID_SHA} FROM outcomes WHERE ${OF_MODEL} AND ${OUTCOME_MATCHES[kind]} AND id != '')`;

const WRITTEN_IDS =
  "(SELECT id_sha FROM erased_ids WHERE model = {model:String} AND erasure = {erasure:String})";

const outcomesOf = (kind: ErasureKind, ids: string): string =>
  `${OF_MODEL} AND (${ID_SHA} IN ${ids} OR (${OUTCOME_MATCHES[kind]}))`;

const REPLAYABLE = `(_shard, _group) IN (SELECT shard, n FROM (SELECT DISTINCT shard, n FROM ingest_groups)
  ORDER BY shard, n DESC LIMIT {limit:UInt32} BY shard)`;

export function erasureQueries(kind: ErasureKind) {
  const ids = idsOf(kind);
  const matches = `${OF_MODEL} AND ${MATCHES[kind]}`;
  return {
    counts: defineQuery({
      name: `rows of an erasure by ${kind}`,
      params: z.object(subjectParams),
      row: z.object({
        predictions: count,
        labels: count,
        outcomes: count,
        waiting_labels: count,
        first: timeMs,
        last: timeMs,
      }),
      sql: `SELECT (SELECT count() FROM predictions WHERE ${matches}) AS predictions,
  (SELECT count() FROM labels WHERE ${OF_MODEL} AND ${ID_SHA} IN ${ids}) AS labels,
  (SELECT count() FROM outcomes WHERE ${outcomesOf(kind, ids)}) AS outcomes,
  (SELECT count() FROM waiting_labels WHERE ${OF_MODEL} AND ${ID_SHA} IN ${ids}) AS waiting_labels,
  (SELECT min(ts) FROM predictions WHERE ${matches}) AS first, (SELECT max(ts) FROM predictions WHERE ${matches}) AS last`,
    }),
    hours: defineQuery({
      name: `hours of an erasure by ${kind}`,
      params: z.object(subjectParams),
      row: z.object({ hour: timeMs }),
      sql: `SELECT toDateTime64(toStartOfHour(ts), 3, 'UTC') AS hour FROM predictions WHERE ${matches} GROUP BY hour ORDER BY hour`,
    }),
    groups: defineQuery({
      name: `groups of an erasure by ${kind}`,
      params: z.object({ ...subjectParams, limit: z.int() }),
      row: z.object({ shard: count, n: count, predictions: count, labels: count }),
      sql: `SELECT _shard AS shard, _group AS n, sum(is_prediction) AS predictions, sum(1 - is_prediction) AS labels FROM (
  SELECT _shard, _group, 1 AS is_prediction FROM predictions WHERE ${matches} AND ${REPLAYABLE}
  UNION ALL SELECT _shard, _group, 0 AS is_prediction FROM labels WHERE ${OF_MODEL} AND ${ID_SHA} IN ${ids} AND ${REPLAYABLE}
) GROUP BY shard, n`,
    }),
    /** Before anything is deleted: afterwards nobody could say whose labels they were. */
    writeIds: defineCommand({
      name: `write ids of an erasure by ${kind}`,
      params: z.object({ ...subjectParams, erasure: z.string(), asked: z.int() }),
      sql: `INSERT INTO erased_ids (model, id_sha, erasure, asked)
SELECT {model:String}, sha, {erasure:String}, {asked:DateTime64(3, 'UTC')} FROM (SELECT DISTINCT * FROM ${ids} AS t) AS ids (sha)`,
      repeatable: true,
    }),
    deletePredictions: deletion("predictions", matches, subjectParams),
    deleteOutcomes: deletion("outcomes", outcomesOf(kind, WRITTEN_IDS), {
      ...subjectParams,
      erasure: z.string(),
    }),
  } as const;
}

const byId = { model: z.string(), erasure: z.string() };
export const deleteLabels = deletion("labels", `${OF_MODEL} AND ${ID_SHA} IN ${WRITTEN_IDS}`, byId);
export const deleteWaitingLabels = deletion(
  "waiting_labels",
  `${OF_MODEL} AND ${ID_SHA} IN ${WRITTEN_IDS}`,
  byId,
);
export const deleteDeadLetters = deletion("dead_letters", "letter IN {letters:Array(String)}", {
  letters: z.array(z.string()),
});
export const deleteQuarantine = deletion(
  "quarantine",
  "model = {model:String} AND id = {id:String} AND revision < {revision:UInt64}",
  { model: z.string(), id: z.string(), revision: z.int() },
);

/** Answers when the rows are in no active part of any replica any more. */
function deletion<P extends z.ZodRawShape>(table: string, where: string, params: P) {
  return defineCommand({
    name: `erase from ${table}`,
    params: z.object(params),
    sql: `ALTER TABLE ${table} DELETE WHERE ${where} SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1`,
    repeatable: true,
  });
}

/**
 * Dead letters that hold an id or a subject: in their columns, in the sample, or somewhere in the bytes of what could
 * not be read. Looked for by the plain text, which is never written down.
 */
export const lettersOf = defineQuery({
  name: "dead letters of an erasure",
  params: z.object({
    model: z.string(),
    id: z.string(),
    ids: z.array(z.string()),
    place: z.string(),
    name: z.string(),
    values: z.array(z.string()),
    bytes: z.string(),
    erasure: z.string(),
    limit: z.int(),
  }),
  row: z.object({ letter: z.string(), shard: count, n: count, rows: count, whole: count }),
  sql: `SELECT letter, _shard AS shard, _group AS n, rows, toUInt8(payload != '') AS whole FROM dead_letters
WHERE (model = {model:String} AND (
    ({id:String} != '' AND (id = {id:String} OR has({ids:Array(String)}, JSONExtractString(sample, 'prediction_id'))))
    OR (id != '' AND ${ID_SHA} IN ${WRITTEN_IDS})
    OR ({name:String} != '' AND has({values:Array(String)}, JSONExtractRaw(sample, {place:String}, {name:String})))))
  OR ({bytes:String} != '' AND position(payload, {bytes:String}) > 0)
ORDER BY letter LIMIT {limit:UInt32}`,
});

export const quarantineNaming = defineQuery({
  name: "quarantine that names a subject",
  params: z.object({ model: z.string(), tag: z.string(), value: z.string() }),
  row: z.object({
    id: z.string(),
    model: z.string(),
    tag: z.string(),
    values: z.array(z.string()),
    from: timeMs,
    to: timeMs,
    columns: z.array(z.string()),
    reason: z.string(),
    finding: z.string(),
    rows: count,
    created: timeMs,
    released: timeMs.nullable(),
    revision: count,
    detail: z.string(),
  }),
  sql: `SELECT id, model, tag, values, \`from\`, \`to\`, columns, reason, finding, rows, created, released, revision, detail
FROM quarantine FINAL WHERE model = {model:String} AND tag = {tag:String} AND has(values, {value:String})`,
});

/** What keeps the subject's value as a name: cells of rollups, agreed values of segments, grids. */
export const namesKept = defineQuery({
  name: "names that stay of a subject",
  params: z.object({ model: z.string(), name: z.string(), value: z.string() }),
  row: z.object({ rollups: count, segments: count, grids: count }),
  sql: `SELECT (SELECT count() FROM feature_days WHERE model = {model:String}
    AND ((segment_tag = {name:String} AND segment_value = {value:String}) OR (feature = {name:String} AND category = {value:String}))) AS rollups,
  (SELECT count() FROM segment_values WHERE model = {model:String} AND tag = {name:String} AND value = {value:String}) AS segments,
  (SELECT count() FROM feature_grids WHERE model = {model:String} AND feature = {name:String} AND has(categories, {value:String})) AS grids`,
});

/** Data sets on the retrainer's disk that were made of days at or after the first of the rows. */
export const datasetsAfter = defineQuery({
  name: "data sets that may hold rows",
  params: z.object({ model: z.string(), from: z.int(), to: z.int() }),
  row: z.object({ run: z.string(), folder: z.string() }),
  sql: `SELECT DISTINCT id AS run, JSONExtractString(detail, 'dataset', 'folder') AS folder FROM retraining_runs FINAL
WHERE model = {model:String} AND folder != ''
  AND JSONExtractInt(detail, 'dataset', 'toMs') > toUnixTimestamp64Milli({from:DateTime64(3, 'UTC')})
  AND JSONExtractInt(detail, 'dataset', 'fromMs') <= toUnixTimestamp64Milli({to:DateTime64(3, 'UTC')})
ORDER BY run LIMIT 200`,
});

const tableParams = { table: z.string() };

/** Parts that were replaced and still lie on the disk. */
export const replacedParts = defineQuery({
  name: "replaced parts of a table",
  params: z.object(tableParams),
  row: z.object({ name: z.string() }),
  sql: `SELECT name FROM system.parts WHERE database = currentDatabase() AND table = {table:String} AND NOT active`,
});

/** While rows are erased: what was rewritten is fsynced, so that what it replaces may go at once. */
export function partsOf(
  table: "predictions" | "labels" | "outcomes" | "waiting_labels" | "dead_letters" | "quarantine",
) {
  const command = (what: string, sql: string) =>
    defineCommand({ name: `${what} ${table}`, params: z.object({}), sql, repeatable: true });
  return {
    goAtOnce: command(
      "let replaced parts go:",
      `ALTER TABLE ${table} MODIFY SETTING old_parts_lifetime = 1, min_rows_to_fsync_after_merge = 1`,
    ),
    clean: command("clean", `SYSTEM START CLEANUP ${table}`),
    stayAsBefore: command(
      "let replaced parts stay:",
      `ALTER TABLE ${table} RESET SETTING old_parts_lifetime, min_rows_to_fsync_after_merge`,
    ),
  } as const;
}
