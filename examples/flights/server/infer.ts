/**
 * V2 (Open Inference Protocol) requests and answers over REST, for one ONNX model whose inputs are
 * columns [N, 1]. Extra inputs that are not the model's: `prediction_id`, `event_time` (ms since 1970).
 */
import { Tensor } from "onnxruntime-node";
import type { InferenceSession } from "onnxruntime-node";
import { z } from "zod";
import { DriftmendError } from "../../../contract/driftmend-error.ts";

const V2Tensor = z.object({
  name: z.string(),
  shape: z.array(z.int().min(0)).min(1).max(2),
  datatype: z.enum(["BOOL", "INT32", "INT64", "FP32", "FP64", "BYTES"]),
  data: z.array(z.union([z.number(), z.string(), z.boolean()])),
});

export const InferRequest = z.object({
  id: z.string().min(1).max(256).optional(),
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  inputs: z.array(V2Tensor).min(1),
});
export type InferRequest = z.infer<typeof InferRequest>;

/** The columns of a request; every column has `rows` entries. */
export interface Columns {
  readonly rows: number;
  readonly byName: ReadonlyMap<string, readonly (number | string | boolean)[]>;
}

/** @throws {DriftmendError} request_invalid when the inputs do not have the same number of rows */
export function columnsOf(request: InferRequest): Columns {
  const rows = request.inputs[0]?.shape[0] ?? 0;
  const byName = new Map<string, readonly (number | string | boolean)[]>();
  for (const input of request.inputs) {
    if (input.data.length !== rows || input.shape[0] !== rows || (input.shape[1] ?? 1) !== 1) {
      throw invalid(
        `Cannot infer as every input must have ${rows} rows of one value: "${input.name}" has shape [${input.shape.join(", ")}] and ${input.data.length} values`,
      );
    }
    byName.set(input.name, input.data);
  }
  return { rows, byName };
}

/**
 * Runs the session on the columns; answers its first output, one score a row.
 * @throws {DriftmendError} request_invalid when an input of the model is missing
 */
export async function runSession(session: InferenceSession, columns: Columns) {
  const feeds: Record<string, Tensor> = {};
  for (const input of session.inputMetadata) {
    const data = columns.byName.get(input.name);
    if (data === undefined) {
      throw invalid(`Cannot infer as the model needs the input "${input.name}"`);
    }
    const shape = [columns.rows, 1];
    feeds[input.name] =
      input.isTensor && input.type === "string"
        ? new Tensor("string", data.map(String), shape)
        : new Tensor("float32", Float32Array.from(data, Number), shape);
  }
  const output = session.outputNames[0];
  if (output === undefined) throw invalid("Cannot infer as the model has no output");
  const scores = (await session.run(feeds, [output]))[output]?.data;
  if (!(scores instanceof Float32Array)) throw invalid("Cannot infer as scores are not FP32");
  return scores;
}

const invalid = (message: string): DriftmendError =>
  new DriftmendError("request_invalid", { retry: "never", message });
