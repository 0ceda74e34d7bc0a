/**
 * Training as an effect with a key: the digest of all that goes in. The same data set, command and
 * parameters are trained once, so a run uses the model of the probe that asked for it.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import type { DatasetRef } from "../../contract/run.ts";
import { EXIT_CODES_FINAL } from "../../contract/trainer.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Environment } from "../../runtime/env.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { ScoringPool } from "../judge/scoring-pool.ts";
import type { EffectTable } from "../journal/effect-table.ts";
import type { GpuSlots } from "./gpu-slots.ts";
import { type TrainedModel, readTrainedModel } from "./trained-model.ts";
import { trainerCommand, trainerEnvironment } from "./trainer-command.ts";
import { type TrainerEnd, logTail, runAttempt } from "./trainer-process.ts";

export interface TrainingRequest {
  readonly runId: string;
  readonly model: string;
  readonly train: OnboardingDocument["retrain"]["train"];
  readonly dataset: DatasetRef;
  readonly features: ReadonlySet<string>;
  /** Folder of the model's trainings. */
  readonly folder: string;
}

export interface TrainingDeps {
  readonly effects: EffectTable;
  readonly slots: GpuSlots;
  readonly pool: ScoringPool;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly env: Environment;
  /** Where relative commands start, and the Node that runs scripts. */
  readonly trainerFolder: string;
  readonly node: string;
}

/** Marks the last attempt of a training that ended its run. */
const GIVEN_UP = "given-up";

/**
 * Trains, or answers the model that these inputs gave before.
 * @throws {DriftmendError} training_stopped when `signal` is aborted; trainer_failed, trainer_hung,
 *   trainer_missing, and what readTrainedModel throws
 */
export async function train(
  request: TrainingRequest,
  signal: AbortSignal,
  deps: TrainingDeps,
): Promise<TrainedModel> {
  const command = commandOf(request, deps);
  const key = trainingKey(request, command);
  const folder = join(request.folder, key.slice(0, 16));
  const intent = { runId: request.runId, folder, command };
  return deps.effects.once(`train/${request.model}/${key}`, "train", intent, () =>
    attemptAll({ ...request, folder }, command, signal, deps),
  );
}

function trainingKey(request: TrainingRequest, command: readonly string[]): string {
  const { dataset, train: settings } = request;
  const inputs = [dataset.sha256, command, settings.params, settings.gpus];
  return createHash("sha256").update(JSON.stringify(inputs)).digest("hex");
}

function commandOf(request: TrainingRequest, deps: TrainingDeps): readonly string[] {
  const { command, executor } = request.train;
  if (executor !== "process" || command === undefined) {
    throw new DriftmendError("trainer_missing", {
      retry: "never",
      message: `Cannot train "${request.model}" as "retrain.train" must name a command for the executor "process": ${executor === "process" ? "it names none" : `the executor is "${executor}"`}`,
      next: 'Set "retrain.train.command" in the onboarding document, e.g. ["train.py"].',
    });
  }
  const [program = "", ...rest] = command;
  const local = join(deps.trainerFolder, program);
  const path = !isAbsolute(program) && existsSync(local) ? local : program;
  return trainerCommand([path, ...rest], deps.node);
}

async function attemptAll(
  request: TrainingRequest,
  command: readonly string[],
  signal: AbortSignal,
  deps: TrainingDeps,
): Promise<TrainedModel> {
  await mkdir(request.folder, { recursive: true });
  let failures = 0;
  for (let number = await firstAttempt(request.folder); ; number++) {
    const folder = join(request.folder, `attempt-${number}`);
    const end = await attempt(request, command, folder, signal, deps);
    if (end.kind === "exited" && end.code === 0) return await outputOf(folder, request, deps);
    if (signal.aborted) throw stopped(request);
    if (end.kind === "stopped") continue;
    const error = trainingFailed(end, await logTail(folder), request);
    if (error.retry === "never" || ++failures > LIMITS.trainerRetriesMax) {
      await writeFile(join(folder, GIVEN_UP), "");
      throw error;
    }
    deps.logger.warn({ err: error, attempt: number }, "the trainer failed; trying again");
  }
}

/** What cannot be used is not read again: who starts another run wants another training. */
async function outputOf(
  folder: string,
  request: TrainingRequest,
  deps: TrainingDeps,
): Promise<TrainedModel> {
  try {
    return await readTrainedModel(join(folder, "out"), request.features, deps.pool);
  } catch (error) {
    await writeFile(join(folder, GIVEN_UP), "");
    throw error;
  }
}

/** The last attempt is gone on with, unless a run was given up with it: who asks again gets a new one. */
async function firstAttempt(folder: string): Promise<number> {
  const numbers = (await readdir(folder))
    .map((name) => /^attempt-(\d+)$/.exec(name)?.[1])
    .filter((text) => text !== undefined)
    .map(Number);
  const last = Math.max(1, ...numbers);
  return existsSync(join(folder, `attempt-${last}`, GIVEN_UP)) ? last + 1 : last;
}

async function attempt(
  request: TrainingRequest,
  command: readonly string[],
  folder: string,
  signal: AbortSignal,
  deps: TrainingDeps,
): Promise<TrainerEnd> {
  const { runId, model, dataset } = request;
  await mkdir(join(folder, "out"), { recursive: true });
  const slot = await deps.slots.take(request.train.gpus, folder, signal).catch((error: unknown) => {
    throw signal.aborted ? stopped(request) : error;
  });
  try {
    const call = {
      runId,
      model,
      params: request.train.params,
      datasetFolder: dataset.folder,
      outFolder: join(folder, "out"),
      gpus: slot.gpus,
    };
    return await runAttempt(
      {
        folder,
        command,
        env: trainerEnvironment(call, deps.env, deps.node),
        cwd: deps.trainerFolder,
        deadlineMs: request.train.deadline,
      },
      signal,
      deps,
    );
  } finally {
    await slot.release();
  }
}

function trainingFailed(end: TrainerEnd, log: string, request: TrainingRequest): DriftmendError {
  const said = log === "" ? "it wrote nothing" : `its last words: ${log}`;
  if (end.kind === "deadline") {
    return new DriftmendError("trainer_hung", {
      retry: "never",
      message: `Cannot train "${request.model}" within ${request.train.deadline / 1000} s as the deadline says: the trainer was still running and was ended; ${said}`,
      next: 'Raise "retrain.train.deadline", or look at the log in the run\'s folder.',
    });
  }
  const how = end.kind === "exited" ? `ended with code ${end.code}` : "was killed";
  const final = end.kind === "exited" && EXIT_CODES_FINAL.has(end.code);
  return new DriftmendError("trainer_failed", {
    retry: final ? "never" : "later",
    message: `Cannot train "${request.model}": the trainer ${how}; ${said}`,
    next: "Correct what it says and start the run again.",
  });
}

const stopped = (request: TrainingRequest): DriftmendError =>
  new DriftmendError("training_stopped", {
    retry: "later",
    message: `Cannot finish the training of "${request.model}": it was asked to stop`,
  });
