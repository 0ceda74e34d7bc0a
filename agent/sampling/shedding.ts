/**
 * What an agent gives up while its spool fills, so that what is left lasts longer than half an outage: asked for by
 * DRIFTMEND_SHED, nothing without it (docs/back-pressure.md). A decision about one number.
 */
import { z } from "zod";
import { LIMITS } from "../../contract/limits.ts";

const KINDS = ["dead-letter-samples", "predictions"] as const;
export type Shed = (typeof KINDS)[number];

/** "dead-letter-samples,predictions": what is given up first stands first. */
export const ShedOrder = z
  .string()
  .transform((text) => text.split(",").map((word) => word.trim()))
  .pipe(
    z
      .array(z.enum(KINDS))
      .refine((order) => new Set(order).size === order.length, "expected each name once"),
  );

export interface SheddingPlan {
  readonly order: readonly Shed[];
  /** Share of the spool's bytes from which the first is given up. */
  readonly fromShare: number;
}

export interface Shedding {
  /** Dead letters come without the text of the record. */
  readonly withoutSamples: boolean;
  /** Of the predictions that a model's own sample keeps, one in 2^halvings is kept. */
  readonly halvings: number;
  /** Why, for a person; null where nothing is given up. */
  readonly reason: string | null;
}

export const NOTHING_SHED: Shedding = { withoutSamples: false, halvings: 0, reason: null };

/**
 * Each entry of the order begins when its equal part of what is left of the spool begins, and holds from there on. The
 * share of predictions is halved when its part begins and again at every further fifth of it: the fuller the spool, the
 * slower it fills.
 * @param filled bytes of the spool over what it may take; at 1 requests are refused
 */
export function sheddingAt(filled: number, { order, fromShare }: SheddingPlan): Shedding {
  if (order.length === 0 || filled < fromShare) return NOTHING_SHED;
  const part = (1 - fromShare) / order.length;
  const progress = (shed: Shed): number => {
    const place = order.indexOf(shed);
    if (place < 0) return -1;
    const beginsAt = fromShare + place * part;
    return (filled - beginsAt) / (1 - beginsAt);
  };
  const withoutSamples = progress("dead-letter-samples") >= 0;
  const halvings = halvingsAt(progress("predictions"));
  return { withoutSamples, halvings, reason: reasonOf(filled, withoutSamples, halvings) };
}

function halvingsAt(progress: number): number {
  if (progress < 0) return 0;
  return Math.min(LIMITS.shedHalvingsMax, 1 + Math.floor(progress * LIMITS.shedHalvingsMax));
}

function reasonOf(filled: number, withoutSamples: boolean, halvings: number): string | null {
  const given = [
    ...(withoutSamples ? ["dead letters come without a sample"] : []),
    ...(halvings > 0 ? [`one prediction in ${2 ** halvings} is kept`] : []),
  ];
  return `the spool is ${Math.floor(100 * Math.min(filled, 1))} % full: ${given.join(", ")}`;
}
