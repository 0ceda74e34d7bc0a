/**
 * Labelled predictions with their features, as columns: what is trained on and what is judged on. A
 * prediction belongs to its event time; a label counts when it was known at the moment asked about.
 */
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { count, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";
import { NOT_EXCLUDED, exclusionParams } from "./quarantined-rows.ts";

export interface RowColumns {
  readonly features: readonly { readonly name: string; readonly kind: "numeric" | "categorical" }[];
  readonly tags: readonly string[];
  readonly target: "label" | "value";
}

const COLUMNS_MAX = 2_000;
const UNTYPED = z.record(z.string(), z.unknown());
const SPAN = `model = {model:String}
      AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}`;
const KNOWN = `known <= {knownMs:DateTime64(3, 'UTC')}`;

const spanParams = {
  model: z.string(),
  fromMs: z.int(),
  toMs: z.int(),
  knownMs: z.int(),
};

/** Rows of a part of a data set, for \`stream\` as Parquet; same rows, same bytes. */
export function trainingRows(columns: RowColumns) {
  const features = featureColumns(columns, ({ name }) => quoteName(name));
  const tags = columns.tags.map(
    (name) => `toString(tags[${quoteText(name)}]) AS ${quoteName(name)}`,
  );
  const own = [...columns.features.map(({ name }) => name), ...columns.tags];
  return defineQuery({
    name: "training_rows",
    params: z.object({ ...spanParams, ...exclusionParams }),
    row: UNTYPED,
    sql: `SELECT o.id AS prediction_id, o.at AS time, ${own.map((name) => `p.${quoteName(name)} AS ${quoteName(name)}`).join(", ")},
        ${columns.target === "label" ? "toString(o.actual_label) AS label" : "o.actual_value AS value"}, toFloat64(1) AS weight
      FROM (SELECT id, id_hash, ts AS at, actual_label, actual_value FROM outcomes FINAL
        WHERE ${SPAN} AND ${KNOWN} AND ${targetKnown(columns)}) AS o
      ANY INNER JOIN (SELECT id_hash, ${[...features, ...tags].join(", ")} FROM predictions
        WHERE ${SPAN} AND ${NOT_EXCLUDED}) AS p ON o.id_hash = p.id_hash
      ORDER BY time, prediction_id
      SETTINGS output_format_parquet_compression_method = 'zstd', output_format_parquet_string_as_string = 1`,
  });
}

/**
 * The same rows for `stream` as Native: `time_ms`, `target` (1 or 0 for the positive label, or the
 * value), and features as `c0`, `c1` … in the order given, oldest first. Of more than `rowsMax` labelled
 * rows the newest.
 */
export function labelledColumns(columns: RowColumns) {
  return defineQuery({
    name: "labelled_columns",
    params: z.object({ ...columnParams, rowsMax: z.int() }),
    row: UNTYPED,
    sql: columnsSql(columns, "ORDER BY ts DESC, id DESC LIMIT {rowsMax:UInt32}", ""),
  });
}

/** `keepBelow` of `sampledColumns` that keeps all rows. */
export const KEEP_ALL = 2 ** 32;

/**
 * The rows of `labelledColumns`, of which a share is kept: those whose id hashes below `keepBelow` of
 * `KEEP_ALL`. The same ids whenever asked, and the same share of every hour and day.
 */
export function sampledColumns(columns: RowColumns) {
  const kept = "AND toUInt32(id_hash) < {keepBelow:UInt64}";
  return defineQuery({
    name: "sampled_columns",
    params: z.object({ ...columnParams, keepBelow: z.int() }),
    row: UNTYPED,
    sql: columnsSql(columns, kept, kept),
  });
}

/** Labelled rows of a staged training set (references.ts) in the shape of \`labelledColumns\`, newest first. */
export function stagedColumns(columns: RowColumns) {
  const features = featureColumns(columns, (_, i) => `c${i}`);
  return defineQuery({
    name: "staged_columns",
    params: z.object({ reference: z.string(), positive: z.string(), rowsMax: z.int() }),
    row: UNTYPED,
    sql: `SELECT toFloat64(toUnixTimestamp64Milli(ifNull(time, toDateTime64(0, 3, 'UTC')))) AS time_ms,
        toFloat64(CAST(label, 'String') = {positive:String}) AS target, ${features.join(", ")}
      FROM reference_staging
      WHERE reference = {reference:String} AND label != ''
      ORDER BY time_ms DESC LIMIT {rowsMax:UInt32}`,
  });
}

/** What a part's file depends on: equal digests, equal rows. Parts are spans of \`partMs\` from \`anchorMs\`. */
export const partDigests = defineQuery({
  name: "part_digests",
  params: z.object({ ...spanParams, anchorMs: z.int(), partMs: z.int() }),
  row: z.object({ part: count, rows: count, digest: z.string() }),
  sql: `SELECT intDiv(toUnixTimestamp64Milli(ts) - {anchorMs:Int64}, {partMs:Int64}) AS part, count() AS rows,
      toString(sum(cityHash64(id_hash, actual_label, actual_value))) AS digest
    FROM outcomes FINAL
    WHERE ${SPAN} AND ${KNOWN} AND censored = 0
    GROUP BY part ORDER BY part`,
});

/** Labelled rows of a span that exclusions leave out, by part. Ask for the excluded spans alone: tags are dear. */
export const excludedRows = defineQuery({
  name: "excluded_rows",
  params: z.object({ ...spanParams, ...exclusionParams, anchorMs: z.int(), partMs: z.int() }),
  row: z.object({ part: count, rows: count }),
  sql: `SELECT intDiv(toUnixTimestamp64Milli(ts) - {anchorMs:Int64}, {partMs:Int64}) AS part, count() AS rows
    FROM outcomes FINAL
    WHERE ${SPAN} AND ${KNOWN} AND censored = 0 AND NOT (${NOT_EXCLUDED})
    GROUP BY part ORDER BY part`,
});

/** First and last prediction with a label; no row where there is none. */
export const labelledSpan = defineQuery({
  name: "labelled_span",
  params: z.object({ model: z.string(), knownMs: z.int() }),
  row: z.object({ fromMs: timeMs, toMs: timeMs }),
  sql: `SELECT min(ts) AS fromMs, max(ts) AS toMs FROM outcomes
    WHERE model = {model:String} AND ${KNOWN} AND censored = 0 HAVING count() > 0`,
});

/**
 * Successful predictions of a span whose outcome can be seen, by period of `periodMs` from `fromMs`: those
 * that exclusions leave in, those that they leave out, and how many of the former have a known target.
 */
export function labelCoverage(columns: Pick<RowColumns, "target">) {
  const period = "intDiv(toUnixTimestamp64Milli(ts) - {firstMs:Int64}, {periodMs:Int64}) AS period";
  return defineQuery({
    name: "label_coverage",
    params: z.object({ ...spanParams, ...exclusionParams, firstMs: z.int(), periodMs: z.int() }),
    row: z.object({ period: count, predictions: count, excluded: count, labelled: count }),
    sql: `SELECT period, greatest(0, sum(sound)) AS predictions, greatest(0, sum(broken)) AS excluded,
        sum(known) AS labelled
      FROM (SELECT ${period}, toInt64(countIf(${NOT_EXCLUDED})) AS sound,
          toInt64(countIf(NOT (${NOT_EXCLUDED}))) AS broken, toInt64(0) AS known
        FROM predictions WHERE ${SPAN} AND error = '' GROUP BY period
        UNION ALL
        SELECT ${period}, -toInt64(countIf(${NOT_EXCLUDED})) AS sound,
          -toInt64(countIf(NOT (${NOT_EXCLUDED}))) AS broken, toInt64(0) AS known
        FROM outcomes FINAL WHERE ${SPAN} AND censored = 1 GROUP BY period
        UNION ALL
        SELECT ${period}, toInt64(0) AS sound, toInt64(0) AS broken, toInt64(count()) AS known
        FROM (SELECT ts FROM outcomes FINAL
          WHERE ${SPAN} AND ${KNOWN} AND ${targetKnown(columns)} AND ${NOT_EXCLUDED})
        GROUP BY period)
      GROUP BY period ORDER BY period`,
  });
}

/** Scores as they were served by one version with the truth, for \`stream\` as Native. */
export const recordedScores = defineQuery({
  name: "recorded_scores",
  params: z.object({
    ...spanParams,
    ...exclusionParams,
    version: z.string(),
    positive: z.string(),
  }),
  row: UNTYPED,
  sql: `SELECT score, toFloat64(CAST(actual_label, 'String') = {positive:String}) AS target FROM outcomes FINAL
    WHERE ${SPAN} AND ${KNOWN} AND version = {version:String} AND isFinite(score) AND actual_label != ''
      AND ${NOT_EXCLUDED}
    ORDER BY ts, id`,
});

/** Names of the features that a model sent lately. */
export const featureNames = defineQuery({
  name: "feature_names",
  params: z.object({ model: z.string(), fromMs: z.int(), toMs: z.int() }),
  row: z.object({ numeric: z.array(z.string()), categorical: z.array(z.string()) }),
  sql: `SELECT arraySort(groupUniqArrayArray(mapKeys(num))) AS numeric,
      arraySort(groupUniqArrayArray(mapKeys(cat))) AS categorical
    FROM (SELECT num, cat FROM predictions WHERE ${SPAN} LIMIT 10000)`,
});

/** Features of recent requests, as they came: what a server is asked again to prove its version. */
export const recentFeatures = defineQuery({
  name: "recent_features",
  params: z.object({ model: z.string(), fromMs: z.int(), toMs: z.int(), rowsMax: z.int() }),
  row: z.object({
    num: z.record(z.string(), z.union([z.number(), z.string()])),
    cat: z.record(z.string(), z.string()),
  }),
  sql: `SELECT num, cat FROM predictions
    WHERE ${SPAN} AND error = ''
    ORDER BY ts DESC, id LIMIT {rowsMax:UInt32}`,
});

const columnParams = { ...spanParams, ...exclusionParams, positive: z.string() };

/** @param ofOutcomes and ofPredictions say further which rows of each side are read */
function columnsSql(columns: RowColumns, ofOutcomes: string, ofPredictions: string): string {
  const features = featureColumns(columns, (_, i) => `c${i}`);
  const target =
    columns.target === "label"
      ? "toFloat64(CAST(o.actual_label, 'String') = {positive:String})"
      : "if({positive:String} = '', o.actual_value, o.actual_value)";
  return `SELECT toFloat64(toUnixTimestamp64Milli(o.at)) AS time_ms, ${target} AS target,
        ${columns.features.map((_, i) => `p.c${i} AS c${i}`).join(", ")}
      FROM (SELECT id, id_hash, ts AS at, actual_label, actual_value FROM outcomes FINAL
        WHERE ${SPAN} AND ${KNOWN} AND ${targetKnown(columns)} ${ofOutcomes}) AS o
      ANY INNER JOIN (SELECT id_hash, ${features.join(", ")} FROM predictions
        WHERE ${SPAN} AND ${NOT_EXCLUDED} ${ofPredictions}) AS p ON o.id_hash = p.id_hash
      ORDER BY o.at, o.id`;
}

const targetKnown = (columns: Pick<RowColumns, "target">): string =>
  columns.target === "label" ? "actual_label != ''" : "isFinite(actual_value)";

function featureColumns(
  columns: RowColumns,
  alias: (feature: RowColumns["features"][number], i: number) => string,
): readonly string[] {
  if (columns.features.length === 0 || columns.features.length > COLUMNS_MAX) {
    throw unfit(`there are ${columns.features.length} features, 1 to ${COLUMNS_MAX} are possible`);
  }
  return columns.features.map((feature, i) => {
    const key = quoteText(feature.name);
    const value =
      feature.kind === "numeric"
        ? `if(mapContains(num, ${key}), num[${key}], nan)`
        : `toLowCardinality(cat[${key}])`;
    return `${value} AS ${alias(feature, i)}`;
  });
}

/** Braces would read as a placeholder; nobody's features are called so. */
function checkName(name: string): string {
  if (/[{}]/.test(name)) throw unfit(`"${name}" has a brace in its name`);
  return name.replaceAll("\\", "\\\\");
}
const quoteName = (name: string): string => `\`${checkName(name).replaceAll("`", "\\`")}\``;
const quoteText = (text: string): string => `'${checkName(text).replaceAll("'", "\\'")}'`;

function unfit(why: string): DriftmendError {
  return new DriftmendError("dataset_columns_unfit", {
    retry: "never",
    message: `Cannot make columns of a data set from these features: ${why}`,
    next: 'Name the features to train on under "features" in the onboarding document.',
  });
}
