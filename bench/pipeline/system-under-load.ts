/** Agent, nats-server, collector and embedded store as processes, and what each of them costs. */
import { readFileSync } from "node:fs";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { LIMITS } from "../../contract/limits.ts";
import { systemClock } from "../../runtime/clock.ts";
import { processEnvironment } from "../../runtime/env.ts";
import { LEAN_ENVIRONMENT, LEAN_FLAGS } from "../../runtime/lean-process.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { findNatsServer, startNatsServer } from "../../runtime/nats-server.ts";
import { type Store, openStore } from "../../store/client.ts";
import { storeEnvironment } from "../../store/embedded/process-environment.ts";
import { migrate } from "../../store/migrate.ts";
import { type Killable, keepAlive, startModule } from "../../tests/crash/killable.ts";
import { freePort } from "../../tests/support/free-port.ts";

export const PROCESSES = ["agent", "nats", "collector", "store"] as const;
export type ProcessName = (typeof PROCESSES)[number];

export interface SystemUnderLoad extends AsyncDisposable {
  readonly agentUrl: string;
  readonly agentGrpcUrl: string;
  readonly natsUrl: string;
  readonly store: Store;
  /** CPU milliseconds that a process has used so far. */
  cpuMs(name: ProcessName): number;
  residentMib(name: ProcessName): number;
}

const PASSWORD = "a-password-of-the-benchmark";
const TICKS_PER_SECOND = 100;
const module = (path: string): string => resolve(import.meta.dirname, "../..", path);

export async function startSystem(): Promise<SystemUnderLoad> {
  const folder = mkdtempSync(join(tmpdir(), "driftmend-bench-"));
  const maxPayloadBytes = LIMITS.natsPayloadBytesMax;
  const binary = findNatsServer(processEnvironment());
  const nats = await startNatsServer(
    { storeDir: join(folder, "nats"), port: 0, maxPayloadBytes, binary },
    { clock: systemClock },
  );
  const pids: Partial<Record<ProcessName, number>> = { nats: nats.pid };
  const start = (name: ProcessName, path: string, env: Record<string, string>): Promise<Killable> =>
    keepAlive(name, () => {
      const life = startModule(module(path), { DRIFTMEND_LOG_LEVEL: "error", ...env }, "inherit");
      pids[name] = life.pid();
      return life;
    });
  const embedded = await start("store", "store/embedded/main.ts", {
    DRIFTMEND_STORE_PORT: "0",
    DRIFTMEND_STORE_DATA: join(folder, "clickhouse"),
    DRIFTMEND_STORE_USER: "driftmend",
    DRIFTMEND_STORE_PASSWORD: PASSWORD,
    ...storeEnvironment(availableParallelism()),
  });
  const store = openStore(
    { url: embedded.url, user: "driftmend", password: PASSWORD, database: "driftmend" },
    { clock: systemClock, logger: silentLogger },
  );
  await migrate(store, {}, { clock: systemClock });
  const collector = await start("collector", "collector/main.ts", {
    DRIFTMEND_PORT: "0",
    DRIFTMEND_NATS_URL: nats.url,
    DRIFTMEND_CLICKHOUSE_URL: embedded.url,
    DRIFTMEND_CLICKHOUSE_USER: "driftmend",
    DRIFTMEND_CLICKHOUSE_PASSWORD: PASSWORD,
    DRIFTMEND_CLICKHOUSE_DATABASE: "driftmend",
  });
  const grpcPort = await freePort();
  const agent = await start("agent", "agent/main.ts", {
    ...LEAN_ENVIRONMENT,
    NODE_OPTIONS: LEAN_FLAGS.join(" "),
    DRIFTMEND_OTLP_HTTP_PORT: "0",
    DRIFTMEND_OTLP_GRPC_PORT: String(grpcPort),
    DRIFTMEND_SPOOL_DIR: join(folder, "agent"),
    DRIFTMEND_NATS_URL: nats.url,
  });
  return {
    agentUrl: agent.url,
    agentGrpcUrl: `http://127.0.0.1:${grpcPort}`,
    natsUrl: nats.url,
    store,
    cpuMs: (name) => cpuMsOf(pids[name] ?? 0),
    residentMib: (name) => residentMibOf(pids[name] ?? 0),
    [Symbol.asyncDispose]: async () => {
      await agent.stop();
      await collector.stop();
      await store.close();
      await embedded.stop();
      await nats.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** User and system time of a process and its threads (proc(5), fields 14 and 15). */
function cpuMsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

function residentMibOf(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1024;
}
