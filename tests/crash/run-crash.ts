/**
 * The whole way from the agent's door to the tables under load, while every process of it is killed at random
 * moments: nothing that was answered may be lost, nothing may be there twice, rollups must equal raw.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { LIMITS } from "../../contract/limits.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { findNatsServer, startNatsServer } from "../../runtime/nats-server.ts";
import { type Random, seededRandom } from "../../runtime/random.ts";
import { storeEnvironment } from "../../store/embedded/process-environment.ts";
import { type Store, openStore } from "../../store/client.ts";
import { count } from "../../store/column-schemas.ts";
import { defineQuery } from "../../store/define-query.ts";
import { migrate } from "../../store/migrate.ts";
import { rollupTiers } from "../../store/queries/rollups-from-raw.ts";
import { type Killable, keepAlive, startModule } from "./killable.ts";
import { LOAD_MODEL, type Load, startLoad } from "./load.ts";

export interface CrashOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly rowsPerRequest: number;
  readonly say: (line: string) => void;
}

export interface CrashReport {
  readonly kills: Readonly<Record<string, number>>;
  readonly accepted: Load["accepted"];
  readonly lost: number;
  readonly twice: number;
  readonly labelsLost: number;
  /** Requests that the model's server told of, less those that are stored; below 0 some are there twice. */
  readonly servedLost: number;
  readonly outcomesMissing: number;
  /** Cells of rollups that differ from raw. */
  readonly rollupDifferences: number;
  readonly deadLetters: number;
}

const PASSWORD = "a-password-of-the-crash-test";
const CALM_MS = { min: 700, max: 2_500 };
const SETTLE_MS_MAX = 120_000;
const HOUR_MS = 3_600_000;
const module = (path: string): string => resolve(import.meta.dirname, "../..", path);

export async function runCrash(options: CrashOptions): Promise<CrashReport> {
  const folder = mkdtempSync(join(tmpdir(), "driftmend-crash-"));
  const stops: (() => Promise<void>)[] = [];
  try {
    return await crash(options, folder, stops);
  } finally {
    for (const stop of stops.toReversed()) await stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function crash(
  options: CrashOptions,
  folder: string,
  stops: (() => Promise<void>)[],
): Promise<CrashReport> {
  const random = seededRandom(options.seed);
  const started = (service: Killable): Killable => {
    stops.push(() => service.stop());
    return service;
  };
  const nats = started(await startNats(join(folder, "nats")));
  const embedded = started(await startStore(join(folder, "clickhouse"), random));
  const store = openStore(
    { url: embedded.url, user: "driftmend", password: PASSWORD, database: "driftmend" },
    { clock: systemClock, logger: silentLogger },
  );
  stops.push(() => store.close());
  await migrate(store, {}, { clock: systemClock });
  await describeModel(store);
  const collector = started(await startCollector(nats.url, embedded.url));
  const agent = started(await startAgent(join(folder, "agent"), nats.url));
  const load = startLoad(
    () => agent.currentUrl(),
    seededRandom(options.seed + 1),
    options.rowsPerRequest,
  );
  const victims = [agent, nats, collector, embedded];
  const kills = await killFor(options, random, victims);
  await load.finish();
  options.say(`load ended: ${JSON.stringify(load.accepted)}`);
  await settled(store, load.accepted);
  return { kills, accepted: { ...load.accepted }, ...(await verify(store, load.accepted)) };
}

/** Kills one process after the other, sometimes two at once, without waiting until they are back. */
async function killFor(
  options: CrashOptions,
  random: Random,
  victims: readonly Killable[],
): Promise<Record<string, number>> {
  const kills: Record<string, number> = {};
  const endMs = performance.now() + options.durationMs;
  while (performance.now() < endMs) {
    await systemClock.sleep(CALM_MS.min + random.integer(CALM_MS.max - CALM_MS.min));
    const first = victims[random.integer(victims.length)];
    const second = random.next() < 0.25 ? victims[random.integer(victims.length)] : undefined;
    const chosen = [...new Set([first, second])].filter((victim) => victim !== undefined);
    for (const victim of chosen) {
      victim.kill();
      kills[victim.name] = (kills[victim.name] ?? 0) + 1;
    }
    options.say(`killed ${chosen.map(({ name }) => name).join(" and ")}`);
  }
  await Promise.all(victims.map((victim) => victim.ready()));
  return kills;
}

function startNats(storeDir: string): Promise<Killable> {
  const binary = findNatsServer(process.env);
  let port = 0;
  return keepAlive("nats-server", () => {
    const options = { storeDir, port, maxPayloadBytes: LIMITS.natsPayloadBytesMax, binary };
    const starting = startNatsServer(options, { clock: systemClock }).catch(() => null);
    return {
      ready: starting.then((server) => {
        port = server?.port ?? port;
        return server?.url ?? null;
      }),
      exited: starting.then((server) => server?.exited),
      kill: (signal) => {
        void starting.then((server) => (signal === "SIGKILL" ? server?.kill() : server?.stop()));
      },
    };
  });
}

/** On a fixed port, since whoever uses it knows its first URL. */
function startStore(data: string, random: Random): Promise<Killable> {
  const port = String(20_000 + random.integer(20_000));
  return keepAlive("store", () =>
    startModule(module("store/embedded/main.ts"), {
      DRIFTMEND_LOG_LEVEL: "error",
      DRIFTMEND_STORE_PORT: port,
      DRIFTMEND_STORE_DATA: data,
      DRIFTMEND_STORE_USER: "driftmend",
      DRIFTMEND_STORE_PASSWORD: PASSWORD,
      ...storeEnvironment(availableParallelism()),
    }),
  );
}

function startCollector(natsUrl: string, clickhouseUrl: string): Promise<Killable> {
  return keepAlive("collector", () =>
    startModule(module("collector/main.ts"), {
      DRIFTMEND_LOG_LEVEL: "silent",
      DRIFTMEND_PORT: "0",
      DRIFTMEND_NATS_URL: natsUrl,
      DRIFTMEND_CLICKHOUSE_URL: clickhouseUrl,
      DRIFTMEND_CLICKHOUSE_USER: "driftmend",
      DRIFTMEND_CLICKHOUSE_PASSWORD: PASSWORD,
      DRIFTMEND_CLICKHOUSE_DATABASE: "driftmend",
    }),
  );
}

function startAgent(spoolDir: string, natsUrl: string): Promise<Killable> {
  return keepAlive("agent", () =>
    startModule(module("agent/main.ts"), {
      DRIFTMEND_LOG_LEVEL: "silent",
      DRIFTMEND_OTLP_HTTP_PORT: "0",
      DRIFTMEND_OTLP_GRPC_PORT: "off",
      DRIFTMEND_SPOOL_DIR: spoolDir,
      DRIFTMEND_NATS_URL: natsUrl,
    }),
  );
}

async function describeModel(store: Store): Promise<void> {
  const document = {
    apiVersion: "driftmend/v1",
    kind: "Model",
    metadata: { name: LOAD_MODEL },
    task: { type: "binary" },
    segments: ["client"],
    rollup: "1m",
  };
  const common = { model: LOAD_MODEL, status: "active", by: "test", detail: "" };
  await store.insert("models", [
    { ...common, document: JSON.stringify(document), updated: 0, revision: 1 },
  ]);
}

async function numberOf(store: Store, sql: string): Promise<number> {
  const params = z.object({});
  const row = z.object({ n: count });
  const [first] = await store.query(defineQuery({ name: "crash test", params, row, sql }), {});
  return first?.n ?? 0;
}

const PREDICTIONS = "SELECT count() AS n FROM predictions";
const SERVED = "SELECT toInt64(sum(value)) AS n FROM server_metrics WHERE measure = 'requests'";
const OUTCOMES = "SELECT count() AS n FROM outcomes FINAL";

/** Waits until everything is there, or until nothing has moved for a while. */
async function settled(store: Store, accepted: CrashReport["accepted"]): Promise<void> {
  const endMs = performance.now() + SETTLE_MS_MAX;
  while (performance.now() < endMs) {
    const predictions = await numberOf(store, PREDICTIONS);
    const outcomes = await numberOf(store, OUTCOMES);
    const served = await numberOf(store, SERVED);
    const isAllThere = predictions >= accepted.predictions && outcomes >= accepted.labels;
    if (isAllThere && served >= accepted.served) break;
    await systemClock.sleep(250);
  }
  // The last group's rollups may still be on their way.
  await systemClock.sleep(2_000);
}

async function verify(store: Store, accepted: CrashReport["accepted"]) {
  const rows = await numberOf(store, PREDICTIONS);
  const ids = await numberOf(store, "SELECT uniqExact(id) AS n FROM predictions");
  const labels = await numberOf(store, "SELECT uniqExact(id) AS n FROM labels");
  const outcomes = await numberOf(store, OUTCOMES);
  const nowMs = Date.now();
  const day = 24 * HOUR_MS;
  const span = {
    model: LOAD_MODEL,
    from: Math.floor((nowMs - day) / day) * day,
    to: Math.ceil((nowMs + HOUR_MS) / day) * day,
  };
  let rollupDifferences = 0;
  for (const tier of ["minutes", "hours", "days"] as const) {
    const queries = rollupTiers[tier];
    for (const query of [queries.countFeatureDifferences, queries.countModelDifferences]) {
      rollupDifferences += (await store.query(query, span))[0]?.n ?? 0;
    }
  }
  return {
    lost: accepted.predictions - ids,
    twice: rows - ids,
    labelsLost: accepted.labels - labels,
    servedLost: accepted.served - (await numberOf(store, SERVED)),
    outcomesMissing: accepted.labels - outcomes,
    rollupDifferences,
    deadLetters: await numberOf(store, "SELECT count() AS n FROM dead_letters"),
  };
}
