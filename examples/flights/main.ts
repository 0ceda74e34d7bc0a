/**
 * The example as `up --example` runs it: prepares flights and champion while the engines start, onboards
 * the model, then starts the model server and the replay. The summary is computed from the stored rows.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type {
  ChildSpec,
  ExampleOptions,
  ExamplePlan,
  RunningStage,
} from "../../runtime/example-plan.ts";
import { prepareFlights, readShiftMs } from "./data/prepare-flights.ts";
import { readProgress } from "./replay/progress.ts";
import { MODEL } from "./replay/story.ts";
import { prepareChampion, repositoryOf } from "./setup/champion.ts";
import { type Trainer, chooseTrainer } from "./setup/choose-trainer.ts";
import { flightsDocument } from "./setup/document.ts";
import { type Begun, firstLines } from "./setup/first-lines.ts";
import { waitUntilOnboarded } from "./setup/wait-until-onboarded.ts";
import { lastLines } from "./summary/last-lines.ts";
import { compute, summarise } from "./summary/summarise.ts";

const SERVER_PORT = 7480;
/** The story is 17 weeks long and its dates lie in the past: nothing of it may expire while it is told. */
const RETENTION_DAYS = { predictions: 400, minutes: 400, hours: 400, outcomes: 400, labels: 400 };

export function flightsExample(options: ExampleOptions): ExamplePlan {
  let trainer: Promise<Trainer> | undefined;
  const chosenTrainer = (): Promise<Trainer> => (trainer ??= chooseTrainer(options.trainer));
  return {
    firstLines: async (folder) => firstLines(await readBegun(folder), options.speed),
    retentionDays: RETENTION_DAYS,
    settings: { agent: { DRIFTMEND_EVENT_AGE_DAYS_MAX: "400" } },
    prepare: async (stage) => {
      stage.progress("Putting 3.0 M flights in order of their UTC departure");
      const prepared = await prepareFlights({
        folder: stage.folder,
        nowMs: stage.clock.nowMs(),
        permuteLabels: options.permuteLabels,
      });
      const { name } = await chosenTrainer();
      stage.progress(`Training version 1 on weeks 6–9 with the ${name} trainer`);
      await prepareChampion(
        stage.folder,
        prepared.trainingSetPath,
        await chosenTrainer(),
        stage.signal,
      );
      stage.progress(null);
      stage.say("Flights are in order, and version 1 is trained on weeks 6–9 of 2001");
    },
    start: async (stage) => {
      const port = await stage.choosePort(SERVER_PORT);
      const serverUrl = await stage.startChild(serverSpec(stage, port));
      const { trainingSetPath } = await prepareFlights({
        folder: stage.folder,
        nowMs: stage.clock.nowMs(),
        permuteLabels: options.permuteLabels,
      });
      await stage.request(
        "PUT",
        `/api/v1/models/${MODEL}`,
        flightsDocument({
          trainingSetPath,
          repository: repositoryOf(stage.folder),
          serverUrl,
          trainer: await chosenTrainer(),
        }),
      );
      await waitUntilOnboarded(stage);
      await stage.startChild(replaySpec(stage, serverUrl, options));
    },
    lastLines: async (stage) => {
      const { figures, recorded, records } = await compute(stage, options.permuteLabels);
      return lastLines({
        figures,
        predictions: recorded.predictions,
        alertKinds: records.alerts.map(({ kind }) => kind),
        promoted: records.runs.filter(({ promoted }) => promoted).length,
      });
    },
    summary: async (stage, measured) =>
      summarise(stage, measured, { ...options, trainer: (await chosenTrainer()).name }),
  };
}

/** Null where nothing is told yet. */
async function readBegun(folder: string): Promise<Begun | null> {
  const progress = await readProgress(join(folder, "replay.json"));
  if (progress === null) return null;
  const shiftMs = await readShiftMs(folder);
  return shiftMs === null ? null : { doneMs: progress.doneMs, shiftMs };
}

const moduleOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

function serverSpec(stage: RunningStage, port: number): ChildSpec {
  return {
    name: "model-server",
    module: moduleOf("server.ts"),
    nodeFlags: ["--max-old-space-size=256"],
    env: {
      FLIGHTS_REPOSITORY: repositoryOf(stage.folder),
      FLIGHTS_PORT: String(port),
      OTEL_EXPORTER_OTLP_ENDPOINT: stage.system.otlpHttp,
      OTEL_BLRP_MAX_QUEUE_SIZE: "65536",
      OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: "4096",
      OTEL_BLRP_SCHEDULE_DELAY: "200",
    },
  };
}

function replaySpec(stage: RunningStage, serverUrl: string, options: ExampleOptions): ChildSpec {
  const { system } = stage;
  return {
    name: "replay",
    module: moduleOf("replay.ts"),
    nodeFlags: ["--max-old-space-size=512"],
    env: {
      FLIGHTS_FOLDER: stage.folder,
      FLIGHTS_SERVER_URL: serverUrl,
      FLIGHTS_AGENT_URL: system.otlpHttp,
      ...(options.seed === undefined ? {} : { FLIGHTS_SEED: String(options.seed) }),
      FLIGHTS_TROUBLES: options.troubles ? "yes" : "no",
      FLIGHTS_PERMUTE_LABELS: options.permuteLabels ? "yes" : "no",
      FLIGHTS_DAYS_PER_SECOND_MAX: String(options.speed ?? 0),
      DRIFTMEND_NATS_URL: system.nats,
      DRIFTMEND_CLICKHOUSE_URL: system.clickhouse.url,
      DRIFTMEND_CLICKHOUSE_USER: system.clickhouse.user,
      DRIFTMEND_CLICKHOUSE_PASSWORD: system.clickhouse.password,
    },
  };
}
