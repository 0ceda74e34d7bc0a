/** Raw values of a span by whether they are supposed to be broken: what a data break is named from. */
import { z } from "zod";
import { defineQuery } from "../define-query.ts";

const Params = z.object({
  model: z.string(),
  fromMs: z.int(),
  toMs: z.int(),
  /** Empty: the span before `splitMs` is clean and the rest is broken. */
  tag: z.string(),
  brokenValues: z.array(z.string()),
  cleanValues: z.array(z.string()),
  splitMs: z.int(),
  column: z.string(),
  /** Categorical feature whose values are told apart; empty: none. */
  by: z.string(),
  rows: z.int(),
});

const side = `if({tag:String} = '', ts >= {splitMs:DateTime64(3, 'UTC')},
        has({brokenValues:Array(String)}, tags[{tag:String}]))`;
const where = `model = {model:String} AND error = ''
        AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}
        AND ({tag:String} = '' OR has({brokenValues:Array(String)}, tags[{tag:String}])
          OR has({cleanValues:Array(String)}, tags[{tag:String}]))`;

/** Counts per distinct value of a numeric feature, one row per side and group. */
export const brokenNumbers = defineQuery({
  name: "broken_numbers",
  params: Params,
  row: z.object({
    broken: z.int(),
    group: z.string(),
    values: z.array(z.number()),
    counts: z.array(z.number()),
    missing: z.int(),
  }),
  sql: `SELECT broken, \`group\`, groupArrayIf(v, present) AS values, groupArrayIf(rows, present) AS counts,
      sumIf(rows, NOT present) AS missing
    FROM (
      SELECT broken, \`group\`, v, present, count() AS rows FROM (
        SELECT toUInt8(${side}) AS broken, if({by:String} = '', '', cat[{by:String}]) AS \`group\`,
          has(num, {column:String}) AND isFinite(num[{column:String}]) AS present,
          if(present, num[{column:String}], 0) AS v
        FROM predictions
        WHERE ${where} LIMIT {rows:UInt32})
      GROUP BY broken, \`group\`, v, present ORDER BY broken, \`group\`, v)
    GROUP BY broken, \`group\` ORDER BY broken, \`group\`
    SETTINGS max_threads = 1`,
});

/** Counts per category of a categorical feature, one row per side. */
export const brokenCategories = defineQuery({
  name: "broken_categories",
  params: Params,
  row: z.object({
    broken: z.int(),
    values: z.array(z.string()),
    counts: z.array(z.number()),
    missing: z.int(),
  }),
  sql: `SELECT broken, groupArrayIf(v, present) AS values, groupArrayIf(rows, present) AS counts,
      sumIf(rows, NOT present) AS missing
    FROM (
      SELECT broken, v, present, count() AS rows FROM (
        SELECT toUInt8(${side}) AS broken, {by:String} AS unused,
          has(cat, {column:String}) AS present, cat[{column:String}] AS v
        FROM predictions
        WHERE ${where} LIMIT {rows:UInt32})
      GROUP BY broken, v, present ORDER BY broken, rows DESC, v)
    GROUP BY broken ORDER BY broken
    SETTINGS max_threads = 1`,
});
