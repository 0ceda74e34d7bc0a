/** Agent, nats-server, collector and store as processes that come back when they die, with what can go wrong between them. */
import { closeSync, openSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { LIMITS } from "../../contract/limits.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { findNatsServer, startNatsServer } from "../../runtime/nats-server.ts";
import { type Store, openStore } from "../../store/client.ts";
import { storeEnvironment } from "../../store/embedded/process-environment.ts";
import { migrate } from "../../store/migrate.ts";
import { freePort } from "../support/free-port.ts";
import { smallDisk } from "../support/small-disk.ts";
import { type Killable, keepAlive, startModule } from "./killable.ts";
import type { LinkName, ProcessName } from "./plan-faults.ts";
import { type Relay, openRelay } from "./relay.ts";

export interface CrashSystem {
  readonly folder: string;
  readonly processes: Readonly<Record<ProcessName, Killable>>;
  readonly links: Readonly<Record<LinkName, Relay>>;
  /** Not through a link. */
  readonly store: Store;
  /** Where the spool lies: a small disk of its own where this user may mount one. */
  readonly spoolFolder: string;
  readonly spoolDiskIsSmall: boolean;
  /** Logs of what was fsynced, by folder; empty where it cannot be told. */
  readonly fsyncLogs: readonly { readonly folder: string; readonly log: string }[];
  /** What all lives of the services logged. */
  readonly logFile: string;
  setClockOffset(ms: number): void;
}

export interface CrashSystemOptions {
  readonly folder: string;
  /** Library that writes down what is fsynced; null for none. */
  readonly fsyncLibrary: string | null;
  /** What is to be ended, in the order in which it was begun. */
  readonly stops: (() => Promise<void>)[];
}

const PASSWORD = "a-password-of-the-crash-test";
const SPOOL_DISK_MEGABYTES = 96;
const module = (path: string): string => resolve(import.meta.dirname, "../..", path);
const CLOCK_JUMPS = resolve(import.meta.dirname, "children/clock-jumps.ts");

export async function startCrashSystem(options: CrashSystemOptions): Promise<CrashSystem> {
  const { folder, stops } = options;
  const disk = smallDisk(SPOOL_DISK_MEGABYTES);
  if (disk !== null) stops.push(async () => disk.remove());
  const spoolFolder = join(disk?.path ?? folder, "agent");
  const storeFolder = join(folder, "clickhouse");
  const offsetFile = join(folder, "clock-offset");
  const logFile = join(folder, "log.ndjson");
  const log = openSync(logFile, "a");
  stops.push(async () => closeSync(log));
  const clockEnv = { NODE_OPTIONS: `--import=${CLOCK_JUMPS}`, CLOCK_OFFSET_FILE: offsetFile };
  const fsyncLogs: { folder: string; log: string }[] = [];
  const loggedEnv = (name: string, watched: string): Record<string, string> => {
    if (options.fsyncLibrary === null) return {};
    const fsyncLog = join(folder, `${name}.fsync-log`);
    fsyncLogs.push({ folder: watched, log: fsyncLog });
    return { LD_PRELOAD: options.fsyncLibrary, FSYNC_LOG: fsyncLog };
  };
  const started = (service: Killable): Killable => {
    stops.push(() => service.stop());
    return service;
  };
  const link = async (url: string): Promise<Relay> => {
    const relay = await openRelay(Number(new URL(url).port));
    stops.push(() => relay.close());
    return relay;
  };

  const nats = started(await startNats(join(folder, "nats")));
  const embedded = started(
    await startStore(storeFolder, await freePort(), log, loggedEnv("store", storeFolder)),
  );
  const store = openStore(
    { url: embedded.url, user: "driftmend", password: PASSWORD, database: "driftmend" },
    { clock: systemClock, logger: silentLogger },
  );
  stops.push(() => store.close());
  await migrate(store, {}, { clock: systemClock });
  const links = {
    "agent-nats": await link(nats.url),
    "collector-nats": await link(nats.url),
    "collector-store": await link(embedded.url),
  };
  const collector = started(
    await startCollector(links["collector-nats"], links["collector-store"], log, clockEnv),
  );
  const agent = started(
    await startAgent(spoolFolder, links["agent-nats"], log, {
      ...clockEnv,
      ...loggedEnv("agent", spoolFolder),
    }),
  );
  return {
    folder,
    processes: { agent, "nats-server": nats, collector, store: embedded },
    links,
    store,
    spoolFolder,
    spoolDiskIsSmall: disk !== null,
    fsyncLogs,
    logFile,
    setClockOffset: (ms) => {
      if (ms === 0) rmSync(offsetFile, { force: true });
      else writeFileSync(offsetFile, String(ms));
    },
  };
}

function startNats(storeDir: string): Promise<Killable> {
  const binary = findNatsServer(process.env);
  let port = 0;
  return keepAlive("nats-server", () => {
    const options = { storeDir, port, maxPayloadBytes: LIMITS.natsPayloadBytesMax, binary };
    const starting = startNatsServer(options, { clock: systemClock }).catch(() => null);
    let pid = 0;
    void starting.then((server) => (pid = server?.pid ?? 0));
    return {
      pid: () => pid,
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
function startStore(
  data: string,
  port: number,
  log: number,
  env: Record<string, string>,
): Promise<Killable> {
  return keepAlive("store", () =>
    startModule(
      module("store/embedded/main.ts"),
      {
        DRIFTMEND_LOG_LEVEL: "info",
        DRIFTMEND_STORE_PORT: String(port),
        DRIFTMEND_STORE_DATA: data,
        DRIFTMEND_STORE_USER: "driftmend",
        DRIFTMEND_STORE_PASSWORD: PASSWORD,
        ...storeEnvironment(availableParallelism()),
        ...env,
      },
      log,
    ),
  );
}

function startCollector(
  nats: Relay,
  store: Relay,
  log: number,
  env: Record<string, string>,
): Promise<Killable> {
  return keepAlive("collector", () =>
    startModule(
      module("collector/main.ts"),
      {
        DRIFTMEND_LOG_LEVEL: "info",
        DRIFTMEND_PORT: "0",
        DRIFTMEND_NATS_URL: `nats://127.0.0.1:${nats.port}`,
        DRIFTMEND_CLICKHOUSE_URL: `http://127.0.0.1:${store.port}`,
        DRIFTMEND_CLICKHOUSE_USER: "driftmend",
        DRIFTMEND_CLICKHOUSE_PASSWORD: PASSWORD,
        DRIFTMEND_CLICKHOUSE_DATABASE: "driftmend",
        ...env,
      },
      log,
    ),
  );
}

function startAgent(
  spoolDir: string,
  nats: Relay,
  log: number,
  env: Record<string, string>,
): Promise<Killable> {
  return keepAlive("agent", () =>
    startModule(
      module("agent/main.ts"),
      {
        DRIFTMEND_LOG_LEVEL: "info",
        DRIFTMEND_OTLP_HTTP_PORT: "0",
        DRIFTMEND_OTLP_GRPC_PORT: "off",
        DRIFTMEND_SPOOL_DIR: spoolDir,
        DRIFTMEND_NATS_URL: `nats://127.0.0.1:${nats.port}`,
        ...env,
      },
      log,
    ),
  );
}
