/** Quarantine as the store's queries take it: what is out, and the condition that leaves it out. */
import { z } from "zod";
import { timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

/** Parallel arrays, one entry per value: rows with this value of this tag in [from, to) are out; tag '' is all. */
export const exclusionParams = {
  outTag: z.array(z.string()),
  outValue: z.array(z.string()),
  outFromMs: z.array(z.int()),
  outToMs: z.array(z.int()),
};
export interface ExclusionParams {
  readonly outTag: string[];
  readonly outValue: string[];
  readonly outFromMs: number[];
  readonly outToMs: number[];
}

/** Condition of a WHERE over `predictions` (every tag is there). */
export const NOT_EXCLUDED = `NOT arrayExists(
    (t, w, a, b) -> (t = '' OR tags[t] = w) AND ts >= a AND ts < b,
    {outTag:Array(String)}, {outValue:Array(String)},
    {outFromMs:Array(DateTime64(3, 'UTC'))}, {outToMs:Array(DateTime64(3, 'UTC'))})`;

/** Entries that nobody released, oldest first. */
export const quarantineOfModel = defineQuery({
  name: "quarantine_of_model",
  params: z.object({ model: z.string() }),
  row: z.object({
    id: z.string(),
    tag: z.string(),
    values: z.array(z.string()),
    fromMs: timeMs,
    toMs: timeMs,
    reason: z.string(),
  }),
  sql: `SELECT id, tag, values, \`from\` AS fromMs, \`to\` AS toMs, reason
    FROM quarantine FINAL
    WHERE model = {model:String} AND released IS NULL
    ORDER BY \`from\`, id`,
});
