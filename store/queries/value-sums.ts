/**
 * What the performance of a regression is made of: sums over outcomes of values by block of time, and within
 * it by version and by value of each declared segment, on the labels known at a moment of model time.
 */
import { z } from "zod";
import { count, float, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

/** Sums of floats come in any order of rows; twelve digits are the same in all of them. */
const stable = float.transform((value) => Number(value.toPrecision(12)));

const ValueSums = z.object({
  block: timeMs,
  version: z.string(),
  segment_tag: z.string(),
  segment_value: z.string(),
  n: count,
  /** Of predicted less actual: the sum, of its size, of its square. */
  error: stable,
  absolute: stable,
  squared: stable,
  /** Of the actual value less `center`, and of its square: what the window varies by itself. */
  actual: stable,
  actual_squared: stable,
});
/** Sums of one block: all rows (version and segment empty), one version, or one segment of all versions. */
export type ValueSums = z.infer<typeof ValueSums>;

const BLOCKS = {
  hour: "toDateTime64(toStartOfHour(ts), 3, 'UTC')",
  day: "toDateTime64(toStartOfDay(ts), 3, 'UTC')",
  span: "{fromMs:DateTime64(3, 'UTC')}",
} as const;

const LABELLED = `model = {model:String}
            AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}
            AND known <= {knownMs:DateTime64(3, 'UTC')}
            AND isFinite(actual_value) AND isFinite(value)`;

/** Squares are taken around the span's own first value: those of large numbers would drown in each other. */
const sumsQuery = (block: keyof typeof BLOCKS) =>
  defineQuery({
    name: `value_sums_by_${block}`,
    params: z.object({
      model: z.string(),
      fromMs: z.int(),
      toMs: z.int(),
      /** Labels that became known later are not looked at. */
      knownMs: z.int(),
      tag1: z.string(),
      tag2: z.string(),
    }),
    row: ValueSums,
    sql: `WITH (SELECT ifNull(argMin(actual_value, (ts, id_hash)), 0) FROM outcomes FINAL WHERE ${LABELLED}) AS center
      SELECT block, if(grouping(v) = 0, toString(v), '') AS version,
        multiIf(grouping(t1) = 0, {tag1:String}, grouping(t2) = 0, {tag2:String}, '') AS segment_tag,
        multiIf(grouping(t1) = 0, t1, grouping(t2) = 0, t2, '') AS segment_value,
        count() AS n, sum(e) AS error, sum(abs(e)) AS absolute, sum(e * e) AS squared,
        sum(a) AS actual, sum(a * a) AS actual_squared
      FROM (
        SELECT ${BLOCKS[block]} AS block, o.version AS v, o.value - o.actual_value AS e,
          o.actual_value - center AS a,
          toString(tags[{tag1:String}]) AS t1, toString(tags[{tag2:String}]) AS t2
        FROM outcomes AS o FINAL
        WHERE ${LABELLED})
      GROUP BY GROUPING SETS ((block), (block, v), (block, t1), (block, t2))
      HAVING (grouping(t1) = 1 OR ({tag1:String} != '' AND t1 != ''))
        AND (grouping(t2) = 1 OR ({tag2:String} != '' AND t2 != ''))
      ORDER BY block, version, segment_tag, segment_value`,
  });

export const valueSumsByHour = sumsQuery("hour");
export const valueSumsByDay = sumsQuery("day");
/** The whole span as one block. */
export const valueSumsOfSpan = sumsQuery("span");
