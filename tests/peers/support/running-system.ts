/** `driftmend up` on free ports in a folder of its own, for one peer; stopped and removed when disposed of. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ReadyFile } from "../../../contract/ready-file.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { processEnvironment } from "../../../runtime/env.ts";

const MAIN = resolve(import.meta.dirname, "..", "..", "..", "cli", "main.ts");
const READY_WITHIN_MS = 240_000;
const PORTS = [
  "--port",
  "--otlp-http-port",
  "--otlp-grpc-port",
  "--nats-port",
  "--clickhouse-port",
];

export interface RunningSystem extends AsyncDisposable {
  readonly ready: ReadyFile;
  /** Runs `driftmend <args>` on it: answers stdout, throws with stderr where it fails. */
  driftmend(...args: readonly string[]): Promise<string>;
}

export async function startSystem(args: readonly string[] = []): Promise<RunningSystem> {
  const dataDir = mkdtempSync(join(tmpdir(), "driftmend-peer-"));
  const free = PORTS.flatMap((name) => [name, "0"]);
  const env = { ...processEnvironment(), NO_COLOR: "1" };
  const up = spawn(process.execPath, [MAIN, "up", "--data-dir", dataDir, ...free, ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [up.stdout, up.stderr]) stream.on("data", (chunk) => (output += chunk));
  const exited = once(up, "exit");
  const stop = async (): Promise<void> => {
    up.kill("SIGTERM");
    await exited;
    rmSync(dataDir, { recursive: true, force: true });
  };
  const deadline = systemClock.monotonicMs() + READY_WITHIN_MS;
  let ready: ReadyFile | undefined;
  while (ready === undefined) {
    if (up.exitCode !== null || systemClock.monotonicMs() > deadline) {
      await stop();
      throw new Error(`up is not ready; it said:\n${output}`);
    }
    await systemClock.sleep(100);
    ready = readReady(dataDir);
  }
  return {
    ready,
    driftmend: (...words) => run(words, dataDir, env),
    [Symbol.asyncDispose]: stop,
  };
}

async function run(
  words: readonly string[],
  dataDir: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const child = spawn(process.execPath, [MAIN, ...words, "--data-dir", dataDir], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const [code] = await once(child, "close");
  if (code !== 0)
    throw new Error(`driftmend ${words.join(" ")} ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}

function readReady(dataDir: string): ReadyFile | undefined {
  try {
    return ReadyFile.parse(JSON.parse(readFileSync(join(dataDir, "ready.json"), "utf8")));
  } catch {
    return undefined;
  }
}
