/**
 * Cells of a span counted from raw rows under given grids: exact recomputation, and what is used where
 * rollups were counted on another grid. The answer has the shape of `featureCells`.
 */
import { z } from "zod";
import { count } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

export const rawCells = defineQuery({
  name: "raw_cells",
  params: z.object({
    model: z.string(),
    fromMs: z.int(),
    toMs: z.int(),
    version: z.string(),
    /** Declared segments; all rows are always there. */
    tags: z.array(z.string()),
    /** Parallel arrays over numeric features. */
    numeric: z.array(z.string()),
    grids: z.array(z.int()),
    centers: z.array(z.number()),
    invScales: z.array(z.number()),
    categorical: z.array(z.string()),
  }),
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
  sql: `WITH rows AS (
      SELECT num, cat, arrayConcat([('', '')], arrayMap(t -> (t, tags[t]),
        arrayFilter(t -> mapContains(tags, t), {tags:Array(String)}))) AS segments
      FROM predictions
      WHERE model = {model:String} AND error = ''
        AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}
        AND ({version:String} = '' OR version = {version:String}))
    SELECT feature, segment_tag, segment_value, grid, groupArray(cell) AS cell,
      groupArray(category) AS category, groupArray(rows) AS n, groupArray(total) AS s,
      groupArray(squares) AS q
    FROM (
      SELECT feature, segment.1 AS segment_tag, segment.2 AS segment_value, grid,
        toInt16(raw_cell) AS cell, category, count() AS rows,
        sumIf(v, isFinite(v)) AS total, sumIf(v * v, isFinite(v)) AS squares
      FROM (
        SELECT f AS feature, segments, {grids:Array(UInt16)}[i] AS grid,
          if(mapContains(num, f), num[f], 0) AS v, {centers:Array(Float64)}[i] AS c,
          {invScales:Array(Float64)}[i] AS w,
          multiIf(NOT mapContains(num, f), 32004, isNaN(v), 32001,
            isInfinite(v), if(v > 0, 32002, 32003),
            w = 0, bitShiftRight(reinterpretAsInt32(toFloat32(v)), 19),
            (1 - 2 * ((v - c) * w < 0)) *
              bitShiftRight(reinterpretAsInt32(toFloat32(1 + abs((v - c) * w))) - 1065353216, 16))
            AS raw_cell, '' AS category
        FROM rows
        ARRAY JOIN {numeric:Array(String)} AS f, arrayEnumerate({numeric:Array(String)}) AS i
        UNION ALL
        SELECT f AS feature, segments, 0 AS grid, 0 AS v, 0 AS c, 0 AS w,
          if(mapContains(cat, f), 0, 32004) AS raw_cell, cat[f] AS category
        FROM rows ARRAY JOIN {categorical:Array(String)} AS f)
      ARRAY JOIN segments AS segment
      GROUP BY feature, segment, grid, cell, category
      ORDER BY feature, segment_tag, segment_value, grid, cell, category)
    GROUP BY feature, segment_tag, segment_value, grid
    ORDER BY feature, segment_tag, segment_value, grid
    SETTINGS max_threads = 1`,
});
