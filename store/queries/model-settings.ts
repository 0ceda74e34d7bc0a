/** What rollups need to know of models: documents, grids, values of declared tags. */
import { z } from "zod";
import { count, json } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

export const modelDocuments = defineQuery({
  name: "documents of active models",
  params: z.object({}),
  row: z.object({ model: z.string(), document: json }),
  sql: "SELECT model, document FROM models FINAL WHERE status = 'active'",
});

/** Models of which there is something to read beside their document. */
export const modelsWithSettings = defineQuery({
  name: "models with grids or segment values",
  params: z.object({}),
  row: z.object({ model: z.string() }),
  sql: "SELECT DISTINCT model FROM feature_grids UNION DISTINCT SELECT DISTINCT model FROM segment_values",
});

/** All grids of one model, oldest first. */
export const gridsOfModel = defineQuery({
  name: "grids of a model",
  params: z.object({ model: z.string() }),
  row: z.object({
    feature: z.string(),
    grid: count,
    kind: z.enum(["numeric", "categorical"]),
    center: z.number(),
    inv_scale: z.number(),
    categories: z.array(z.string()),
  }),
  sql: `SELECT feature, grid, kind, center, inv_scale, categories FROM feature_grids FINAL
WHERE model = {model:String} ORDER BY grid, feature`,
});

/** The agreed values of a model's declared tags; of two rows for one number the smaller value holds. */
export const segmentValuesOfModel = defineQuery({
  name: "segment values of a model",
  params: z.object({ model: z.string() }),
  row: z.object({ tag: z.string(), n: count, value: z.string() }),
  sql: `SELECT tag, n, min(value) AS value FROM segment_values
WHERE model = {model:String} GROUP BY tag, n ORDER BY tag, n`,
});
