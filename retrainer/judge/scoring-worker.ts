/**
 * Runs ONNX models beside the event loop: onnxruntime-node blocks the thread that calls it. One request at
 * a time; a model is loaded and released with its request, so that nothing of one version stays for the next.
 */
import { type MessagePort, parentPort } from "node:worker_threads";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { systemClock } from "../../runtime/clock.ts";
import type { FeatureColumn } from "./feature-columns.ts";
import type { ModelInput, ScoringAnswer, ScoringRequest } from "./scoring-messages.ts";

const BATCH_ROWS = 32_768;
const OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ["cpu"],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 4,
};

if (parentPort !== null) serve(parentPort);

function serve(port: MessagePort): void {
  port.on("message", (request: ScoringRequest) => {
    answer(request).then(
      (value) => port.postMessage(value, value.kind === "scores" ? [value.scores.buffer] : []),
      (error: unknown) => {
        const text = error instanceof Error ? error.message : String(error);
        port.postMessage({ kind: "failed", message: text.slice(0, 2_000) } satisfies ScoringAnswer);
      },
    );
  });
}

async function answer(request: ScoringRequest): Promise<ScoringAnswer> {
  const session = await InferenceSession.create(request.path, OPTIONS);
  try {
    if (request.kind === "inspect") return inspect(session);
    return await score(session, request);
  } finally {
    await session.release();
  }
}

function inspect(session: InferenceSession): ScoringAnswer {
  const inputs = session.inputMetadata.map(
    (input): ModelInput => ({
      name: input.name,
      type: input.isTensor ? input.type : "sequence",
      rank: input.isTensor ? input.shape.length : 0,
    }),
  );
  const outputs = session.outputMetadata.map(
    (output): ModelInput => ({
      name: output.name,
      type: output.isTensor ? output.type : "sequence",
      rank: output.isTensor ? output.shape.length : 0,
    }),
  );
  return { kind: "signature", inputs, outputs };
}

async function score(
  session: InferenceSession,
  request: Extract<ScoringRequest, { kind: "score" }>,
): Promise<ScoringAnswer> {
  const scores = new Float64Array(request.rows);
  const startedMs = systemClock.monotonicMs();
  for (let from = 0; from < request.rows; from += BATCH_ROWS) {
    const to = Math.min(from + BATCH_ROWS, request.rows);
    const feeds: Record<string, Tensor> = {};
    for (const { input, column } of request.inputs) {
      feeds[input.name] = tensorOf(input, column, from, to);
    }
    const result = (await session.run(feeds, [request.output]))[request.output];
    if (result === undefined) throw new Error(`The output "${request.output}" is missing`);
    copyScores(result, scores, from, to);
  }
  return { kind: "scores", scores, elapsedMs: systemClock.monotonicMs() - startedMs };
}

/** One value a row; of [N, 2] probabilities the second, that of the positive class. */
function copyScores(tensor: Tensor, into: Float64Array, from: number, to: number): void {
  const rows = to - from;
  const { data } = tensor;
  const width = data.length / rows;
  if (width !== 1 && width !== 2) {
    throw new Error(`The output has shape [${tensor.dims.join(", ")}] for ${rows} rows`);
  }
  for (let row = 0; row < rows; row++) into[from + row] = Number(data[row * width + width - 1]);
}

function tensorOf(input: ModelInput, column: FeatureColumn, from: number, to: number): Tensor {
  const shape = input.rank === 1 ? [to - from] : [to - from, 1];
  if (input.type === "string") return new Tensor("string", texts(column, from, to), shape);
  const values = numbers(column, from, to);
  switch (input.type) {
    case "float32":
      return new Tensor("float32", Float32Array.from(values), shape);
    case "float64":
      return new Tensor("float64", values, shape);
    case "int32":
      return new Tensor("int32", Int32Array.from(values), shape);
    case "int64":
      return new Tensor("int64", BigInt64Array.from(values, wholeNumber), shape);
    default:
      throw new Error(`The input "${input.name}" has the type "${input.type}"`);
  }
}

const wholeNumber = (value: number): bigint =>
  BigInt(Number.isFinite(value) ? Math.round(value) : 0);

function texts(column: FeatureColumn, from: number, to: number): string[] {
  if (column.kind === "numeric") return Array.from(column.values.subarray(from, to), String);
  return Array.from(column.codes.subarray(from, to), (code) => column.keys[code] ?? "");
}

function numbers(column: FeatureColumn, from: number, to: number): Float64Array {
  if (column.kind === "numeric") return column.values.slice(from, to);
  return Float64Array.from(column.codes.subarray(from, to), (code) => Number(column.keys[code]));
}
