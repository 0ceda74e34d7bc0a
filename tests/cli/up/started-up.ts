/** `driftmend up` as a process of its own, on free ports, with everything that it printed. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ReadyFile } from "../../../contract/ready-file.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { processEnvironment } from "../../../runtime/env.ts";

const MAIN = resolve(import.meta.dirname, "..", "..", "..", "cli", "main.ts");
const READY_WITHIN_MS = 90_000;

export interface StartedUp {
  readonly process: ChildProcess;
  readonly output: () => string;
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>;
}

export function startUp(
  dataDir: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): StartedUp {
  const ports = ["", "otlp-http-", "otlp-grpc-", "nats-", "clickhouse-"];
  const free = ports.flatMap((name) => [`--${name}port`, "0"]);
  const child = spawn(process.execPath, [MAIN, "up", "--data-dir", dataDir, ...free, ...args], {
    env: { ...processEnvironment(), NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  return { process: child, output: () => output, exited };
}

/** What ready.json says once this very process has written it. */
export async function readyOf(up: StartedUp, dataDir: string): Promise<ReadyFile> {
  const deadline = systemClock.monotonicMs() + READY_WITHIN_MS;
  while (systemClock.monotonicMs() < deadline) {
    if (up.process.exitCode !== null) break;
    const ready = readReady(dataDir);
    if (ready !== undefined && ready.pid === up.process.pid) return ready;
    await systemClock.sleep(50);
  }
  throw new Error(`up is not ready; it said:\n${up.output()}`);
}

function readReady(dataDir: string): ReadyFile | undefined {
  try {
    return ReadyFile.parse(JSON.parse(readFileSync(join(dataDir, "ready.json"), "utf8")));
  } catch {
    return undefined;
  }
}

/** Name → pid of what `up` has recorded as running. */
export function recordedPids(dataDir: string): Record<string, number> {
  const record = JSON.parse(readFileSync(join(dataDir, "processes.json"), "utf8")) as {
    children: { name: string; pid: number }[];
  };
  return Object.fromEntries(record.children.map(({ name, pid }) => [name, pid]));
}
