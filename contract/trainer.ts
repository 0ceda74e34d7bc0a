/**
 * The trainer's contract as files (INTERFACES §5): what it finds in `dataset.json` and what it leaves in
 * `manifest.json`, `metrics.json` and `progress.jsonl`. Trainers are other people's programs: what they
 * write is parsed, and more than we ask for is allowed.
 */
import { z } from "zod";

/** Columns that are neither features nor tags. */
export const RESERVED_COLUMNS = ["prediction_id", "time", "label", "value", "weight"] as const;

const DatasetFile = z.object({
  /** Relative to the folder of dataset.json. */
  path: z.string(),
  sha256: z.string(),
  bytes: z.int(),
  /** Null for a file that was not written by the retrainer. */
  rows: z.int().nullable(),
  /** "reference": the training set named at onboarding; "recorded": served and labelled rows. */
  source: z.enum(["reference", "recorded"]),
  fromMs: z.int().nullable(),
  toMs: z.int().nullable(),
});
export type DatasetFile = z.infer<typeof DatasetFile>;

export const DatasetDescription = z.object({
  format: z.literal(1),
  model: z.string(),
  task: z.object({ type: z.string(), positive: z.string().optional() }),
  /** Column → kind; the label's column is "label" or "value". */
  schema: z.object({
    features: z.record(z.string(), z.enum(["numeric", "categorical"])),
    tags: z.array(z.string()),
    target: z.enum(["label", "value"]),
  }),
  window: z.object({ choice: z.string(), fromMs: z.int().nullable(), toMs: z.int() }),
  /** Labels known later than this are not in the files. */
  labelWatermarkMs: z.int(),
  /** Quarantined rows that were left out. */
  exclusions: z.array(
    z.object({
      id: z.string(),
      tag: z.string(),
      values: z.array(z.string()),
      fromMs: z.int(),
      toMs: z.int(),
    }),
  ),
  rows: z.int(),
  train: z.array(DatasetFile),
  /** Always empty: the judge's block is kept from trainers. */
  valid: z.array(DatasetFile),
});
export type DatasetDescription = z.infer<typeof DatasetDescription>;

const SignatureTensor = z.looseObject({ name: z.string(), datatype: z.string().optional() });

export const TrainerManifest = z.looseObject({
  kind: z.string(),
  /** The model's file, relative to the manifest. */
  entry: z.string().regex(/^[^/\\]+$/, "expected a file name"),
  signature: z
    .looseObject({ inputs: z.array(SignatureTensor), outputs: z.array(SignatureTensor) })
    .optional(),
  /** File → sha256. */
  files: z.record(z.string(), z.string()).optional(),
});
export type TrainerManifest = z.infer<typeof TrainerManifest>;

/** Anything; `device`, `seconds` and `memoryBytesMax` are shown where they are given. */
export const TrainerMetrics = z.looseObject({ device: z.string().optional() });
export type TrainerMetrics = z.infer<typeof TrainerMetrics>;

/** Exit codes after which the same input would fail again. */
export const EXIT_CODES_FINAL: ReadonlySet<number> = new Set([64, 65, 66]);
