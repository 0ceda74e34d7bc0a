/** What a trainer left behind, read with suspicion: a model that scores, or an error that says what is wrong. */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { Artifact } from "../../contract/run.ts";
import { TrainerManifest, TrainerMetrics } from "../../contract/trainer.ts";
import type { ModelSignature, ScoringPool } from "../judge/scoring-pool.ts";

export interface TrainedModel {
  readonly artifact: Artifact;
  readonly signature: ModelSignature;
  readonly metrics: Readonly<Record<string, unknown>>;
}

/**
 * Reads `folder` as a trainer's output; `features` are what its inputs may be.
 * @throws {DriftmendError} trainer_no_model, trainer_output_invalid, model_corrupt, model_signature_unfit
 */
export async function readTrainedModel(
  folder: string,
  features: ReadonlySet<string>,
  pool: ScoringPool,
): Promise<TrainedModel> {
  const manifest = await readManifest(folder);
  if (manifest.kind !== "onnx") {
    throw invalid(folder, `its kind is "${manifest.kind}", only "onnx" can be judged`);
  }
  const path = join(folder, manifest.entry);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw noModel(folder, `"${manifest.entry}" is named and not there`, cause);
  });
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const claimed = manifest.files?.[manifest.entry];
  if (claimed !== undefined && claimed !== sha256) {
    throw invalid(
      folder,
      `"${manifest.entry}" has the digest ${sha256}, the manifest says ${claimed}`,
    );
  }
  const metrics = await readMetrics(folder);
  const signature = await pool.inspect(path, manifest.signature?.outputs[0]?.name ?? null);
  const foreign = signature.inputs.find(({ name }) => !features.has(name));
  if (foreign !== undefined) {
    throw new DriftmendError("model_signature_unfit", {
      retry: "never",
      message: `Cannot use the trained model as each input must be a feature: "${foreign.name}" is none of ${[...features].join(", ")}`,
      next: "Let the trainer name the inputs of its graph after the columns of the data set.",
    });
  }
  const device = metrics.device ?? null;
  return {
    artifact: { folder, entry: manifest.entry, sha256, bytes: bytes.length, device },
    signature,
    metrics,
  };
}

async function readManifest(folder: string): Promise<TrainerManifest> {
  const path = join(folder, "manifest.json");
  if ((await stat(path).catch(() => null)) === null) {
    throw noModel(folder, '"manifest.json" is not there');
  }
  return parse(folder, "manifest.json", await readFile(path, "utf8"), TrainerManifest);
}

async function readMetrics(folder: string): Promise<TrainerMetrics> {
  const text = await readFile(join(folder, "metrics.json"), "utf8").catch(() => "{}");
  return parse(folder, "metrics.json", text, TrainerMetrics);
}

function parse<T>(folder: string, file: string, text: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(folder, `"${file}" is not JSON: ${String(cause)}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(folder, `"${file}": ${z.prettifyError(parsed.error)}`);
}

function noModel(folder: string, why: string, cause?: unknown): DriftmendError {
  return new DriftmendError("trainer_no_model", {
    retry: "never",
    message: `Cannot find a model in "${folder}" after the trainer ended with code 0: ${why}`,
    next: "Let the trainer write its model and manifest.json into DRIFTMEND_OUT before it ends.",
    cause,
  });
}

function invalid(folder: string, why: string): DriftmendError {
  return new DriftmendError("trainer_output_invalid", {
    retry: "never",
    message: `Cannot use what the trainer wrote into "${folder}": ${why}`,
    next: "Compare it with the trainer's contract in docs/trainer.md.",
  });
}
