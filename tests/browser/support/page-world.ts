/**
 * A small system behind the page, everything in it real: the engine, NATS, analyzer and retrainer as their own
 * processes, a model server, and the gateway with the built page. Its model, `trips`, was trained on two weeks
 * and watched for three: the world changes on day 21, an hour of day 33 fails, a run waits for approval on day 35.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createGateway } from "../../../cli/up/gateway.ts";
import { pageDirectory } from "../../../cli/up/page.ts";
import { LIMITS } from "../../../contract/limits.ts";
import { SettledMessage } from "../../../contract/messages.ts";
import type { OnboardingDocumentInput } from "../../../contract/onboarding-document.ts";
import { subjects } from "../../../contract/subjects.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { processEnvironment } from "../../../runtime/env.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import { findNatsServer, startNatsServer } from "../../../runtime/nats-server.ts";
import { connectNats } from "../../../runtime/nats.ts";
import { seededRandom } from "../../../runtime/random.ts";
import { type PastRow, loadHistory } from "../../analyzer/support/load-history.ts";
import { type Places, TRAINER, preparePlaces } from "../../retrainer/support/loop-bench.ts";
import { startModelServer } from "../../retrainer/support/model-server.ts";
import { DATABASE } from "../../support/migrated-engine.ts";
import {
  BEGIN_MS,
  CITIES,
  DAY_MS,
  MODEL,
  openSmallWorld,
  truth,
} from "../../retrainer/support/small-world.ts";

export const TOKEN = "an-acting-token-of-the-page-tests";
export const READ_TOKEN = "a-reading-token-of-the-page-tests";
const ROWS_A_DAY = 600;
const TRAINED_DAYS = 14;
const CHANGE_DAY = 21;
const CANARY_DAY = 35;
/** 14:00 to 15:00. */
const FAILING_HOUR = { day: 33, hour: 14, share: 0.4 } as const;

export interface PageWorld extends AsyncDisposable {
  /** Of the gateway. */
  readonly url: string;
  readonly folder: string;
  /** Stops answering for the analyzer, or answers again. */
  setAnalyzer(answers: boolean): void;
  /** The day of the canary comes and goes. */
  passCanary(): Promise<void>;
}

export async function startPageWorld(): Promise<PageWorld> {
  const page = pageDirectory();
  if (page === undefined) throw new Error("The page is not built: node cli/bootstrap.mjs");
  const stops: (() => Promise<unknown>)[] = [];
  const world = await openSmallWorld();
  stops.push(() => world.close());
  await world.serve(0, TRAINED_DAYS);
  const places = await preparePlaces(world.store);
  stops.push(() => rm(places.folder, { recursive: true, force: true }));
  const server = await startModelServer(places.repository, MODEL);
  stops.push(() => server.close());
  const natsServer = await startNatsServer(
    {
      storeDir: join(places.folder, "nats"),
      port: 0,
      maxPayloadBytes: LIMITS.natsPayloadBytesMax,
      binary: findNatsServer(processEnvironment()),
    },
    { clock: systemClock },
  );
  stops.push(() => natsServer.stop());
  const nats = await connectNats({ url: natsServer.url, name: "test" }, { logger: silentLogger });
  stops.push(() => nats.close());
  const settled = { throughMs: 0 };
  nats.subscribe(subjects.settled(MODEL), SettledMessage, ({ throughMs }) => {
    settled.throughMs = Math.max(settled.throughMs, throughMs);
  });
  const start = (service: string) =>
    startService(service, { natsUrl: natsServer.url, engine: world.engine, places });
  const analyzer = await start("analyzer");
  stops.push(() => endService(analyzer.child));
  await putDocument(analyzer.url, places, server.url);
  await load(world.store, TRAINED_DAYS, CANARY_DAY);
  const retrainer = await start("retrainer");
  stops.push(() => endService(retrainer.child));
  const advanceTo = async (day: number): Promise<void> => {
    const ms = BEGIN_MS + day * DAY_MS;
    nats.publish(subjects.watermark(MODEL), {
      ...{ model: MODEL, clock: "replay", watermarkMs: ms, clockMs: ms },
    });
    while (settled.throughMs < ms) await systemClock.sleep(50);
  };
  for (const day of [CANARY_DAY - 7, CANARY_DAY]) await advanceTo(day);
  const urls = { analyzer: analyzer.url as string | null, retrainer: retrainer.url };
  const gateway = createGateway(
    { host: "127.0.0.1", port: 0, tokens: { token: TOKEN, readToken: READ_TOKEN } },
    {
      ...{ logger: silentLogger, metrics: createMetrics("gateway"), page },
      serviceUrl: (name) => (name === "analyzer" || name === "retrainer" ? urls[name] : null),
      self: () => ({ service: "up" }),
    },
  );
  stops.push(() => gateway.close());
  return {
    url: await gateway.listen(),
    folder: places.folder,
    setAnalyzer: (answers) => {
      urls.analyzer = answers ? analyzer.url : null;
    },
    passCanary: async () => {
      await load(world.store, CANARY_DAY, CANARY_DAY + 1);
      await advanceTo(CANARY_DAY + 1);
    },
    [Symbol.asyncDispose]: async () => {
      for (const stop of stops.toReversed()) await stop();
    },
  };
}

type Store = Awaited<ReturnType<typeof openSmallWorld>>["store"];

async function load(store: Store, fromDay: number, toDay: number): Promise<void> {
  const rows = Array.from({ length: toDay - fromDay }, (_, i) => rowsOfDay(fromDay + i)).flat();
  const span = { fromMs: BEGIN_MS + fromDay * DAY_MS, toMs: BEGIN_MS + toDay * DAY_MS };
  await loadHistory(store, { model: MODEL, rows, tags: ["app"], ...span });
}

function rowsOfDay(day: number): PastRow[] {
  const random = seededRandom(1000 + day);
  const changed = day >= CHANGE_DAY;
  return Array.from({ length: ROWS_A_DAY }, (_, i) => {
    const timeOfDay = Math.floor(random.next() * DAY_MS);
    const hour = Math.floor(timeOfDay / 3_600_000);
    const city = random.integer(CITIES.length);
    const ts = BEGIN_MS + day * DAY_MS + timeOfDay;
    const version = day === CANARY_DAY && i % 10 === 0 ? "2" : "1";
    const { day: badDay, hour: badHour, share } = FAILING_HOUR;
    const fails = day === badDay && hour === badHour && random.next() < share;
    // Late more often in the changed world, and in other cities: calibration and ranking both suffer.
    const late = random.next() < truth(hour, city, changed, changed ? 0.7 : 0);
    return {
      ...{ model: MODEL, id: `trip-${day}-${i}`, ts, version },
      num: { hour },
      cat: { city: CITIES[city] ?? "" },
      tags: { app: `a${i % 5}` },
      ...(fails
        ? { error: "internal" }
        : { score: truth(hour, city, version === "2"), label: "0" }),
      latency: 0.002 + 0.004 * random.next() ** 4,
      actual: late ? "1" : "0",
      knownMs: ts + 2 * 3_600_000,
    };
  });
}

async function putDocument(url: string, places: Places, serverUrl: string): Promise<void> {
  const document: OnboardingDocumentInput = {
    apiVersion: "driftmend/v1",
    kind: "Model",
    metadata: { name: MODEL, owner: "trips@example.org" },
    task: { type: "binary", positive: "1" },
    features: {
      hour: { type: "numeric", range: [0, 23], period: 24 },
      city: { type: "categorical" },
    },
    segments: ["app"],
    rollup: "1h",
    labels: { lateness: 0 },
    reference: { training_set: places.trainingSet },
    quality: { primary: "log_loss", slices: "city" },
    service: { error_rate: "1%" },
    retrain: {
      mode: "propose",
      when: [{ probe: { every: "1w", gain: 0.01 } }],
      recalibrate: "off",
      window: { choose: ["2w"], embargo: "7d", minimum_rows: 1000 },
      train: { command: [TRAINER] },
      judge: { block: "7d", cluster: "day" },
    },
    rollout: {
      target: "directory",
      path: places.repository,
      url: serverUrl,
      steps: ["10% 1d", "100%"],
    },
  };
  const response = await fetch(`${url}/api/v1/models/${MODEL}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify(document),
  });
  if (!response.ok) throw new Error(await response.text());
}

async function startService(
  service: string,
  at: {
    readonly natsUrl: string;
    readonly engine: { readonly url: string; readonly user: string; readonly password: string };
    readonly places: Places;
  },
): Promise<{ child: ChildProcess; url: string }> {
  const main = resolve(import.meta.dirname, "..", "..", "..", service, "main.ts");
  const child = spawn(process.execPath, [main], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: {
      ...processEnvironment(),
      DRIFTMEND_PORT: "0",
      DRIFTMEND_LOG_LEVEL: "warn",
      DRIFTMEND_NATS_URL: at.natsUrl,
      DRIFTMEND_CLICKHOUSE_URL: at.engine.url,
      DRIFTMEND_CLICKHOUSE_USER: at.engine.user,
      DRIFTMEND_CLICKHOUSE_PASSWORD: at.engine.password,
      DRIFTMEND_CLICKHOUSE_DATABASE: DATABASE,
      DRIFTMEND_RETRAINER_DATA: join(at.places.folder, "service"),
      DRIFTMEND_TOKEN: TOKEN,
      DRIFTMEND_READ_TOKEN: READ_TOKEN,
    },
  });
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [message] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => {
      throw new Error(`The ${service} ended before it was ready:\n${stderr}`);
    }),
  ])) as [{ kind: string; url: string }];
  if (message.kind !== "ready") throw new Error(stderr);
  return { child, url: message.url };
}

async function endService(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}
