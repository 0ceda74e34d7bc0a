/** The clocks of models that are or were in replay. */
import { z } from "zod";
import { count, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

export const allModelClocks = defineQuery({
  name: "clocks of models",
  params: z.object({}),
  row: z.object({
    model: z.string(),
    clock: z.enum(["wall", "replay"]),
    time: timeMs,
    revision: count,
  }),
  sql: "SELECT model, clock, time, revision FROM model_clocks FINAL",
});

/** Models of which anything was stored. */
export const seenModels = defineQuery({
  name: "seen models",
  params: z.object({}),
  row: z.object({ model: z.string() }),
  sql: "SELECT DISTINCT model FROM model_days",
});
