/**
 * Distributions from rollup cells, the reference's behind the current one. Values go into forty bins of equal
 * width between the reference's quantiles 0.5 % and 99.5 %, and what lies outside into the outermost bins, so
 * that a feature in another unit piles up at an edge and is seen.
 */
import { GRID_CELL_MIDDLE, HAS_VALUE, NEW_CATEGORY, quantilesOf } from "./cell-value.ts";
import {
  BUCKET,
  FILLED,
  IN_RANGE,
  THESE_VERSIONS,
  THIS_MODEL,
  THIS_SEGMENT,
} from "./conditions.ts";
import { BEHIND_LOOK, REFERENCE_LOOK, bars, colored, curves, curvesOver } from "./panels.ts";

const BINS = 40;
const THIS_FEATURE = "feature = ${feature:sqlstring}";
const CURRENT_ROWS = `${THIS_MODEL} AND ${THESE_VERSIONS} AND ${THIS_SEGMENT}`;
/** The reference in force is the newest; its name stays the same when its training set is read again. */
const THIS_REFERENCE = `reference = (
          SELECT argMax(reference, revision) FROM model_references FINAL WHERE ${THIS_MODEL})`;
const GRIDS = `SELECT feature, grid, center, inv_scale FROM feature_grids FINAL
        WHERE ${THIS_MODEL} AND kind = 'numeric'`;

/** Middles of the cells of the chosen numeric feature with their rows, of the time range or the reference. */
const currentCells = `
        SELECT r.grid AS grid, r.cell AS cell, sum(r.n) AS n FROM feature_rollups AS r
        WHERE ${CURRENT_ROWS} AND ${THIS_FEATURE} AND ${HAS_VALUE} AND ${IN_RANGE} GROUP BY grid, cell`;
const referenceCells = `
        SELECT f.grid AS grid, f.cell AS cell, sum(f.n) AS n FROM reference_rollups AS f FINAL
        WHERE ${THIS_MODEL} AND ${THIS_SEGMENT} AND ${THIS_FEATURE} AND ${HAS_VALUE} AND ${THIS_REFERENCE}
        GROUP BY grid, cell`;
const withValues = (cells: string): string => `
      SELECT ${GRID_CELL_MIDDLE} AS v, c.n AS n
      FROM (${cells}
      ) AS c INNER JOIN (${GRIDS} AND ${THIS_FEATURE}) AS g ON g.grid = c.grid`;

const numericBins = `
    WITH (
      SELECT ${quantilesOf("0.005, 0.995", "v")} FROM (${withValues(referenceCells)})
    ) AS ends, greatest(ends[2] - ends[1], 1e-9) / ${BINS} AS width,
    bins AS (
      SELECT toInt32(least(greatest(floor((v - ends[1]) / width), 0), ${BINS - 1})) AS bin,
        sumIf(n, now = 0) AS was, sumIf(n, now = 1) AS is
      FROM (
        SELECT v, n, 0 AS now FROM (${withValues(referenceCells)})
        UNION ALL
        SELECT v, n, 1 AS now FROM (${withValues(currentCells)})
      ) GROUP BY bin
    )
    SELECT ends[1] + bin * width AS value,
      was / greatest(sum(was) OVER (), 1) AS reference, is / greatest(sum(is) OVER (), 1) AS current
    FROM bins ORDER BY value`;

const categories = `
    WITH current AS (
      SELECT if(${NEW_CATEGORY}, 'new', toString(category)) AS name, sum(r.n) AS n FROM feature_rollups AS r
      WHERE ${CURRENT_ROWS} AND ${THIS_FEATURE} AND r.category != '' AND ${IN_RANGE} GROUP BY name
    ), before AS (
      SELECT if(${NEW_CATEGORY}, 'new', toString(category)) AS name, sum(f.n) AS n FROM reference_rollups AS f FINAL
      WHERE ${THIS_MODEL} AND ${THIS_SEGMENT} AND ${THIS_FEATURE} AND f.category != '' AND ${THIS_REFERENCE} GROUP BY name
    )
    SELECT if(name = '', 'no name', name) AS category, reference, current FROM (
      SELECT name, sum(was) / greatest((SELECT sum(n) FROM before), 1) AS reference,
        sum(is) / greatest((SELECT sum(n) FROM current), 1) AS current
      FROM (
        SELECT name, n AS was, 0 AS is FROM before UNION ALL SELECT name, 0 AS was, n AS is FROM current
      ) GROUP BY name
    ) ORDER BY greatest(reference, current) DESC, category LIMIT 25`;

const SCORE_BIN = `least(greatest(toInt32(floor((0.5 + sign(cell) * if(cell = 0, 0, (abs(toInt32(cell)) + 0.5) / 128)) * ${BINS})), 0), ${BINS - 1})`;

const scores = `
    WITH current AS (
      SELECT toString(r.version) AS version, ${SCORE_BIN} AS bin, sum(r.n) AS n FROM feature_rollups AS r
      WHERE ${CURRENT_ROWS} AND feature = '$score' AND ${HAS_VALUE} AND ${IN_RANGE} GROUP BY version, bin
    ), before AS (
      SELECT b.version AS version, b.bin AS bin, b.n / sum(b.n) OVER (PARTITION BY b.version) * c.n AS n
      FROM (
        SELECT toString(version) AS version, ${SCORE_BIN} AS bin, sum(n) AS n
        FROM version_references FINAL WHERE ${THIS_MODEL} AND ${THESE_VERSIONS} GROUP BY version, bin
      ) AS b INNER JOIN (SELECT version, sum(n) AS n FROM current GROUP BY version) AS c ON c.version = b.version
    )
    SELECT bin / ${BINS} AS score, sum(was) / greatest(sum(sum(was)) OVER (), 1) AS reference,
      sum(is) / greatest(sum(sum(is)) OVER (), 1) AS current
    FROM (
      SELECT bin, n AS was, 0. AS is FROM before UNION ALL SELECT bin, 0. AS was, toFloat64(n) AS is FROM current
    ) GROUP BY bin ORDER BY score`;

const overrides = { reference: BEHIND_LOOK, current: colored("blue") };

export const distributions = [
  curvesOver("value", {
    title: "$feature: distribution",
    description: `Share of the rows by value, in ${BINS} bins of equal width; grey: the reference that windows are compared with. What lies outside the reference's quantiles 0.5 % and 99.5 % is counted in the outermost bins. For numeric features.`,
    unit: "percentunit",
    size: [8, 9],
    min: 0,
    overrides: { ...overrides, value: [{ id: "unit", value: "short" }] },
    nothing: "no rows of this feature, or it is categorical: see the panel beside",
    sql: numericBins,
  }),
  bars("category", {
    title: "$feature: categories",
    description:
      "Share of the rows by category, the 25 largest of either; grey: the reference. 'new' are all categories that the model's grid did not know. For categorical features.",
    unit: "percentunit",
    size: [8, 9],
    min: 0,
    overrides,
    nothing: "no rows of this feature, or it is numeric: see the panel beside",
    sql: categories,
  }),
  curvesOver("score", {
    title: "Scores",
    description:
      "Share of the predictions by score; grey: scores of the same versions on their own training sets, weighted by how often each version answered in the time range.",
    unit: "percentunit",
    size: [8, 9],
    min: 0,
    overrides: { ...overrides, score: [{ id: "unit", value: "short" }] },
    nothing: "no scores in this time range",
    sql: scores,
  }),
  curves({
    title: "$feature: mean",
    description:
      "Mean of the chosen numeric feature over time; dashed: its mean on the reference. A mean that jumps at an hour is a deployment or a unit; one that creeps is the world.",
    unit: "short",
    size: [24, 8],
    interval: "$grain",
    overrides: { reference: REFERENCE_LOOK, mean: colored("blue") },
    nothing: "no rows of this feature, or it is categorical",
    sql: [
      `
      SELECT ${BUCKET} AS t, toNullable(sum(r.s) / sum(r.n)) AS mean
      FROM feature_rollups AS r
      WHERE ${CURRENT_ROWS} AND ${THIS_FEATURE} AND ${HAS_VALUE} AND r.category = '' AND ${IN_RANGE}
      GROUP BY t ORDER BY t ${FILLED}`,
      `
      SELECT arrayJoin([$__fromTime, $__toTime]) AS t, was AS reference FROM (
        SELECT sum(f.s) / sum(f.n) AS was FROM reference_rollups AS f FINAL
        WHERE ${THIS_MODEL} AND ${THIS_SEGMENT} AND ${THIS_FEATURE} AND ${HAS_VALUE} AND f.category = ''
          AND ${THIS_REFERENCE}
      ) WHERE isFinite(was) ORDER BY t`,
    ],
  }),
];
