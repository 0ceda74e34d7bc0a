/**
 * Labels out of rows of any source: a file's line, a row of Parquet or of a statement becomes one label of the
 * door `/v1/labels`. What is missing or malformed is said with its place. Pure.
 */
import { z } from "zod";
import { DriftmendError } from "./driftmend-error.ts";

const Text = z.union([z.string(), z.number(), z.boolean()]).transform(String);

/** A row of any source; `id` is another name of `prediction_id`. */
const LabelRow = z
  .looseObject({
    prediction_id: Text.optional(),
    id: Text.optional(),
    label: Text.optional(),
    value: z.union([z.number(), z.string().regex(/^-?[\d.]+(?:e[+-]?\d+)?$/i)]).optional(),
    time: Text.optional(),
    prediction_time: Text.optional(),
    revision: z.coerce.number().int().optional(),
    source: Text.optional(),
  })
  .refine((row) => filled(row.prediction_id ?? row.id), "prediction_id is missing")
  .refine((row) => filled(row.label) || filled(row.value), "label or value is missing");

const filled = (value: unknown): boolean => value !== null && value !== undefined && value !== "";

/** The label as the agent's door takes it. @throws {DriftmendError} labels_file_invalid */
export function labelOf(row: unknown, model: string, place: string): Record<string, unknown> {
  const cleaned =
    typeof row === "object" && row !== null
      ? Object.fromEntries(Object.entries(row).filter(([, value]) => filled(value)))
      : row;
  const parsed = LabelRow.safeParse(cleaned);
  if (!parsed.success) {
    throw new DriftmendError("labels_file_invalid", {
      retry: "never",
      message: `Cannot import ${place} as a label: ${parsed.error.issues.map((issue) => [...issue.path, issue.message].join(": ")).join("; ")}`,
      next: "Columns are prediction_id, label or value, and optionally time, prediction_time, revision, source; nothing after that line was sent.",
    });
  }
  const { prediction_id, id, label, value, time, prediction_time, revision, source } = parsed.data;
  return {
    model,
    id: prediction_id ?? id,
    ...(label === undefined ? {} : { label }),
    ...(value === undefined ? {} : { value: Number(value) }),
    ...(time === undefined ? {} : { time }),
    ...(prediction_time === undefined ? {} : { prediction_time }),
    ...(revision === undefined ? {} : { revision }),
    ...(source === undefined ? {} : { source }),
  };
}
