/** What two versions did side by side, by hour: the arms of a canary. */
import { z } from "zod";
import { count, float, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";
import { NOT_EXCLUDED, exclusionParams } from "./quarantined-rows.ts";

const params = {
  model: z.string(),
  fromMs: z.int(),
  toMs: z.int(),
  versions: z.array(z.string()),
};
const SPAN = `model = {model:String} AND version IN {versions:Array(String)}
      AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}`;

export const canaryTraffic = defineQuery({
  name: "canary_traffic",
  params: z.object(params),
  row: z.object({
    hourMs: timeMs,
    version: z.string(),
    n: count,
    errors: count,
    missing: count,
    latencyN: count,
    latencySum: float,
  }),
  sql: `SELECT toDateTime64(toStartOfHour(ts), 3, 'UTC') AS hourMs, version, count() AS n,
      countIf(error != '') AS errors,
      countIf(error = '' AND isNaN(score) AND isNaN(value) AND label = '') AS missing,
      countIf(isFinite(latency)) AS latencyN, sumIf(toFloat64(latency), isFinite(latency)) AS latencySum
    FROM predictions
    WHERE ${SPAN}
    GROUP BY hourMs, version ORDER BY hourMs, version`,
});

/** Log-loss of scores, or the absolute error of values where there are no labels. */
export const canaryLosses = defineQuery({
  name: "canary_losses",
  params: z.object({
    ...params,
    ...exclusionParams,
    knownMs: z.int(),
    positive: z.string(),
  }),
  row: z.object({ hourMs: timeMs, version: z.string(), n: count, loss: float }),
  sql: `SELECT toDateTime64(toStartOfHour(ts), 3, 'UTC') AS hourMs, version, count() AS n,
      sum(if(actual_label = '', abs(value - actual_value),
        -log(greatest(1e-15, if(actual_label = {positive:String}, score, 1 - score))))) AS loss
    FROM outcomes FINAL
    WHERE ${SPAN} AND known <= {knownMs:DateTime64(3, 'UTC')}
      AND if(actual_label = '', isFinite(value) AND isFinite(actual_value), isFinite(score))
      AND ${NOT_EXCLUDED}
    GROUP BY hourMs, version ORDER BY hourMs, version`,
});
