/** Labels of a Parquet file that lies on the engine's machine: what `labels import` hands to the agent. */
import { z } from "zod";
import { defineQuery } from "../define-query.ts";

/** Every row with the file's own columns, to be streamed as JSONEachRow. */
export const labelsFile = defineQuery({
  name: "labels_file",
  params: z.object({ path: z.string() }),
  row: z.record(z.string(), z.unknown()),
  sql: `SELECT * FROM file({path:String}, Parquet)
    SETTINGS date_time_output_format = 'iso', output_format_json_quote_64bit_integers = 1`,
});
