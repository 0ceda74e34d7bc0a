/** What the retrainer reads of the analyzer's results. */
import { z } from "zod";
import { count, float, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

/** Windows of one length of a realised metric, all rows of all versions, oldest first. */
export const metricWindows = defineQuery({
  name: "metric_windows",
  params: z.object({
    model: z.string(),
    metric: z.string(),
    afterMs: z.int(),
    throughMs: z.int(),
  }),
  row: z.object({
    fromMs: timeMs,
    toMs: timeMs,
    value: float,
    n: count,
    labelled: count,
    censored: count,
  }),
  sql: `SELECT \`from\` AS fromMs, \`to\` AS toMs, value, n, labelled, censored
    FROM performance_results FINAL
    WHERE model = {model:String} AND metric = {metric:String} AND kind = 'realised'
      AND segment_tag = '' AND version = ''
      AND \`to\` > {afterMs:DateTime64(3, 'UTC')} AND \`to\` <= {throughMs:DateTime64(3, 'UTC')}
    ORDER BY \`to\`, \`from\``,
});
