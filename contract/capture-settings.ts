/**
 * What of a model's predictions an agent keeps, and how many and how large ones it takes in (docs/sampling.md):
 * `capture` of an onboarding document. What is left out holds as the agent's own settings say.
 */
import { z } from "zod";
import { Fraction } from "./fraction.ts";
import { LIMITS } from "./limits.ts";

const PERIOD_MS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;
const UNIT_BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2 } as const;

/** Share of the predictions that is kept, more than none; no smaller than the largest weight can tell. */
export const SampleShare = Fraction.refine(
  (share) => share >= 1 / LIMITS.recordWeightMax && share <= 1,
  "expected a share of the predictions, e.g. 10% or 0.1; at most 100 %, at least one in a million",
);

/** So many records in a span of time. */
export interface RecordRate {
  readonly records: number;
  readonly perMs: number;
}

export const RecordRateText = z
  .string()
  .regex(/^[1-9]\d{0,8}\/[smh]$/, "expected e.g. 500/s, 6000/m or 1000/h");

/** "500/s" → 500 records in 1000 ms; only what `RecordRateText` lets pass. */
export function recordRate(text: string): RecordRate {
  const [records = "", unit = ""] = text.split("/");
  return { records: Number(records), perMs: PERIOD_MS[unit as keyof typeof PERIOD_MS] };
}

/** "64KiB", "1MiB", "2000B" or 2000 → bytes. */
export const RecordBytes = z
  .union([
    z.int().min(1),
    z.string().regex(/^[1-9]\d{0,8}(B|KiB|MiB)$/, "expected e.g. 64KiB, 1MiB or 2000B"),
  ])
  .transform((given) => {
    if (typeof given === "number") return given;
    const unit = /[A-Za-z]+$/.exec(given)?.[0] as keyof typeof UNIT_BYTES;
    return Number.parseInt(given, 10) * UNIT_BYTES[unit];
  });

/** What it gives it reads again: agents keep it beside their spool. */
export const CaptureSettings = z.strictObject({
  /** Share of the predictions that is kept, by a hash of their id. */
  sample: SampleShare.optional(),
  /** `errors`: predictions that failed are kept whatever their hash says. */
  keep: z.enum(["errors", "nothing"]).optional(),
  /** Predictions that one agent takes in; what is over is not kept, counted, and told to the sender. */
  rate: RecordRateText.optional(),
  /** The largest prediction; larger ones are set aside as dead letters. */
  record: RecordBytes.optional(),
});
export type CaptureSettings = z.output<typeof CaptureSettings>;
