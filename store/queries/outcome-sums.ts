/**
 * What performance is made of: sums over outcomes by day, version and segment, on the labels known at a
 * moment of model time. Quarantined spans are left out when they are named.
 */
import { z } from "zod";
import { count, float, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

const OutcomeSums = z.object({
  block: timeMs,
  version: z.string(),
  segment_tag: z.string(),
  segment_value: z.string(),
  n: count,
  log_loss: float,
  brier: float,
  score: float,
  positives: count,
  correct: count,
  auc: float,
});
/** Sums of one block of time; `version` empty: all versions together. `auc` is the block's own. */
export type OutcomeSums = z.infer<typeof OutcomeSums>;

const Params = z.object({
  model: z.string(),
  fromMs: z.int(),
  toMs: z.int(),
  /** Labels that became known later are not looked at. */
  knownMs: z.int(),
  positive: z.string(),
  threshold: z.number(),
  /** Parallel arrays: rows with this value of this tag in [from, to) are left out; tag '' means all. */
  outTag: z.array(z.string()),
  outValue: z.array(z.string()),
  outFromMs: z.array(z.int()),
  outToMs: z.array(z.int()),
});
export type OutcomeSumsParams = z.input<typeof Params>;

const PROBABILITY_MIN = "1e-15";

const blockQuery = (block: "hour" | "day" | "all") => {
  const blocks = {
    hour: "toDateTime64(toStartOfHour(ts), 3, 'UTC')",
    day: "toDateTime64(toStartOfDay(ts), 3, 'UTC')",
    all: "{fromMs:DateTime64(3, 'UTC')}",
  };
  const segments =
    block === "hour"
      ? "[('', '')]"
      : "arrayConcat([('', '')], arrayZip(mapKeys(tags), mapValues(tags)))";
  return defineQuery({
    name: `outcome_sums_${block}`,
    params: Params,
    row: OutcomeSums,
    sql: `SELECT block, shown.3 AS version, shown.1 AS segment_tag, shown.2 AS segment_value,
        count() AS n, sum(row_loss) AS log_loss, sum(pow(p - y, 2)) AS brier, sum(p) AS score,
        toInt64(sum(y)) AS positives, toInt64(sum((p >= {threshold:Float64}) = (y = 1))) AS correct,
        arrayROCAUC(groupArray(p), groupArray(y)) AS auc
      FROM (
        SELECT ${blocks[block]} AS block, o.version AS v, o.score AS p,
          toFloat64(o.actual_label = {positive:String}) AS y,
          -log(greatest(${PROBABILITY_MIN}, if(y = 1, p, 1 - p))) AS row_loss,
          ${segments} AS segments
        FROM outcomes AS o FINAL
        WHERE model = {model:String}
          AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}
          AND known <= {knownMs:DateTime64(3, 'UTC')}
          AND actual_label != '' AND isFinite(o.score)
          AND NOT arrayExists(
            (t, w, a, b) -> (t = '' OR tags[t] = w) AND ts >= a AND ts < b,
            {outTag:Array(String)}, {outValue:Array(String)},
            {outFromMs:Array(DateTime64(3, 'UTC'))}, {outToMs:Array(DateTime64(3, 'UTC'))}))
      ARRAY JOIN arrayFlatten(
        arrayMap(s -> [(s.1, s.2, ''), (s.1, s.2, toString(v))], segments)) AS shown
      GROUP BY block, shown
      ORDER BY block, version, segment_tag, segment_value
      SETTINGS max_threads = 1`,
  });
};

/** By hour, all rows only: blocks for the interval of a day. */
export const outcomeSumsByHour = blockQuery("hour");
/** By day. */
export const outcomeSumsByDay = blockQuery("day");
/** The whole span as one block, for what does not add up (AUC). */
export const outcomeSumsOfSpan = blockQuery("all");

/** Outcomes per day of prediction, replaced rows included: what tells that labels came late. */
export const outcomeCounts = defineQuery({
  name: "outcome_counts",
  params: z.object({ model: z.string(), fromMs: z.int(), toMs: z.int(), knownMs: z.int() }),
  row: z.object({ day: timeMs, n: count }),
  sql: `SELECT toDateTime64(toStartOfDay(ts), 3, 'UTC') AS day, count() AS n
    FROM outcomes
    WHERE model = {model:String}
      AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}
      AND known <= {knownMs:DateTime64(3, 'UTC')}
    GROUP BY day ORDER BY day`,
});
