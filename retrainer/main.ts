/** The retrainer as a process: decides, retrains, judges, rolls out, and proves what serves. */
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DriftmendError } from "../contract/driftmend-error.ts";
import type { OnboardingDocument } from "../contract/onboarding-document.ts";
import { subjects } from "../contract/subjects.ts";
import { createHttpServer } from "../runtime/http-server.ts";
import { connectNats } from "../runtime/nats.ts";
import { type ServiceDeps, runService, tokensOf } from "../runtime/service.ts";
import { openStore } from "../store/client.ts";
import { checkSchema } from "../store/migrate.ts";
import { createGpuSlots } from "./executor/gpu-slots.ts";
import { attemptRuns } from "./executor/trainer-process.ts";
import { addRoutes } from "./http/routes.ts";
import { openJournal } from "./journal/journal.ts";
import { createScoringPool } from "./judge/scoring-pool.ts";
import type { RetrainerDeps } from "./loop/deps.ts";
import { Retrainer } from "./loop/retrainer.ts";
import { createProjector } from "./projections/projector.ts";
import { createDirectoryTarget } from "./rollout/directory-target.ts";
import type { RolloutTarget } from "./rollout/target.ts";
import { RetrainerSettings } from "./settings.ts";

await runService({ name: "retrainer", config: RetrainerSettings, start });

async function start(config: RetrainerSettings, service: ServiceDeps): Promise<{ url: string }> {
  const { lifecycle, logger, clock, metrics } = service;
  const dataFolder = config.DRIFTMEND_RETRAINER_DATA;
  await mkdir(dataFolder, { recursive: true });
  const journal = openJournal(join(dataFolder, "journal.sqlite"), { clock });
  lifecycle.defer("journal", () => journal.close());
  const nats = await connectNats({ url: config.DRIFTMEND_NATS_URL, name: "retrainer" }, { logger });
  lifecycle.defer("nats", () => nats.close());
  const store = openStore(
    {
      url: config.DRIFTMEND_CLICKHOUSE_URL,
      user: config.DRIFTMEND_CLICKHOUSE_USER,
      password: config.DRIFTMEND_CLICKHOUSE_PASSWORD,
      database: config.DRIFTMEND_CLICKHOUSE_DATABASE,
    },
    { clock, logger },
  );
  lifecycle.defer("store", () => store.close());
  await checkSchema(store);
  const pool = createScoringPool();
  lifecycle.defer("scoring threads", () => pool.close());
  const decisions = metrics.counter("checks_total", "Checks by decision", ["model", "decision"]);
  const ends = metrics.counter("run_steps_total", "Steps of runs", ["model", "step"]);
  const deps: RetrainerDeps = {
    journal,
    store,
    pool,
    slots: createGpuSlots(
      {
        // By number: in a container the user often has no name, and asking for it fails.
        folder:
          config.DRIFTMEND_GPU_LOCKS ?? join(tmpdir(), `driftmend-gpus-${process.getuid?.()}`),
        nvidiaSmi: config.DRIFTMEND_NVIDIA_SMI,
        isHeld: attemptRuns,
      },
      { clock },
    ),
    clock,
    logger,
    env: service.env,
    dataFolder,
    trainerFolder: config.DRIFTMEND_TRAINER_DIR ?? process.cwd(),
    node: process.execPath,
    say: (message) => {
      const { model, step, decision } = message;
      if (decision !== null) decisions.inc({ model, decision });
      else ends.inc({ model, step });
      logger.info({ model, step, run: message.runId, text: message.text }, message.title);
      nats.publish(subjects.run(model), message);
    },
    targetOf,
  };
  const projector = createProjector(journal, deps);
  const retrainer = new Retrainer(nats, projector, deps);
  const http = createHttpServer(
    {
      host: config.DRIFTMEND_HOST,
      port: config.DRIFTMEND_PORT,
      tokens: tokensOf(config, clock),
    },
    { logger, metrics },
  );
  addRoutes(http.app, { ...deps, retrainer, projector });
  await projector.rebuild();
  retrainer.start();
  lifecycle.defer("loops", () => retrainer.stop());
  http.setReadiness(() => null);
  const url = await http.listen();
  lifecycle.defer("http", () => http.close());
  return { url };
}

/** @throws {DriftmendError} rollout_missing, rollout_unknown */
function targetOf(document: OnboardingDocument): RolloutTarget {
  const { rollout, metadata } = document;
  if (rollout?.target === "directory" && rollout.path !== undefined && rollout.url !== undefined) {
    const { path: repository, url } = rollout;
    return createDirectoryTarget({ model: metadata.name, repository, url });
  }
  throw new DriftmendError("rollout_unfit", {
    retry: "never",
    message: `Cannot roll "${metadata.name}" out as "rollout" must be the target "directory" with "path" and "url": ${rollout === undefined ? "there is none" : `it is "${rollout.target}"`}`,
    next: 'Complete "rollout" in the onboarding document; docs/directory-target.md describes the target.',
  });
}
