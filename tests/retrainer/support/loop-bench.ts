/** One model's loop with everything real around it: store, trainer processes, scoring threads, model server. */
import { spawnSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunMessage } from "../../../contract/messages.ts";
import {
  OnboardingDocument,
  type OnboardingDocumentInput,
} from "../../../contract/onboarding-document.ts";
import { createGpuSlots } from "../../../retrainer/executor/gpu-slots.ts";
import { attemptRuns } from "../../../retrainer/executor/trainer-process.ts";
import type { JournalOptions } from "../../../retrainer/journal/journal-file.ts";
import { type Journal, openJournal } from "../../../retrainer/journal/journal.ts";
import { createScoringPool } from "../../../retrainer/judge/scoring-pool.ts";
import type { RetrainerDeps } from "../../../retrainer/loop/deps.ts";
import { ModelLoop } from "../../../retrainer/loop/model-loop.ts";
import { createDirectoryTarget } from "../../../retrainer/rollout/directory-target.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import type { Store } from "../../../store/client.ts";
import { trainingRows } from "../../../store/queries/training-rows.ts";
import { BEGIN_MS, DAY_MS, MODEL } from "./small-world.ts";
import { processEnvironment } from "../../../runtime/env.ts";

export const TRAINER = fileURLToPath(new URL("./trainers/cities.ts", import.meta.url));

export interface Places {
  readonly folder: string;
  readonly repository: string;
  readonly trainingSet: string;
}

/** A repository whose version 1 was trained on the days [0, 14) of the store. */
export async function preparePlaces(store: Store): Promise<Places> {
  const folder = await mkdtemp(join(tmpdir(), "driftmend-retrainer-"));
  const trainingSet = join(folder, "training-set.parquet");
  const columns = {
    features: [
      { name: "hour", kind: "numeric" as const },
      { name: "city", kind: "categorical" as const },
    ],
    tags: ["app"],
    target: "label" as const,
  };
  const span = { model: MODEL, fromMs: BEGIN_MS, toMs: BEGIN_MS + 14 * DAY_MS };
  const none = { outTag: [], outValue: [], outFromMs: [], outToMs: [] };
  const known = { knownMs: BEGIN_MS + 15 * DAY_MS };
  const stream = await store.stream(
    trainingRows(columns),
    { ...span, ...none, ...known },
    "Parquet",
  );
  await writeFile(trainingSet, stream);
  const dataset = join(folder, "first", "dataset");
  await mkdir(join(dataset, "train"), { recursive: true });
  await copyFile(trainingSet, join(dataset, "train", "reference.parquet"));
  await writeFile(join(dataset, "dataset.json"), JSON.stringify({ task: { positive: "1" } }));
  const repository = join(folder, "repository");
  const out = join(repository, MODEL, "1");
  const trained = spawnSync(process.execPath, [TRAINER], {
    env: { ...processEnvironment(), DRIFTMEND_DATASET: dataset, DRIFTMEND_OUT: out },
    encoding: "utf8",
  });
  if (trained.status !== 0) throw new Error(trained.stderr);
  const pointer = { revision: 1, versions: [{ version: "1", share: 1 }] };
  await writeFile(join(repository, MODEL, "serving.json"), JSON.stringify(pointer));
  return { folder, repository, trainingSet };
}

export function tripsDocument(
  places: Places,
  url: string,
  changes: {
    readonly retrain?: Partial<NonNullable<OnboardingDocumentInput["retrain"]>>;
    readonly params?: Record<string, unknown>;
    readonly deadline?: string;
    readonly steps?: string[];
    readonly command?: string[];
    readonly guards?: string[];
  } = {},
): OnboardingDocument {
  return OnboardingDocument.parse({
    apiVersion: "driftmend/v1",
    kind: "Model",
    metadata: { name: MODEL },
    task: { type: "binary", positive: "1" },
    features: { hour: { type: "numeric" }, city: { type: "categorical" } },
    segments: ["app"],
    reference: { training_set: places.trainingSet },
    quality: {
      primary: "log_loss",
      slices: "city",
      guards: changes.guards ?? ["calibration", "auc"],
    },
    retrain: {
      mode: "auto",
      when: [{ probe: { every: "1w", gain: 0.01 } }],
      recalibrate: "off",
      window: { choose: ["all"], embargo: "7d", minimum_rows: 1000 },
      train: {
        command: changes.command ?? [TRAINER],
        params: changes.params ?? {},
        deadline: changes.deadline ?? "1m",
      },
      judge: { block: "7d", cluster: "day" },
      ...changes.retrain,
    },
    rollout: {
      target: "directory",
      path: places.repository,
      url,
      steps: changes.steps ?? ["10% 1d", "100%"],
    },
  } satisfies OnboardingDocumentInput);
}

export interface LoopBench {
  readonly loop: ModelLoop;
  readonly journal: Journal;
  readonly deps: RetrainerDeps;
  readonly said: RunMessage[];
  /** Lets the model's time come to the beginning of a day. */
  advanceTo(day: number): Promise<void>;
  close(): Promise<void>;
}

export function openLoopBench(
  store: Store,
  places: Places,
  document: OnboardingDocument,
  options: { readonly name?: string; readonly journal?: JournalOptions } = {},
): LoopBench {
  const dataFolder = join(places.folder, options.name ?? "retrainer");
  const journal = openJournal(
    `${dataFolder}.sqlite`,
    { clock: systemClock },
    options.journal ?? {},
  );
  const pool = createScoringPool();
  const said: RunMessage[] = [];
  const deps: RetrainerDeps = {
    journal,
    store,
    pool,
    slots: createGpuSlots(
      { folder: join(places.folder, "slots"), nvidiaSmi: "no-nvidia-smi", isHeld: attemptRuns },
      { clock: systemClock },
    ),
    clock: systemClock,
    logger: silentLogger,
    env: processEnvironment(),
    dataFolder,
    trainerFolder: places.folder,
    node: process.execPath,
    say: (message) => said.push(message),
    targetOf: ({ rollout }) =>
      createDirectoryTarget({
        model: MODEL,
        repository: places.repository,
        url: rollout?.url ?? "",
      }),
  };
  const loop = new ModelLoop(MODEL, deps);
  loop.setDocument(document);
  return {
    loop,
    journal,
    deps,
    said,
    advanceTo: async (day) => {
      loop.heard({ model: MODEL, clock: "replay", throughMs: BEGIN_MS + day * DAY_MS });
      await loop.enqueue(() => loop.advance(BEGIN_MS + day * DAY_MS));
    },
    close: async () => {
      await pool.close();
      journal.close();
    },
  };
}

/** The repository as it was: version 1 alone serves, nothing else is there. */
export async function resetRepository(places: Places): Promise<void> {
  for (const version of ["2", "3", "4"]) {
    await rm(join(places.repository, MODEL, version), { recursive: true, force: true });
  }
  const pointer = { revision: 1, versions: [{ version: "1", share: 1 }] };
  await writeFile(join(places.repository, MODEL, "serving.json"), JSON.stringify(pointer));
}
