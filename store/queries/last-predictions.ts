/** Predictions as people look at them: the newest of a model, and those behind an alert. */
import { z } from "zod";
import { count, float, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

const row = z.object({
  ts: timeMs,
  id: z.string(),
  version: z.string(),
  label: z.string(),
  score: z.number().nullable(),
  value: z.number().nullable(),
  latency: z.number().nullable(),
  error: z.string(),
  num: z.record(z.string(), float),
  cat: z.record(z.string(), z.string()),
  tags: z.record(z.string(), z.string()),
});
export type PredictionRow = z.output<typeof row>;

const COLUMNS = `ts, id, version, label, if(isNaN(score), NULL, score) AS score,
  if(isNaN(value), NULL, value) AS value, if(isNaN(latency), NULL, latency) AS latency, error, num, cat, tags`;

/** Newest first; `fromMs` is exclusive, so that a follower asks for what came after. */
export const lastPredictions = defineQuery({
  name: "last_predictions",
  params: z.object({ model: z.string(), fromMs: z.int(), rowsMax: z.int() }),
  row,
  sql: `SELECT ${COLUMNS} FROM predictions
    WHERE model = {model:String} AND ts > {fromMs:DateTime64(3, 'UTC')}
    ORDER BY ts DESC LIMIT {rowsMax:UInt32}`,
});

/** How many rows there are of (fromMs, toMs]. */
export const predictionsBetween = defineQuery({
  name: "predictions_between",
  params: z.object({ model: z.string(), fromMs: z.int(), toMs: z.int() }),
  row: z.object({ n: count }),
  sql: `SELECT count() AS n FROM predictions
    WHERE model = {model:String}
      AND ts > {fromMs:DateTime64(3, 'UTC')} AND ts <= {toMs:DateTime64(3, 'UTC')}`,
});

const behind = (name: string, order: "ASC" | "DESC") =>
  defineQuery({
    name,
    params: z.object({
      model: z.string(),
      fromMs: z.int(),
      toMs: z.int(),
      /** Of this segment; empty: all. */
      tag: z.string(),
      values: z.array(z.string()),
      /** Those that failed only. */
      failed: z.boolean(),
      /** Those that took longer only; 0: all. */
      seconds: z.number(),
      rowsMax: z.int(),
    }),
    row,
    sql: `SELECT ${COLUMNS} FROM predictions
    WHERE model = {model:String}
      AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}
      AND (NOT {failed:Bool} OR error != '')
      AND ({tag:String} = '' OR has({values:Array(String)}, tags[{tag:String}]))
      AND (NOT {failed:Bool} OR error != '')
      AND ({seconds:Float64} = 0 OR latency > {seconds:Float64})
    ORDER BY ts ${order} LIMIT {rowsMax:UInt32}`,
  });

/** Rows behind an alert: the first of its span, or the last before it began. */
export const predictionsBehind = behind("predictions_behind", "ASC");
export const predictionsBefore = behind("predictions_before", "DESC");
