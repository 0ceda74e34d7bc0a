/**
 * One training: tuples in, fitted model and its files out. Each Newton step ends in a turn of the event
 * loop, so that a SIGTERM is heard between steps; files appear whole at the end or not at all.
 */
import { createHash } from "node:crypto";
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { z } from "zod";
import { writeFileAtomic } from "../../../runtime/atomic-file.ts";
import type { Clock } from "../../../runtime/clock.ts";
import { mergeCells } from "../model/cells.ts";
import { FEATURES } from "../model/features.ts";
import { type Cells, type FitProgress, fitLogistic } from "../model/fit.ts";
import { type Quality, qualityOf } from "../model/quality.ts";
import { type ModelTables, tablesOf } from "../model/tables.ts";
import { flightsOnnx, OUTPUT_NAME } from "../onnx/flights-graph.ts";
import { type LabelledTuples, readTuples } from "./read-tuples.ts";
import { TrainerFailure } from "./trainer-failure.ts";
import type { TrainerRequest } from "./trainer-request.ts";

export interface TrainerDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** What the metrics name as the device. */
  readonly device: string;
  /** Peak resident memory of this process so far. */
  readonly residentBytesMax: () => number;
}

/** The part of `dataset.json` that this trainer reads. */
const DatasetDescription = z.looseObject({
  task: z.looseObject({ positive: z.string().optional() }).optional(),
});

/** @throws {TrainerFailure} with the exit code of what is wrong */
export async function trainFlights(request: TrainerRequest, deps: TrainerDeps): Promise<void> {
  const startedMs = deps.clock.monotonicMs();
  const dataset = await readDescription(request.datasetFolder);
  const positive = request.params.positive ?? dataset.positive ?? "1";
  const train = await readTuples(join(request.datasetFolder, "train"), positive, deps.signal);
  if (train === undefined) {
    const where = join(request.datasetFolder, "train");
    throw new TrainerFailure("input", `Cannot train: "${where}" holds no Parquet file`);
  }
  const valid = await readTuples(join(request.datasetFolder, "valid"), positive, deps.signal);
  const readMs = deps.clock.monotonicMs();
  const cells = mergeCells(train, train.airports, train.airports);
  await mkdir(request.outFolder, { recursive: true });
  const { parameters, last } = await fit(cells, request, deps);
  const tables = tablesOf(cells.layout, parameters);
  const fittedMs = deps.clock.monotonicMs();
  const metrics = {
    trainer: "node",
    device: deps.device,
    rows: train.rows,
    cells: cells.count,
    parameters: parameters.length,
    params: request.params,
    iterations: last.iteration,
    objective: last.objective,
    gradientMax: last.gradientMax,
    train: qualityOf(tables, train, train.airports),
    ...(valid === undefined ? {} : { valid: validQuality(tables, valid) }),
    seconds: (fittedMs - startedMs) / 1000,
    secondsReading: (readMs - startedMs) / 1000,
    secondsFitting: (fittedMs - readMs) / 1000,
    memoryBytesMax: deps.residentBytesMax(),
  };
  await writeArtifacts(request, tables, metrics, dataset.sha256);
}

const validQuality = (tables: ModelTables, valid: LabelledTuples): Quality & { rows: number } => ({
  rows: valid.rows,
  ...qualityOf(tables, valid, valid.airports),
});

async function readDescription(
  folder: string,
): Promise<{ sha256: string; positive: string | undefined }> {
  const path = join(folder, "dataset.json");
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new TrainerFailure("input", `Cannot train: "${path}" cannot be read`, cause);
  });
  try {
    const description = DatasetDescription.parse(JSON.parse(bytes.toString()));
    return { sha256: sha256(bytes), positive: description.task?.positive };
  } catch (cause) {
    throw new TrainerFailure("data", `Cannot read "${path}" as a data set's description`, cause);
  }
}

async function fit(
  cells: Cells,
  request: TrainerRequest,
  deps: TrainerDeps,
): Promise<{ parameters: Float64Array; last: FitProgress }> {
  const path = join(request.outFolder, "progress.jsonl");
  const steps = fitLogistic(cells, request.params);
  let last: FitProgress = { iteration: 0, objective: Number.NaN, gradientMax: Number.NaN };
  for (;;) {
    deps.signal.throwIfAborted();
    const step = steps.next();
    if (step.done === true) return { parameters: step.value, last };
    last = step.value;
    await appendFile(path, `${JSON.stringify(last)}\n`);
    await turn();
  }
}

async function writeArtifacts(
  request: TrainerRequest,
  tables: ModelTables,
  metrics: object,
  datasetSha256: string,
): Promise<void> {
  const metricsJson = `${JSON.stringify(metrics, null, 2)}\n`;
  const signature = signatureOfFlights();
  const onnx = flightsOnnx(tables, {
    run_id: request.runId,
    model: request.model,
    dataset_sha256: datasetSha256,
    feature_schema_sha256: sha256(JSON.stringify(signature.inputs)),
    trainer: "node",
  });
  const manifest = {
    kind: "onnx",
    entry: "model.onnx",
    model: request.model,
    runId: request.runId,
    signature,
    datasetSha256,
    files: { "model.onnx": sha256(onnx), "metrics.json": sha256(metricsJson) },
  };
  await writeFileAtomic(join(request.outFolder, "model.onnx"), onnx);
  await writeFileAtomic(join(request.outFolder, "metrics.json"), metricsJson);
  // Last: who finds a manifest finds all that it names.
  const manifestJson = `${JSON.stringify(manifest, null, 2)}\n`;
  await writeFileAtomic(join(request.outFolder, "manifest.json"), manifestJson);
}

/** Inputs and output in the words of the Open Inference Protocol. */
export function signatureOfFlights(): {
  readonly inputs: readonly { name: string; datatype: string; shape: readonly number[] }[];
  readonly outputs: readonly { name: string; datatype: string; shape: readonly number[] }[];
} {
  return {
    inputs: FEATURES.map(({ name, type }) => ({
      name,
      datatype: type === "numeric" ? "FP32" : "BYTES",
      shape: [-1, 1],
    })),
    outputs: [{ name: OUTPUT_NAME, datatype: "FP32", shape: [-1] }],
  };
}

const sha256 = (bytes: Uint8Array | string): string =>
  createHash("sha256").update(bytes).digest("hex");
