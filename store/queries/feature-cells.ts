/**
 * What windows of features are made of: cells of the rollups, summed over a span, one row per feature and
 * segment with its cells as parallel arrays. A tier is read whole days, hours or minutes at a time.
 */
import { z } from "zod";
import { count, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

export type RollupTier = "minutes" | "hours" | "days";

const Cells = {
  feature: z.string(),
  segment_tag: z.string(),
  segment_value: z.string(),
  grid: count,
  cell: z.array(z.int()),
  category: z.array(z.string()),
  n: z.array(z.number()),
};
const FeatureCells = z.object({
  ...Cells,
  /** Sums of the values. */
  s: z.array(z.number()),
  /** Sums of their squares: only references need them. */
  q: z.array(z.number()).optional(),
});
/** One feature in one segment (tag and value empty: all rows); the arrays are parallel. */
export type FeatureCells = z.infer<typeof FeatureCells>;

const FILTER = `model = {model:String}
        AND time >= {fromMs:DateTime64(3, 'UTC')} AND time < {toMs:DateTime64(3, 'UTC')}
        AND (empty({features:Array(String)}) OR has({features:Array(String)}, feature))
        AND (empty({tags:Array(String)}) OR has({tags:Array(String)}, segment_tag))
        AND ({version:String} = '' OR version = {version:String})`;

const FilterParams = {
  model: z.string(),
  fromMs: z.int(),
  toMs: z.int(),
  /** Empty: all. */
  features: z.array(z.string()),
  /** Empty: all; `['']`: all rows only. */
  tags: z.array(z.string()),
  /** Empty: all versions together. */
  version: z.string(),
};

const tierQuery = (tier: RollupTier) =>
  defineQuery({
    name: `feature_cells_${tier}`,
    params: z.object(FilterParams),
    row: FeatureCells,
    sql: `SELECT feature, segment_tag, segment_value, grid,
        groupArray(cell) AS cell, groupArray(category) AS category,
        groupArray(rows) AS n, groupArray(total) AS s
      FROM (
        SELECT feature, segment_tag, segment_value, grid, cell, category,
          sum(n) AS rows, sum(s) AS total
        FROM feature_${tier}
        WHERE ${FILTER}
        GROUP BY feature, segment_tag, segment_value, grid, cell, category
        HAVING rows > 0
        ORDER BY feature, segment_tag, segment_value, grid, cell, category)
      GROUP BY feature, segment_tag, segment_value, grid
      ORDER BY feature, segment_tag, segment_value, grid`,
  });

/** Cells of a span by tier; `fromMs` and `toMs` should be borders of that tier. */
export const featureCells = {
  minutes: tierQuery("minutes"),
  hours: tierQuery("hours"),
  days: tierQuery("days"),
} as const;

/** Cells of all rows, one row per feature and day: the blocks from which dependence is learnt. */
export const featureCellsByDay = defineQuery({
  name: "feature_cells_by_day",
  params: z.object(FilterParams),
  row: z.object({ ...Cells, day: timeMs }),
  sql: `SELECT feature, segment_tag, segment_value, grid, day,
      groupArray(cell) AS cell, groupArray(category) AS category, groupArray(rows) AS n
    FROM (
      SELECT feature, segment_tag, segment_value, grid, time AS day, cell, category, sum(n) AS rows
      FROM feature_days
      WHERE ${FILTER}
      GROUP BY feature, segment_tag, segment_value, grid, day, cell, category
      HAVING rows > 0
      ORDER BY feature, segment_tag, segment_value, grid, day, cell, category)
    GROUP BY feature, segment_tag, segment_value, grid, day
    ORDER BY feature, segment_tag, segment_value, grid, day`,
});
