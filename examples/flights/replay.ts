/**
 * The replay: drives the model's clock through weeks 10–26. Each simulated hour it announces the time,
 * asks the model server about the flights that leave, and hands in the labels of those that landed; at
 * each midnight it waits until the day is stored, analysed and acted on. So the outcome is the same on
 * every machine, and the speed is only how fast that is done.
 */
import { join } from "node:path";
import { z } from "zod";
import { HeadMessage, type ReplayMessage } from "../../contract/messages.ts";
import { subjects } from "../../contract/subjects.ts";
import { wholeNumber } from "../../runtime/env.ts";
import { type Nats, connectNats } from "../../runtime/nats.ts";
import { type ServiceDeps, runService, serviceSettings } from "../../runtime/service.ts";
import { openStore } from "../../store/client.ts";
import { predictionIds } from "../../store/queries/prediction-ids.ts";
import { DAY_MS, HOUR_MS } from "./data/calendar.ts";
import { prepareFlights } from "./data/prepare-flights.ts";
import { type Barrier, openBarrier } from "./replay/barrier.ts";
import { type Poster, createPoster } from "./replay/post.ts";
import { type Progress, readProgress, writeProgress } from "./replay/progress.ts";
import { requestsOf } from "./replay/requests.ts";
import { type LabelLines, MODEL, type Story, tellStory } from "./replay/story.ts";
import { planTroubles } from "./troubles.ts";

const ReplayConfig = z.object({
  ...serviceSettings,
  FLIGHTS_FOLDER: z.string(),
  FLIGHTS_SERVER_URL: z.url(),
  FLIGHTS_AGENT_URL: z.url(),
  FLIGHTS_SEED: z.string().regex(/^\d+$/).transform(Number).optional(),
  FLIGHTS_TROUBLES: z.enum(["yes", "no"]).prefault("yes"),
  FLIGHTS_PERMUTE_LABELS: z.enum(["yes", "no"]).prefault("no"),
  /** Simulated days a second at most; 0: as fast as it goes. */
  FLIGHTS_DAYS_PER_SECOND_MAX: z
    .string()
    .regex(/^\d+(\.\d+)?$/)
    .prefault("0")
    .transform(Number),
  DRIFTMEND_NATS_URL: z.string(),
  DRIFTMEND_CLICKHOUSE_URL: z.url(),
  DRIFTMEND_CLICKHOUSE_USER: z.string(),
  DRIFTMEND_CLICKHOUSE_PASSWORD: z.string(),
  DRIFTMEND_CLICKHOUSE_DATABASE: z.string().prefault("default"),
  FLIGHTS_CONNECTIONS_MAX: wholeNumber(4, 1),
});
type ReplayConfig = z.output<typeof ReplayConfig>;

interface Stage {
  readonly config: ReplayConfig;
  readonly deps: ServiceDeps;
  readonly nats: Nats;
  readonly poster: Poster;
  readonly barrier: Barrier;
  readonly story: Story;
  /** Rejects when the replay is to stop; raced with every wait that may last. */
  readonly stopped: Promise<never>;
}

async function replay(stage: Stage, signal: AbortSignal): Promise<void> {
  const { story, deps, config } = stage;
  const progressPath = join(config.FLIGHTS_FOLDER, "replay.json");
  const begun = await readProgress(progressPath);
  let progress: Progress = begun ?? { doneMs: story.fromMs, predictions: 0, labels: 0 };
  let alreadySent = begun === null ? new Set<string>() : await sentBefore(stage, progress);
  while (progress.doneMs < story.toMs) {
    signal.throwIfAborted();
    const hourMs = progress.doneMs;
    const startedMs = deps.clock.monotonicMs();
    await announce(stage, hourMs);
    if (hourMs % DAY_MS === 0 && hourMs > story.fromMs) {
      say(stage, "waiting", progress);
      await Promise.race([stage.barrier.settled(hourMs), stage.stopped]);
    }
    progress = await sendHour(stage, progress, alreadySent);
    alreadySent = new Set();
    await writeProgress(progressPath, progress);
    say(stage, "replaying", progress);
    await keepPace(stage, startedMs, signal);
  }
  await announce(stage, story.toMs);
  await Promise.race([stage.barrier.settled(story.toMs), stage.stopped]);
  say(stage, "finished", progress);
  process.send?.({ kind: "finished", predictions: progress.predictions, labels: progress.labels });
}

async function announce({ config, poster }: Stage, timeMs: number): Promise<void> {
  const body = JSON.stringify({ model: MODEL, time: new Date(timeMs).toISOString() });
  await poster.postUntilTaken(`${config.FLIGHTS_AGENT_URL}/v1/clock`, "application/json", body);
}

async function sendHour(
  { config, poster, story }: Stage,
  progress: Progress,
  alreadySent: ReadonlySet<string>,
): Promise<Progress> {
  const hourMs = progress.doneMs;
  const flights = story.flightsOf(hourMs).filter(({ id }) => !alreadySent.has(id));
  const requests = requestsOf(flights, new Date(hourMs).toISOString().slice(0, 13));
  const inferUrl = `${config.FLIGHTS_SERVER_URL}/v2/models/${MODEL}/infer`;
  const { earlier, own } = story.labelsOf(hourMs);
  const postLabels = async ({ lines, rows }: LabelLines): Promise<void> => {
    if (rows === 0) return;
    const door = `${config.FLIGHTS_AGENT_URL}/v1/labels`;
    await poster.postUntilTaken(door, "application/x-ndjson", lines);
  };
  await Promise.all([
    postLabels(earlier),
    ...requests.map(async (request) => {
      const answer = await poster.post(inferUrl, "application/json", JSON.stringify(request));
      const isPlanted = request.parameters?.["example_fail"] === true && answer.status === 503;
      if (answer.status !== 200 && !isPlanted) {
        throw new Error(`Cannot ask the model server: ${answer.status} ${answer.body}`);
      }
    }),
  ]);
  // Everything recorded must be accepted before the clock moves on, and a prediction before its label.
  await poster.postUntilTaken(
    `${config.FLIGHTS_SERVER_URL}/example/flush`,
    "application/json",
    "{}",
  );
  await postLabels(own);
  return {
    doneMs: hourMs + HOUR_MS,
    predictions: progress.predictions + flights.length + alreadySent.size,
    labels: progress.labels + earlier.rows + own.rows,
  };
}

/**
 * After a stop in the middle of an hour: the ids of that hour which were accepted. Waits until the agent
 * has nothing unstored, since only stored rows can be asked for.
 */
async function sentBefore(stage: Stage, progress: Progress): Promise<Set<string>> {
  const { config, deps, nats } = stage;
  const allStored = new Promise<void>((resolve) => {
    const close = nats.subscribe(subjects.all("head"), HeadMessage, (head) => {
      if (head.oldestUnstoredMs !== null) return;
      close();
      resolve();
    });
  });
  await Promise.race([allStored, stage.stopped]);
  const store = openStore(
    {
      url: config.DRIFTMEND_CLICKHOUSE_URL,
      user: config.DRIFTMEND_CLICKHOUSE_USER,
      password: config.DRIFTMEND_CLICKHOUSE_PASSWORD,
      database: config.DRIFTMEND_CLICKHOUSE_DATABASE,
    },
    deps,
  );
  const rows = await store.query(predictionIds, {
    model: MODEL,
    fromMs: progress.doneMs,
    toMs: progress.doneMs + HOUR_MS,
  });
  await store.close();
  return new Set(rows.map(({ id }) => id));
}

function say(stage: Stage, phase: ReplayMessage["phase"], progress: Progress): void {
  const message: ReplayMessage = {
    model: MODEL,
    phase,
    clockMs: progress.doneMs,
    fromMs: stage.story.fromMs,
    toMs: stage.story.toMs,
    predictions: progress.predictions,
    labels: progress.labels,
    text: null,
  };
  stage.nats.publish(subjects.replay(MODEL), message);
}

async function keepPace(stage: Stage, startedMs: number, signal: AbortSignal): Promise<void> {
  const daysPerSecond = stage.config.FLIGHTS_DAYS_PER_SECOND_MAX;
  if (daysPerSecond === 0) return;
  const wantedMs = ((HOUR_MS / DAY_MS) * 1000) / daysPerSecond;
  const leftMs = wantedMs - (stage.deps.clock.monotonicMs() - startedMs);
  if (leftMs > 0) await stage.deps.clock.sleep(leftMs, signal);
}

const rejectedOn = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });

await runService({
  name: "replay",
  config: ReplayConfig,
  start: async (config, deps) => {
    const nats = await connectNats({ url: config.DRIFTMEND_NATS_URL, name: "replay" }, deps);
    deps.lifecycle.defer("nats", () => nats.close());
    const poster = createPoster(config.FLIGHTS_CONNECTIONS_MAX, deps);
    deps.lifecycle.defer("connections", poster.close);
    const barrier = openBarrier(MODEL, { nats });
    const stopping = new AbortController();
    const { flights } = await prepareFlights({
      folder: config.FLIGHTS_FOLDER,
      nowMs: deps.clock.nowMs(),
      permuteLabels: config.FLIGHTS_PERMUTE_LABELS === "yes",
    });
    const troubles = config.FLIGHTS_TROUBLES === "yes" ? planTroubles(config.FLIGHTS_SEED) : null;
    const story = tellStory(flights, troubles);
    const stopped = rejectedOn(stopping.signal);
    stopped.catch(() => undefined);
    const stage = { config, deps, nats, poster, barrier, story, stopped };
    const running = replay(stage, stopping.signal);
    // A replay that fails takes its process down with its reason; a stopped one has none.
    running.catch((error: unknown) => {
      if (!stopping.signal.aborted) throw error;
    });
    deps.lifecycle.defer("replay", async () => {
      stopping.abort(new Error("the replay was stopped"));
      await running.catch(() => undefined);
    });
    return { url: config.FLIGHTS_SERVER_URL };
  },
});
