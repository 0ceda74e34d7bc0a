/** What is kept about a reference beside its counts: its columns, its span, how dependent its rows are. */
import { z } from "zod";
import type { DesignEffect } from "../../stats/index.ts";

/** Numbers as text, since JSON has no Infinity. */
const figure = z.string().transform(Number);

const StoredEffect = z.strictObject({
  designEffect: figure,
  cumulative: figure,
  correlation: figure,
  cumulativeCorrelation: figure,
  blockRows: figure,
  serialCorrelation: figure,
  rank: figure,
  degreesOfFreedom: figure,
  blocks: figure,
}) satisfies z.ZodType<DesignEffect>;

export const ReferenceDetail = z.object({
  /** Event times; equal when the reference has none. */
  fromMs: z.int(),
  toMs: z.int(),
  /** Days that it spans, at least 1. */
  blocks: z.int(),
  grid: z.int(),
  segments: z.array(z.string()),
  effects: z.record(z.string(), StoredEffect),
});
export type ReferenceDetail = z.infer<typeof ReferenceDetail>;

/** The JSON that `ReferenceDetail` parses. */
export function referenceDetailJson(detail: ReferenceDetail): string {
  const effects = Object.fromEntries(
    Object.entries(detail.effects).map(([feature, effect]) => [
      feature,
      Object.fromEntries(Object.entries(effect).map(([name, value]) => [name, String(value)])),
    ]),
  );
  return JSON.stringify({ ...detail, effects });
}
