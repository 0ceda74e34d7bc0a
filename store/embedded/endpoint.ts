/**
 * ClickHouse's HTTP interface over the engine inside this process. One per process and only once:
 * the engine cannot be opened again after it was closed beside its threads, so whoever stops the
 * endpoint ends the process.
 */
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createHash } from "node:crypto";
import { Session } from "chdb";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type DirectoryLock, lockDirectory } from "../../runtime/directory-lock.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { EndpointConfig } from "./config.ts";
import { checkFormat, dataDirectory, prepareFolders, writeFormat } from "./data-directory.ts";
import { renderEngineConfig } from "./engine-config.ts";
import { readEngineFacts } from "./engine-facts.ts";
import { createEnginePool } from "./engine-pool.ts";
import type { EndpointContext } from "./endpoint-context.ts";
import { endpointCounters } from "./endpoint-counters.ts";
import { handleRequest } from "./handle-request.ts";
import { planLanes } from "./lanes.ts";
import { createNamedSessions } from "./named-sessions.ts";
import { repairDeduplicationLogs } from "./repair-deduplication-log.ts";
import { createSpool, systemMemoryFolder } from "./spool.ts";
import { TableFolders } from "./table-folders.ts";

export interface EndpointDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly lifecycle: Lifecycle;
  /** Called when the engine cannot go on: the process must end. */
  readonly onFatal: (error: unknown) => void;
}

/**
 * Locks and repairs the data directory, opens the engine and listens. Clean-up is deferred to
 * `deps.lifecycle`: stop listening, let running statements end, close the engine, unlock.
 * @throws {DriftmendError} data_directory_in_use, data_directory_newer, data_directory_unusable,
 *   engine_failed, port_in_use
 */
export async function startEndpoint(
  config: EndpointConfig,
  deps: EndpointDeps,
): Promise<{ url: string }> {
  const { lifecycle, logger, clock } = deps;
  const directory = dataDirectory(config.dataDirectory);
  prepareFolders(directory);
  const lock = lockFor(directory.lockFile, directory.root);
  lifecycle.defer("data directory", () => lock.release());
  const repair = await repairDeduplicationLogs(directory.engine);
  for (const { folder, reason } of repair.repaired) {
    logger.warn({ folder, reason }, "repaired a deduplication log after an unclean stop");
  }
  checkFormat(directory, ENGINE_FLOOR);
  writeFileSync(directory.engineConfig, renderEngineConfig(config), { mode: 0o600 });
  const anchor = openEngine(directory.engine, directory.engineConfig);
  lifecycle.defer("engine", () => anchor.close());
  const facts = await readEngineFacts(anchor);
  if (checkFormat(directory, facts.version).kind === "new")
    await writeFormat(directory, facts.version);

  const instance = createHash("sha256").update(directory.root).digest("hex").slice(0, 12);
  const spool = createSpool({ memory: tmpfsFolder(config), disk: directory.spool }, instance);
  spool.sweep();
  lifecycle.defer("spool", () => spool.sweep());
  const pool = createEnginePool(
    { directory: directory.engine, plan: planLanes(config.cores) },
    { clock, logger, onFatal: deps.onFatal },
  );
  lifecycle.defer("running statements", () => pool.drain());
  const sessions = createNamedSessions(LIMITS.endpointSessionsMax, {
    clock,
    forget: (key) => pool.forgetSession(key),
  });
  lifecycle.defer(
    "sessions",
    clock.every(1000, () => sessions.expire()),
  );
  const context: EndpointContext = {
    accounts: { user: config.user, password: config.password, reader: config.reader },
    limits: {
      statementBytesMax: LIMITS.endpointStatementBytesMax,
      insertBytesMax: LIMITS.endpointInsertBytesMax,
      resultFileBytesMax: LIMITS.endpointResultFileBytesMax,
      queryMemoryBytesMax: Math.floor(config.memoryBytesMax * 0.6),
    },
    facts,
    pool,
    sessions,
    spool,
    tables: new TableFolders(directory.engine, clock),
    displayName: "driftmend",
    clock,
    logger,
    counters: endpointCounters(deps.metrics, pool),
    renderMetrics: () => deps.metrics.render(),
    newId: () => randomUUID(),
  };
  const server = createServer((request, response) => {
    void handleRequest(request, response, context).catch((error: unknown) => {
      logger.error({ err: error }, "a request could not be answered");
      response.destroy();
    });
  });
  const url = await listen(server, config);
  lifecycle.defer("listener", () => stopListening(server, clock));
  return { url };
}

function lockFor(lockFile: string, directory: string): DirectoryLock {
  const lock = lockDirectory(lockFile);
  if (lock !== null) return lock;
  throw new DriftmendError("data_directory_in_use", {
    retry: "never",
    message: `Cannot open the data directory "${directory}" as only one process may use it: another one has it open`,
    next: "Stop the other process, or name another data directory.",
  });
}

/**
 * The engine this release is built on; a directory written by a newer one is refused before it is
 * opened.
 */
const ENGINE_FLOOR = "26.7";

function openEngine(path: string, configFile: string): Session {
  try {
    return new Session(path, { connectionArgs: [`--config-file=${configFile}`] });
  } catch (cause) {
    throw new DriftmendError("engine_failed", {
      retry: "never",
      message: `Cannot open the engine in "${path}": ${cause instanceof Error ? cause.message : String(cause)}`,
      next: "See docs/errors.md#engine_failed.",
      cause,
    });
  }
}

function tmpfsFolder(config: EndpointConfig): string | undefined {
  if (config.tmpfs === "none") return undefined;
  return config.tmpfs === "auto" ? systemMemoryFolder() : config.tmpfs.folder;
}

function listen(server: Server, config: EndpointConfig): Promise<string> {
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.requestTimeout = UPLOAD_MS_MAX;
  server.maxRequestsPerSocket = 0;
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      if (cause.code !== "EADDRINUSE") return reject(cause);
      const message = `Cannot listen on ${config.host}:${config.port} as the port must be free`;
      const next = "Name another port, or 0 for any free one.";
      reject(new DriftmendError("port_in_use", { retry: "never", message, next, cause }));
    });
    server.listen(config.port, config.host, () => {
      const { address, port } = server.address() as AddressInfo;
      resolve(`http://${address.includes(":") ? `[${address}]` : address}:${port}`);
    });
  });
}

/** Longer than clients keep idle connections, so that they close first. */
const KEEP_ALIVE_MS = 30_000;
const UPLOAD_MS_MAX = 3_600_000;
const LAST_REQUESTS_MS = 5_000;

/**
 * No new connections; what runs may end within some seconds, then its client is cut (and it is
 * killed).
 */
async function stopListening(server: Server, clock: Clock): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const waited = new AbortController();
  await Promise.race([closed, clock.sleep(LAST_REQUESTS_MS, waited.signal).catch(() => undefined)]);
  waited.abort();
  server.closeAllConnections();
  await closed;
}
