/**
 * The champion: version 1, trained on weeks 6–9 by the same trainer and contract as every later version,
 * put into the model repository as somebody would have done before Driftmend came.
 */
import { spawn } from "node:child_process";
import { copyFile, mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DriftmendError } from "../../../contract/driftmend-error.ts";
import { writeFileAtomic } from "../../../runtime/atomic-file.ts";
import { processEnvironment } from "../../../runtime/env.ts";
import { MODEL } from "../replay/story.ts";
import type { Trainer } from "./choose-trainer.ts";

const FIRST_VERSION = "1";
const OUTPUT_BYTES_MAX = 64 * 1024;

/** Does nothing when the repository has a pointer file: what serves there is not ours to change. */
export async function prepareChampion(
  folder: string,
  trainingSetPath: string,
  trainer: Trainer,
  signal: AbortSignal,
): Promise<void> {
  const modelFolder = join(repositoryOf(folder), MODEL);
  if (await exists(join(modelFolder, "serving.json"))) return;
  const work = join(folder, "champion");
  await rm(work, { recursive: true, force: true });
  await mkdir(join(work, "dataset", "train"), { recursive: true });
  await mkdir(join(work, "out"), { recursive: true });
  await copyFile(trainingSetPath, join(work, "dataset", "train", "training-set.parquet"));
  await writeFileAtomic(
    join(work, "dataset", "dataset.json"),
    JSON.stringify({ format: 1, model: MODEL, task: { type: "binary", positive: "1" } }),
  );
  await train(trainer, work, signal);
  await rm(join(modelFolder, FIRST_VERSION), { recursive: true, force: true });
  await mkdir(modelFolder, { recursive: true });
  await rename(join(work, "out"), join(modelFolder, FIRST_VERSION));
  const pointer = { revision: 1, versions: [{ version: FIRST_VERSION, share: 1 }] };
  await writeFileAtomic(join(modelFolder, "serving.json"), JSON.stringify(pointer));
}

/** The model repository of the example. */
export const repositoryOf = (folder: string): string => join(folder, "repository");

function train(trainer: Trainer, work: string, signal: AbortSignal): Promise<void> {
  const [program = "", ...rest] = trainer.command;
  const [command, args] =
    trainer.name === "torch"
      ? ["python3", [program, ...rest]]
      : [process.execPath, [program, ...rest]];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      signal,
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        ...processEnvironment(),
        DRIFTMEND_RUN_ID: "champion",
        DRIFTMEND_MODEL: MODEL,
        DRIFTMEND_PARAMS: "{}",
        DRIFTMEND_DATASET: join(work, "dataset"),
        DRIFTMEND_OUT: join(work, "out"),
      },
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-OUTPUT_BYTES_MAX);
    });
    child.on("error", reject);
    child.on("exit", (code, killedBy) => {
      if (code === 0) return resolve();
      return reject(
        new DriftmendError("champion_untrained", {
          retry: "later",
          message: `Cannot train the example's first model with ${trainer.name}: it ended with ${code ?? killedBy}: ${stderr.trim().split("\n").at(-1) ?? ""}`,
          next: "Try npm start -- --trainer node; the data directory is left as it is.",
        }),
      );
    });
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
