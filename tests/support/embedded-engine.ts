/**
 * The embedded store as tests use it: a real child process on a free port with a data directory of
 * its own, which can be killed and started again on the same data.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client";
import { processEnvironment } from "../../runtime/env.ts";
import { storeEnvironment } from "../../store/embedded/process-environment.ts";

export interface EmbeddedEngine extends AsyncDisposable {
  /** The same after a restart. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly readUser: string;
  readonly readPassword: string;
  /** Speaks as `user`; survives restarts. */
  readonly client: ClickHouseClient;
  readonly dataDirectory: string;
  readonly pid: number;
  /** SIGKILL, and waits until the process is gone. */
  kill(): Promise<void>;
  /** Starts again on the same data and port, after `kill` or a clean stop. */
  restart(): Promise<void>;
  /** Clean stop (SIGTERM); answers the exit code. Data stays until the engine is disposed of. */
  stop(): Promise<number | null>;
}

export interface EmbeddedEngineOptions {
  /** More environment: any setting of `store/embedded/config.ts`. */
  readonly env?: Readonly<Record<string, string>>;
  /** An existing data directory, which is then kept; default: a temporary one. */
  readonly dataDirectory?: string;
  /** The data directory of a store that was stopped: the temporary one begins as its copy. */
  readonly beginsAs?: string;
}

const MAIN = fileURLToPath(new URL("../../store/embedded/main.ts", import.meta.url));
const PASSWORD = "embedded-engine-password";
const READ_PASSWORD = "embedded-engine-read-password";
const STDERR_KEPT = 8192;
/** Links within the folder stay links within it. */
const COPY = { recursive: true, verbatimSymlinks: true };

/**
 * Starts the store and waits until it is ready; throws with what it wrote to stderr if it ends
 * before.
 */
export async function startEmbeddedEngine(
  options: EmbeddedEngineOptions = {},
): Promise<EmbeddedEngine> {
  const temporary = options.dataDirectory === undefined;
  const dataDirectory =
    options.dataDirectory ?? (await mkdtemp(join(tmpdir(), "driftmend-engine-")));
  if (options.beginsAs !== undefined) await cp(options.beginsAs, dataDirectory, COPY);
  const env = {
    DRIFTMEND_LOG_LEVEL: "warn",
    DRIFTMEND_STORE_USER: "driftmend",
    DRIFTMEND_STORE_PASSWORD: PASSWORD,
    DRIFTMEND_STORE_READ_USER: "driftmend_read",
    DRIFTMEND_STORE_READ_PASSWORD: READ_PASSWORD,
    DRIFTMEND_STORE_DATA: dataDirectory,
    ...options.env,
  };
  let running = await spawnStore({ DRIFTMEND_STORE_PORT: "0", ...env });
  const { url } = running;
  const port = new URL(url).port;
  const client = createClient({
    url,
    username: "driftmend",
    password: PASSWORD,
    log: { level: ClickHouseLogLevel.OFF },
  });
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const { child } = running;
    running.expectEnd();
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
    return child.exitCode;
  };
  return {
    url,
    user: "driftmend",
    password: PASSWORD,
    readUser: "driftmend_read",
    readPassword: READ_PASSWORD,
    client,
    dataDirectory,
    get pid() {
      return running.child.pid ?? 0;
    },
    kill: async () => {
      await end("SIGKILL");
    },
    restart: async () => {
      await end("SIGTERM");
      running = await spawnStore({ ...env, DRIFTMEND_STORE_PORT: port });
    },
    stop: () => end("SIGTERM"),
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await end("SIGTERM");
      if (temporary) await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}

/**
 * Spawns the store's process with exactly this configuration and waits for its `ready` message. A
 * store that ends later without `expectEnd` is told of with its last words: the test that meets it
 * sees a refused connection and nothing else.
 */
export async function spawnStore(
  env: Readonly<Record<string, string>>,
): Promise<{ child: ChildProcess; url: string; expectEnd: () => void }> {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...processEnvironment(),
      ...storeEnvironment(availableParallelism()),
      ...env,
    },
    stdio: ["ignore", "inherit", "pipe", "ipc"],
  });
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT);
  });
  const ready = new Promise<string>((resolve, reject) => {
    child.on("message", (message: { kind: string; url?: string }) => {
      if (message.kind === "ready" && message.url !== undefined) resolve(message.url);
    });
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      reject(new Error(`The store ended with ${code ?? signal} before it was ready:\n${stderr}`));
    });
  });
  const url = await ready;
  let expected = false;
  child.once("exit", (code, signal) => {
    if (expected) return;
    process.stderr.write(`The store at ${url} ended by itself (${code ?? signal}):\n${stderr}\n`);
  });
  return { child, url, expectEnd: () => (expected = true) };
}
