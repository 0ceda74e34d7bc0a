/**
 * A nats-server with JetStream on disk as a child of this process, on loopback. It never outlives the
 * process that started it: a watcher in the same shell ends it when our end of its standard input is
 * gone, also after a kill -9. Nothing here needs more than nats-server 2.9.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { DriftmendError } from "../contract/driftmend-error.ts";
import { writeFileAtomic } from "./atomic-file.ts";
import type { Clock } from "./clock.ts";
import type { Environment } from "./env.ts";

export interface NatsServerOptions {
  /** Folder of the configuration file and of JetStream's streams; made when absent. */
  readonly storeDir: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly maxPayloadBytes: number;
  /** Whom it lets in; left out: everyone on this machine. Stands in the file of mode 0600 alone. */
  readonly login?: { readonly user: string; readonly password: string };
  /** The executable; found by `findNatsServer` by its callers. */
  readonly binary: string;
}

export interface NatsServer {
  /** Without credentials. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves once the process has ended, however it came about. */
  readonly exited: Promise<string>;
  /** SIGTERM, and SIGKILL when that takes longer than ten seconds. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 10_000;
const SAID_LINES_MAX = 20;

/** The folder that holds package.json when run from sources: runtime/.. */
const CHECKOUT = resolve(import.meta.dirname, "..");

/**
 * The nats-server to run: `NATS_SERVER`, what the bootstrap left in `.cache/nats` (it fetches one only
 * where the PATH has none that is new enough), or the PATH.
 * @throws {DriftmendError} nats_server_missing
 */
export function findNatsServer(env: Environment, checkout: string = CHECKOUT): string {
  const named = env["NATS_SERVER"];
  if (named !== undefined && named !== "") {
    if (isExecutable(named)) return resolve(named);
    throw missing(`NATS_SERVER names "${named}", which is not an executable file`);
  }
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const candidates = [
    join(checkout, ".cache", "nats", "nats-server"),
    join(checkout, "..", ".cache", "nats", "nats-server"),
    ...folders.map((folder) => join(folder, "nats-server")),
  ];
  const found = candidates.find(isExecutable);
  if (found === undefined) throw missing("there is none on the PATH nor in the cache");
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function missing(state: string): DriftmendError {
  return new DriftmendError("nats_server_missing", {
    retry: "never",
    message: `Cannot start the transport as a nats-server (2.9 or newer) must be installed: ${state}`,
    next: 'Install it from https://github.com/nats-io/nats-server/releases, or set NATS_SERVER to its path; "node cli/bootstrap.mjs" of a checkout fetches it.',
  });
}

/** The text of the configuration file. `sync_interval` stays out: 2.9 refuses it, and the spools are the truth. */
export function natsConfiguration(options: Omit<NatsServerOptions, "binary">): string {
  const { login } = options;
  return [
    "host: 127.0.0.1",
    `port: ${options.port === 0 ? -1 : options.port}`,
    `max_payload: ${options.maxPayloadBytes}`,
    `jetstream { store_dir: ${JSON.stringify(options.storeDir)} }`,
    ...(login === undefined
      ? []
      : [
          `authorization { user: ${JSON.stringify(login.user)}, password: ${JSON.stringify(login.password)} }`,
        ]),
    "",
  ].join("\n");
}

/**
 * Starts the server and resolves when it accepts connections.
 * `line` gets every line of its log.
 * @throws {DriftmendError} port_in_use, nats_server_failed
 */
export async function startNatsServer(
  options: NatsServerOptions,
  deps: { readonly clock: Clock; readonly line?: (text: string) => void },
): Promise<NatsServer> {
  mkdirSync(options.storeDir, { recursive: true });
  const file = join(options.storeDir, "nats-server.conf");
  await writeFileAtomic(file, natsConfiguration(options), 0o600);
  const child = spawnWatched(options.binary, ["-c", file]);
  const exited = exitOf(child);
  const port = await portOnceReady(child, exited, options, deps);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    const done = new AbortController();
    const late = deps.clock.sleep(STOP_DEADLINE_MS, done.signal).then(
      () => child.kill("SIGKILL"),
      () => undefined,
    );
    await exited;
    done.abort();
    await late;
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    pid: child.pid as number,
    exited,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}

/** Resolves with the port that it listens on; gives up at its end or at the deadline. */
async function portOnceReady(
  child: ChildProcess,
  exited: Promise<string>,
  options: NatsServerOptions,
  deps: { readonly clock: Clock; readonly line?: (text: string) => void },
): Promise<number> {
  const said: string[] = [];
  const ready = Promise.withResolvers<number>();
  let listening: number | undefined;
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on("line", (text) => {
    deps.line?.(text);
    said.push(text);
    if (said.length > SAID_LINES_MAX) said.shift();
    listening ??= portOfLine(text);
    if (text.endsWith("Server is ready") && listening !== undefined) ready.resolve(listening);
  });
  void exited.then((how) => ready.reject(startFailure(options, how, said)));
  const deadline = new AbortController();
  const late = deps.clock.sleep(START_DEADLINE_MS, deadline.signal).then(
    () => {
      child.kill("SIGKILL");
      ready.reject(startFailure(options, `not ready within ${START_DEADLINE_MS} ms`, said));
    },
    () => undefined,
  );
  try {
    return await ready.promise;
  } finally {
    deadline.abort();
    await late;
  }
}

function portOfLine(text: string): number | undefined {
  const port = /Listening for client connections on [^ ]*:(\d+)/.exec(text)?.[1];
  return port === undefined ? undefined : Number(port);
}

/**
 * A shell that leaves a watcher behind and becomes the program itself, so the child's pid is the
 * program's. The watcher blocks on our pipe: a line means "it ended, go", end of file means that we are
 * gone. Detached: Ctrl-C in the terminal must reach us alone, since we stop children in order.
 */
function spawnWatched(program: string, args: readonly string[]): ChildProcess {
  const script =
    'exec 3<&0 </dev/null; (read -r _ <&3 || kill -9 $$) >/dev/null 2>&1 & exec "$0" "$@" 3<&-';
  const child = spawn("/bin/sh", ["-c", script, program, ...args], {
    stdio: ["pipe", "ignore", "pipe"],
    detached: true,
  });
  child.stdin?.on("error", () => undefined);
  child.once("exit", () => child.stdin?.end("\n"));
  return child;
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolveExit) => {
    child.once("exit", (code, signal) =>
      resolveExit(signal === null ? `exit code ${code}` : `signal ${signal}`),
    );
    child.once("error", (error) => resolveExit(String(error)));
  });
}

function startFailure(
  options: NatsServerOptions,
  how: string,
  said: readonly string[],
): DriftmendError {
  if (said.some((text) => text.includes("address already in use"))) {
    return new DriftmendError("port_in_use", {
      retry: "never",
      message: `Cannot start nats-server on 127.0.0.1:${options.port} as the port must be free`,
      next: "Name another port with --nats-port, or 0 for any free one.",
    });
  }
  return new DriftmendError("nats_server_failed", {
    retry: "later",
    message: `Cannot start "${options.binary}" as it must accept connections: ${how}; it said: ${said.join(" | ")}`,
    next: `Run "${options.binary} -c ${join(options.storeDir, "nats-server.conf")}" to see it fail.`,
  });
}
