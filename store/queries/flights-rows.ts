/** The example's rows as they were stored, for its summary: every figure of it comes from these. */
import { z } from "zod";
import { defineQuery } from "../define-query.ts";

const span = { model: z.string(), fromMs: z.int(), toMs: z.int() };
const SPAN = `model = {model:String}
      AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}`;
const STREAMED = z.record(z.string(), z.unknown());

/** Predictions with the features that were sent, failed ones too; streamed as Native. */
export const flightsPredictions = defineQuery({
  name: "flights_predictions",
  params: z.object(span),
  row: STREAMED,
  sql: `SELECT id, num['hour'] AS hour, num['day_of_week'] AS day_of_week, num['distance'] AS distance,
      toString(cat['origin']) AS origin, toString(cat['destination']) AS destination,
      toString(tags['client.version']) AS client, score,
      toFloat64(CAST(error, 'String') != '') AS failed
    FROM predictions WHERE ${SPAN}`,
});

/** Labels that met a prediction; streamed as Native. */
export const flightsOutcomes = defineQuery({
  name: "flights_outcomes",
  params: z.object(span),
  row: STREAMED,
  sql: `SELECT id, toFloat64(CAST(actual_label, 'String') = '1') AS late,
      toFloat64(toUnixTimestamp64Milli(known)) AS known_ms
    FROM outcomes FINAL WHERE ${SPAN}`,
});
