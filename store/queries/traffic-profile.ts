/**
 * What the newest rows of a model look like, column by column: what onboarding proposes a document from,
 * and compares one with. A bounded number of raw rows is read.
 */
import { z } from "zod";
import { count, float, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

const Newest = z.object({ model: z.string(), rows: z.int() });
const newest = (columns: string): string =>
  `(SELECT ${columns} FROM predictions WHERE model = {model:String} ORDER BY ts DESC LIMIT {rows:UInt32})`;
const SHOWN = 20;
const counted = z.array(z.tuple([z.string(), z.coerce.number()]));

/** One row; nothing where there is no traffic. */
export const profiledTotals = defineQuery({
  name: "profiled_totals",
  params: Newest,
  row: z.object({
    rows: count,
    errors: count,
    /** What the rows stand for where somebody sampled. */
    requests: float,
    failed: float,
    from: timeMs,
    to: timeMs,
    ids: count,
    scores: count,
    values: count,
    valueMin: float,
    valueMax: float,
    classes: z.array(z.string()),
    labels: z.array(z.string()),
    versions: z.array(z.string()),
    latencies: count,
    latencyP95: float,
  }),
  sql: `SELECT count() AS rows, countIf(error != '') AS errors,
      sum(toFloat64(weight)) AS requests, sumIf(toFloat64(weight), error != '') AS failed, min(ts) AS from, max(ts) AS to,
      uniqExact(id_hash) AS ids, countIf(isFinite(score)) AS scores,
      countIf(isFinite(value)) AS values, minIf(value, isFinite(value)) AS valueMin,
      maxIf(value, isFinite(value)) AS valueMax,
      arraySort(groupUniqArrayArray(${SHOWN})(mapKeys(probabilities))) AS classes,
      arraySort(groupUniqArrayIf(${SHOWN})(toString(label), label != '')) AS labels,
      arraySort(groupUniqArray(${SHOWN})(toString(version))) AS versions,
      countIf(NOT isNaN(latency) AND error = '') AS latencies,
      toFloat64(quantileExactIf(0.95)(latency, NOT isNaN(latency) AND error = '')) AS latencyP95
    FROM ${newest("*")} HAVING rows > 0`,
});

const NumericProfile = z.object({
  feature: z.string(),
  rows: count,
  nonFinite: count,
  distinct: count,
  whole: count,
  min: float,
  max: float,
  /** At 1, 25, 50, 75 and 99 %. */
  quantiles: z.array(float).length(5),
});
export type NumericProfile = z.infer<typeof NumericProfile>;

export const profiledNumbers = defineQuery({
  name: "profiled_numbers",
  params: Newest,
  row: NumericProfile,
  sql: `SELECT f AS feature, count() AS rows, countIf(NOT isFinite(v)) AS nonFinite,
      uniqExact(v) AS distinct, countIf(v = floor(v)) AS whole,
      minIf(v, isFinite(v)) AS min, maxIf(v, isFinite(v)) AS max,
      quantilesExactIf(0.01, 0.25, 0.5, 0.75, 0.99)(v, isFinite(v)) AS quantiles
    FROM ${newest("ts, num")} ARRAY JOIN mapKeys(num) AS f, mapValues(num) AS v
    GROUP BY f ORDER BY f LIMIT 2000`,
});

const WordProfile = z.object({
  name: z.string(),
  rows: count,
  distinct: count,
  /** Mean characters. */
  length: float,
  /** The most frequent values with their rows. */
  top: counted,
});
export type WordProfile = z.infer<typeof WordProfile>;

const wordsIn = (column: "cat" | "tags") =>
  defineQuery({
    name: `profiled_${column}`,
    params: Newest,
    row: WordProfile,
    sql: `SELECT name, sum(n) AS rows, count() AS distinct, sum(n * lengthUTF8(value)) / sum(n) AS length,
        arraySlice(groupArray((value, toString(n))), 1, ${SHOWN}) AS top
      FROM (
        SELECT toString(k) AS name, toString(v) AS value, count() AS n
        FROM ${newest(`ts, ${column}`)} ARRAY JOIN mapKeys(${column}) AS k, mapValues(${column}) AS v
        GROUP BY k, v ORDER BY name, n DESC, value)
      GROUP BY name ORDER BY name LIMIT 2000`,
  });

export const profiledCategories = wordsIn("cat");
export const profiledTags = wordsIn("tags");

/** What became of the newest predictions that have a label; one row per actual label. */
export const profiledOutcomes = defineQuery({
  name: "profiled_outcomes",
  params: Newest,
  row: z.object({
    label: z.string(),
    rows: count,
    values: count,
    /** Mean predicted score of these rows. */
    score: float,
    /** Milliseconds until the label was known: median and 99 %. */
    delays: z.array(float).length(2),
  }),
  sql: `SELECT toString(actual_label) AS label, count() AS rows,
      countIf(isFinite(actual_value)) AS values, avgIf(score, isFinite(score)) AS score,
      quantilesExact(0.5, 0.99)(toFloat64(dateDiff('millisecond', ts, known))) AS delays
    FROM (
      SELECT ts, known, score, actual_label, actual_value FROM outcomes FINAL
      WHERE model = {model:String} AND censored = 0 ORDER BY ts DESC LIMIT {rows:UInt32})
    GROUP BY label ORDER BY rows DESC, label LIMIT ${SHOWN}`,
});
