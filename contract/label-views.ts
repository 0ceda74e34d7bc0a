/** How labels are doing, as `GET /api/v1/labels` says it. */
import { z } from "zod";

const rfc3339 = z.iso.datetime();

/** What a document says of its model's labels, and how far it was carried out; null: it does not say. */
export const LabelsOfModel = z.object({
  model: z.string(),
  pull: z
    .object({
      every: z.string(),
      /** Wall time of the last pull that succeeded. */
      pulled: rfc3339.nullable(),
      /** Labels that became known until then are handed in. */
      watermark: rfc3339.nullable(),
      /** Of the last pull, and since the source was named. */
      rows: z.int(),
      rowsTotal: z.int(),
      /** Rows of the last pull that are no labels. */
      refused: z.int(),
      failures: z.int(),
      error: z.string().nullable(),
    })
    .nullable(),
  absence: z
    .object({ after: z.string(), becomes: z.string(), through: rfc3339.nullable() })
    .nullable(),
  censored: z.string().nullable(),
});
export type LabelsOfModel = z.infer<typeof LabelsOfModel>;
/** `GET /api/v1/labels`: the models whose documents say anything of this. */
export const LabelsView = z.object({ models: z.array(LabelsOfModel) });
export type LabelsView = z.infer<typeof LabelsView>;
