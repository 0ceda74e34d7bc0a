/**
 * The journal of erasures and the conditions by which what they erased stays away. Everything that is sent to the
 * engine names an id or a subject by its hash: statements of mutations are kept beside the data.
 */
import { z } from "zod";
import { count, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

export const ERASURE_KINDS = ["prediction", "tag", "feature"] as const;
export type ErasureKind = (typeof ERASURE_KINDS)[number];

/** A prediction's id as erasures name it. */
export const ID_SHA = "hex(SHA256(concat(model, '\\0', id)))";

const subjectSha = (kind: "tag" | "feature", name: string, value: string): string =>
  `hex(SHA256(concat(model, '\\0${kind}\\0', ${name}, '\\0', ${value})))`;

const NAME = "{name:String}";
const HASHES = "{hashes:Array(String)}";
const OF_TAG = `mapContains(tags, ${NAME}) AND ${subjectSha("tag", NAME, `tags[${NAME}]`)} IN ${HASHES}`;

/** Rows of `predictions` that are meant. */
export const MATCHES: Readonly<Record<ErasureKind, string>> = {
  prediction: `${ID_SHA} IN ${HASHES} AND ${NAME} = ''`,
  tag: OF_TAG,
  feature: `((mapContains(cat, ${NAME}) AND ${subjectSha("feature", NAME, `cat[${NAME}]`)} IN ${HASHES})
    OR (mapContains(num, ${NAME}) AND ${subjectSha("feature", NAME, `toString(num[${NAME}])`)} IN ${HASHES}))`,
};

/** Rows of `outcomes`, which hold declared tags, that are meant whatever became of their prediction. */
export const OUTCOME_MATCHES: Readonly<Record<ErasureKind, string>> = {
  prediction: MATCHES.prediction,
  tag: OF_TAG,
  feature: `${NAME} != '' AND ${HASHES} = []`,
};

/** Erasures that were asked for after a moment, of ids and of subjects; for rows with all columns of predictions. */
export const ERASED_ID = `(${ID_SHA} IN (SELECT id_sha FROM erased_ids WHERE asked >= {since:DateTime64(3, 'UTC')}))`;

const shasOf = (kind: "tag" | "feature", map: string): string =>
  `arrayMap((k, v) -> ${subjectSha(kind, "k", "toString(v)")}, mapKeys(${map}), mapValues(${map}))`;

export const ERASED_PREDICTION = `(${ERASED_ID} OR hasAny(
  arrayConcat(${shasOf("tag", "tags")}, ${shasOf("feature", "cat")}, ${shasOf("feature", "num")}),
  (SELECT groupUniqArrayArray(hashes) FROM erasures FINAL WHERE kind != 'prediction' AND asked >= {since:DateTime64(3, 'UTC')})))`;

export const erasureRow = z.object({
  id: z.string(),
  model: z.string(),
  kind: z.enum(ERASURE_KINDS),
  name: z.string(),
  hashes: z.array(z.string()),
  asked: timeMs,
  state: z.enum(["begun", "done"]),
  by: z.string(),
  reason: z.string(),
  hours: z.array(timeMs),
  groups: z.array(
    z.object({
      shard: count,
      n: count,
      predictions: count,
      labels: count,
      dead_letters: count,
    }),
  ),
  counts: z.record(z.string(), count),
  finished: timeMs.nullable(),
  revision: count,
});
export type ErasureRow = z.output<typeof erasureRow>;

const COLUMNS =
  "id, model, kind, name, hashes, asked, state, by, reason, hours, groups, counts, finished, revision";

/** Newest first. */
export const listErasures = defineQuery({
  name: "erasures",
  params: z.object({ limit: z.int() }),
  row: erasureRow,
  sql: `SELECT ${COLUMNS} FROM erasures FINAL ORDER BY asked DESC, id LIMIT {limit:UInt32}`,
});

/** Finished at or after a moment, oldest first; some at a time. */
export const finishedErasures = defineQuery({
  name: "finished erasures",
  params: z.object({ after: z.int(), limit: z.int() }),
  row: erasureRow,
  sql: `SELECT ${COLUMNS} FROM erasures FINAL WHERE state = 'done' AND finished >= {after:DateTime64(3, 'UTC')}
ORDER BY finished, id LIMIT {limit:UInt32}`,
});

export const unfinishedErasures = defineQuery({
  name: "unfinished erasures",
  params: z.object({}),
  row: erasureRow,
  sql: `SELECT ${COLUMNS} FROM erasures FINAL WHERE state = 'begun' ORDER BY asked`,
});

/** Rows of a group that were erased: it is complete without them. */
export const erasedOfGroup = defineQuery({
  name: "erased rows of a group",
  params: z.object({ shard: z.int(), n: z.int() }),
  row: z.object({ predictions: count, labels: count, dead_letters: count }),
  sql: `SELECT sum(g.predictions) AS predictions, sum(g.labels) AS labels, sum(g.dead_letters) AS dead_letters
FROM (SELECT arrayJoin(groups) AS g FROM erasures FINAL) WHERE g.shard = {shard:UInt16} AND g.n = {n:UInt64}`,
});

/** Whether anything was erased that a group of these models may hold. */
export const erasuresSince = defineQuery({
  name: "erasures since",
  params: z.object({ since: z.int(), models: z.array(z.string()) }),
  row: z.object({ n: count }),
  sql: `SELECT count() AS n FROM erasures WHERE asked >= {since:DateTime64(3, 'UTC')} AND model IN {models:Array(String)}`,
});
