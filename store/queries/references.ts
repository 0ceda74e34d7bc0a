/**
 * References: reading a training set once into grids and counts, or counting a span of the model's own
 * traffic. The cells are those of stats/grid.ts, bit for bit.
 */
import { z } from "zod";
import { count, float, json, timeMs } from "../column-schemas.ts";
import { type DefinedInsert, defineCommand, defineInsert, defineQuery } from "../define-query.ts";

const ReferenceOf = z.object({ model: z.string(), reference: z.string() });

/** What of a training file is read: columns by role. */
export interface TrainingColumns {
  readonly numeric: string[];
  readonly categorical: string[];
  readonly tags: string[];
}

const quoteName = (name: string): string =>
  `\`${name.replaceAll("\\", "\\\\").replaceAll("`", "\\`")}\``;
const quoteText = (text: string): string =>
  `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

/** A map of the columns that are not null. */
function mapOf(names: readonly string[], type: string, convert: (column: string) => string) {
  if (names.length === 0) return `CAST(map(), 'Map(String, ${type})')`;
  const keys = `[${names.map(quoteText).join(", ")}]`;
  const values = `[${names.map((name) => convert(quoteName(name))).join(", ")}]`;
  const present = `arrayFilter((k, v) -> isNotNull(v), ${keys}, ${values})`;
  return `mapFromArrays(${present}, arrayMap(v -> assumeNotNull(v), arrayFilter(v -> isNotNull(v), ${values})))`;
}

/**
 * The INSERT that takes a Parquet file's bytes; columns that the file has and nobody named are skipped.
 * The label is the column `label`, as text; the time is the column `time`.
 */
export function stageTrainingSet(
  columns: TrainingColumns,
): DefinedInsert<z.ZodObject<{ reference: z.ZodString }>> {
  const structure = [
    ...columns.numeric.map((name) => `${quoteName(name)} Nullable(Float64)`),
    ...[...columns.categorical, ...columns.tags].map(
      (name) => `${quoteName(name)} Nullable(String)`,
    ),
    "time Nullable(DateTime64(3, 'UTC'))",
    "label Nullable(String)",
  ].join(", ");
  const text = (column: string): string => column;
  return defineInsert({
    name: "stage_training_set",
    params: z.object({ reference: z.string() }),
    sql: `INSERT INTO reference_staging (reference, time, num, cat, tags, label)
      SELECT {reference:String}, time,
        ${mapOf(columns.numeric, "Float64", text)}, ${mapOf(columns.categorical, "String", text)},
        ${mapOf(columns.tags, "String", text)}, ifNull(label, '')
      FROM input(${quoteText(structure)})
      SETTINGS input_format_parquet_allow_missing_columns = 1, input_format_skip_unknown_fields = 1
      FORMAT Parquet`,
  });
}

export const clearStaging = defineCommand({
  name: "clear_reference_staging",
  params: z.object({ reference: z.string() }),
  sql: "ALTER TABLE reference_staging DROP PARTITION {reference:String}",
  repeatable: true,
});

export const stagedSummary = defineQuery({
  name: "staged_summary",
  params: z.object({ reference: z.string(), positive: z.string() }),
  row: z.object({ rows: count, labelled: count, positives: count, from: timeMs, to: timeMs }),
  sql: `SELECT count() AS rows, countIf(label != '') AS labelled,
      countIf(label != '' AND label = {positive:String}) AS positives,
      ifNull(min(time), toDateTime64(0, 3, 'UTC')) AS from,
      ifNull(max(time), toDateTime64(0, 3, 'UTC')) AS to
    FROM reference_staging WHERE reference = {reference:String}`,
});

const Quartiles = z.object({
  feature: z.string(),
  rows: count,
  quartiles: z.array(z.number()).length(3),
  deviation: float,
});
export type Quartiles = z.infer<typeof Quartiles>;

const quartilesOf = `SELECT f AS feature, count() AS rows,
      quantilesExactInclusive(0.25, 0.5, 0.75)(v) AS quartiles, stddevSamp(v) AS deviation`;

/** Type-7 quartiles of every numeric feature, finite values only. */
export const stagedQuartiles = defineQuery({
  name: "staged_quartiles",
  params: z.object({ reference: z.string() }),
  row: Quartiles,
  sql: `${quartilesOf}
    FROM (SELECT num FROM reference_staging WHERE reference = {reference:String})
    ARRAY JOIN mapKeys(num) AS f, mapValues(num) AS v
    WHERE isFinite(v) GROUP BY f ORDER BY f`,
});

/** The same from the first rows of the model's traffic. */
export const firstQuartiles = defineQuery({
  name: "first_quartiles",
  params: z.object({ model: z.string(), rows: z.int() }),
  row: Quartiles,
  sql: `${quartilesOf}
    FROM (SELECT num FROM predictions WHERE model = {model:String} ORDER BY ts, id LIMIT {rows:UInt32})
    ARRAY JOIN mapKeys(num) AS f, mapValues(num) AS v
    WHERE isFinite(v) GROUP BY f ORDER BY f`,
});

const Categories = z.object({ feature: z.string(), categories: z.array(z.string()) });

const categoriesOf = `SELECT feature, groupArray(category) AS categories FROM (
      SELECT f AS feature, v AS category, count() AS rows`;

/** Known categories, most frequent first. */
export const stagedCategories = defineQuery({
  name: "staged_categories",
  params: z.object({ reference: z.string(), max: z.int() }),
  row: Categories,
  sql: `${categoriesOf}
      FROM (SELECT cat FROM reference_staging WHERE reference = {reference:String})
      ARRAY JOIN mapKeys(cat) AS f, mapValues(cat) AS v
      GROUP BY f, v ORDER BY f, rows DESC, v LIMIT {max:UInt32} BY f)
    GROUP BY feature ORDER BY feature`,
});

export const firstCategories = defineQuery({
  name: "first_categories",
  params: z.object({ model: z.string(), rows: z.int(), max: z.int() }),
  row: Categories,
  sql: `${categoriesOf}
      FROM (SELECT cat FROM predictions WHERE model = {model:String} ORDER BY ts, id LIMIT {rows:UInt32})
      ARRAY JOIN mapKeys(cat) AS f, mapValues(cat) AS v
      GROUP BY f, v ORDER BY f, rows DESC, v LIMIT {max:UInt32} BY f)
    GROUP BY feature ORDER BY feature`,
});

/** Cells of value `v` of feature `f` under the grids that come as parallel arrays. */
const NUMERIC_CELL = `multiIf(
      isNaN(v), 32001, isInfinite(v), if(v > 0, 32002, 32003),
      w = 0, bitShiftRight(reinterpretAsInt32(toFloat32(v)), 19),
      (1 - 2 * ((v - c) * w < 0)) *
        bitShiftRight(reinterpretAsInt32(toFloat32(1 + abs((v - c) * w))) - 1065353216, 16))`;

/** Counts of a staged training set per feature, declared segment and cell, missing ones included. */
export const countStaged = defineCommand({
  name: "count_staged_reference",
  params: ReferenceOf.extend({
    grid: z.int(),
    numeric: z.array(z.string()),
    centers: z.array(z.number()),
    invScales: z.array(z.number()),
    categorical: z.array(z.string()),
    /** Feature and category of every known one, a NUL between. */
    known: z.array(z.string()),
  }),
  sql: `INSERT INTO reference_rollups
      (model, reference, feature, segment_tag, segment_value, grid, cell, category, n, s, q)
    SELECT {model:String}, {reference:String}, feature, segment.1, segment.2, {grid:UInt16},
      toInt16(cell), category, toInt64(count()), sumIf(v, isFinite(v)), sumIf(v * v, isFinite(v))
    FROM (
      SELECT f AS feature, segments, if(has(num, f), num[f], 0) AS v,
        {centers:Array(Float64)}[i] AS c, {invScales:Array(Float64)}[i] AS w,
        if(has(num, f), ${NUMERIC_CELL}, ${32004}) AS cell, '' AS category
      FROM (
        SELECT num, arrayConcat([('', '')], arrayZip(mapKeys(tags), mapValues(tags))) AS segments
        FROM reference_staging WHERE reference = {reference:String})
      ARRAY JOIN {numeric:Array(String)} AS f, arrayEnumerate({numeric:Array(String)}) AS i
      UNION ALL
      SELECT f AS feature, segments, 0 AS v, 0 AS c, 0 AS w, if(has(cat, f), 0, ${32004}) AS cell,
        multiIf(NOT has(cat, f), '', has({known:Array(String)}, concat(f, '\\0', cat[f])), cat[f],
          '~other/0') AS category
      FROM (
        SELECT cat, arrayConcat([('', '')], arrayZip(mapKeys(tags), mapValues(tags))) AS segments
        FROM reference_staging WHERE reference = {reference:String})
      ARRAY JOIN {categorical:Array(String)} AS f)
    ARRAY JOIN segments AS segment
    GROUP BY feature, segment, cell, category`,
  repeatable: true,
});

/** Counts of a staged reference per day, all rows: the blocks from which dependence is learnt. */
export const stagedCellsByDay = defineQuery({
  name: "staged_cells_by_day",
  params: z.object({
    reference: z.string(),
    numeric: z.array(z.string()),
    centers: z.array(z.number()),
    invScales: z.array(z.number()),
    categorical: z.array(z.string()),
  }),
  row: z.object({
    feature: z.string(),
    day: timeMs,
    cell: z.array(z.int()),
    category: z.array(z.string()),
    n: z.array(z.number()),
  }),
  sql: `SELECT feature, day, groupArray(cell) AS cell, groupArray(category) AS category,
      groupArray(rows) AS n
    FROM (
      SELECT feature, day, toInt16(cell) AS cell, category, count() AS rows FROM (
        SELECT f AS feature, day, num[f] AS v, {centers:Array(Float64)}[i] AS c,
          {invScales:Array(Float64)}[i] AS w,
          if(has(num, f), ${NUMERIC_CELL}, ${32004}) AS cell, '' AS category
        FROM (
          SELECT num, toStartOfDay(assumeNotNull(time)) AS day
          FROM reference_staging WHERE reference = {reference:String} AND isNotNull(time))
        ARRAY JOIN {numeric:Array(String)} AS f, arrayEnumerate({numeric:Array(String)}) AS i
        UNION ALL
        SELECT f AS feature, day, 0 AS v, 0 AS c, 0 AS w, if(has(cat, f), 0, ${32004}) AS cell,
          cat[f] AS category
        FROM (
          SELECT cat, toStartOfDay(assumeNotNull(time)) AS day
          FROM reference_staging WHERE reference = {reference:String} AND isNotNull(time))
        ARRAY JOIN {categorical:Array(String)} AS f)
      GROUP BY feature, day, cell, category ORDER BY feature, day, cell, category)
    GROUP BY feature, day ORDER BY feature, day`,
});

/** Counts a span of the model's own traffic as a reference. */
export const countSpan = defineCommand({
  name: "count_span_as_reference",
  params: ReferenceOf.extend({ fromMs: z.int(), toMs: z.int() }),
  sql: `INSERT INTO reference_rollups
      (model, reference, feature, segment_tag, segment_value, grid, cell, category, n, s, q)
    SELECT model, {reference:String}, feature, segment_tag, segment_value, grid, cell, category,
      sum(d.n) AS rows, sum(d.s), sum(d.q)
    FROM feature_days AS d
    WHERE model = {model:String} AND time >= {fromMs:DateTime64(3, 'UTC')}
      AND time < {toMs:DateTime64(3, 'UTC')} AND NOT startsWith(feature, '$')
    GROUP BY model, feature, segment_tag, segment_value, grid, cell, category HAVING rows > 0`,
  repeatable: true,
});

/** A reference's counts in the shape of `featureCells`. */
export const referenceCells = defineQuery({
  name: "reference_cells",
  params: ReferenceOf,
  row: z.object({
    feature: z.string(),
    segment_tag: z.string(),
    segment_value: z.string(),
    grid: count,
    cell: z.array(z.int()),
    category: z.array(z.string()),
    n: z.array(z.number()),
    s: z.array(z.number()),
    q: z.array(z.number()),
  }),
  sql: `SELECT feature, segment_tag, segment_value, grid, groupArray(cell) AS cell,
      groupArray(category) AS category, groupArray(n) AS n, groupArray(s) AS s, groupArray(q) AS q
    FROM (
      SELECT * FROM reference_rollups FINAL
      WHERE model = {model:String} AND reference = {reference:String}
      ORDER BY feature, segment_tag, segment_value, grid, cell, category)
    GROUP BY feature, segment_tag, segment_value, grid
    ORDER BY feature, segment_tag, segment_value, grid`,
});

/** References of a model, newest first. */
export const modelReferences = defineQuery({
  name: "model_references",
  params: z.object({ model: z.string() }),
  row: z.object({
    reference: z.string(),
    source: z.string(),
    rows: count,
    positives: count,
    labelled: count,
    created: timeMs,
    revision: count,
    detail: json,
  }),
  sql: `SELECT reference, source, rows, positives, labelled, created, revision, detail
    FROM model_references FINAL WHERE model = {model:String} ORDER BY revision DESC`,
});

/** The newest grid of every feature of a model. */
export const gridsOfModel = defineQuery({
  name: "grids_of_model",
  params: z.object({ model: z.string() }),
  row: z.object({
    feature: z.string(),
    grid: count,
    kind: z.enum(["numeric", "categorical"]),
    center: float,
    inv_scale: float,
    categories: z.array(z.string()),
  }),
  sql: `SELECT feature, grid, kind, center, inv_scale, categories
    FROM feature_grids FINAL WHERE model = {model:String}
    ORDER BY feature, grid DESC LIMIT 1 BY feature`,
});

/** Calibration table of a version: scores of labelled rows of its own training set. */
export const versionReference = defineQuery({
  name: "version_reference",
  params: z.object({ model: z.string(), version: z.string() }),
  row: z.object({ cell: z.int(), n: count, score_sum: float, positives: count }),
  sql: `SELECT cell, n, score_sum, positives FROM version_references FINAL
    WHERE model = {model:String} AND version = {version:String} ORDER BY cell`,
});
