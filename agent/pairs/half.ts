/** Half of an exchange: an inference request, or what came back, as one CloudEvent brought it. */
import { z } from "zod";

export const HalfFacts = z.strictObject({
  /** Same for both halves, and for nothing else. */
  key: z.string(),
  side: z.enum(["request", "response"]),
  model: z.string(),
  /** The event's id, which names the prediction where nothing else does. */
  id: z.string(),
  /** When it was requested or answered; milliseconds. */
  timeMs: z.number(),
  /** Wall time at which it came. */
  cameMs: z.number(),
  /** Of the request, where the logger passes them on; names in lower case. */
  headers: z.record(z.string(), z.string()),
  tags: z.record(z.string(), z.string()),
  /** Length of the JSON part before binary tensors, where it is said. */
  jsonBytes: z.int().nullable(),
});
export type HalfFacts = z.infer<typeof HalfFacts>;

export interface Half extends HalfFacts {
  readonly body: Buffer;
}
