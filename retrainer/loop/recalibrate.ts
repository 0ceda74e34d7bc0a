/** A recalibrated champion: its graph with a scale behind the score, fitted on what it served lately. */
import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { writeFileAtomic } from "../../runtime/atomic-file.ts";
import { type TrainedModel, readTrainedModel } from "../executor/trained-model.ts";
import { appendPlatt } from "../judge/append-platt.ts";
import { servedScores } from "../judge/load-block.ts";
import { fitPlatt } from "../judge/platt.ts";
import type { RunOf } from "../journal/run-state.ts";
import type { ModelContext, RetrainerDeps } from "./deps.ts";
import type { Look } from "./look.ts";
import { beforeBlock, championModel } from "./probe-check.ts";

/** @throws {DriftmendError} recalibration_unfit, model_unfit_for_scaling */
export async function recalibrate(
  context: ModelContext,
  run: RunOf<"training">,
  look: Look,
  deps: RetrainerDeps,
): Promise<TrainedModel> {
  const champion = championModel(context, run.champion, deps);
  const served = await servedScores(beforeBlock(look), run.champion, deps.store);
  const scale = fitPlatt(served.scores, served.target);
  if (scale === null) {
    throw new DriftmendError("recalibration_unfit", {
      retry: "never",
      message: `Cannot fit a scale for version "${run.champion}" as labelled rows of both classes are needed: ${served.scores.length} rows were served before the block`,
      next: 'Wait for labels, or set "retrain.recalibrate" to "off".',
    });
  }
  const folder = join(context.folder, "trainings", run.id);
  await mkdir(folder, { recursive: true });
  const { output, inputs } = champion.signature;
  const model = appendPlatt(await readFile(champion.path), output, scale);
  const sha256 = createHash("sha256").update(model).digest("hex");
  await writeFileAtomic(join(folder, "model.onnx"), model);
  const metrics = {
    trainer: "recalibration",
    of: run.champion,
    ...scale,
    rows: served.scores.length,
  };
  await writeFileAtomic(join(folder, "metrics.json"), JSON.stringify(metrics));
  const manifest = {
    kind: "onnx",
    entry: "model.onnx",
    runId: run.id,
    signature: { inputs: inputs.map(({ name }) => ({ name })), outputs: [{ name: output }] },
    files: { "model.onnx": sha256 },
  };
  await writeFileAtomic(join(folder, "manifest.json"), JSON.stringify(manifest));
  const features = new Set(look.columns.features.map(({ name }) => name));
  return readTrainedModel(folder, features, deps.pool);
}
