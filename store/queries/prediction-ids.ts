/** Ids of the predictions of a model within an interval: what a resumed replay need not send again. */
import { z } from "zod";
import { defineQuery } from "../define-query.ts";

export const predictionIds = defineQuery({
  name: "prediction_ids",
  params: z.object({ model: z.string(), fromMs: z.int(), toMs: z.int() }),
  row: z.object({ id: z.string() }),
  sql: `SELECT id FROM predictions
    WHERE model = {model:String}
      AND ts >= {fromMs:DateTime64(3, 'UTC')} AND ts < {toMs:DateTime64(3, 'UTC')}`,
});
