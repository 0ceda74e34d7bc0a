/**
 * One attempt of a trainer as a detached process of its own group. Its folder is its key: whoever asks
 * for the same folder again adopts what is running there or reads how it ended, and never starts a second.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, open, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LIMITS } from "../../contract/limits.ts";
import type { Clock } from "../../runtime/clock.ts";

export interface TrainerAttempt {
  /** Absolute; gets `log`, `exit`, `pid`. */
  readonly folder: string;
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly deadlineMs: number;
}

export type TrainerEnd =
  | { readonly kind: "exited"; readonly code: number }
  /** Ended by a signal, with its whole group: nobody wrote a code. */
  | { readonly kind: "killed" }
  | { readonly kind: "deadline" }
  /** Asked to stop by `signal`. */
  | { readonly kind: "stopped" };

const WRAPPER = fileURLToPath(new URL("./run-trainer.sh", import.meta.url));
const POLL_MS = 100;
/** The wrapper writes its pid before anything else. */
const PID_WAIT_MS = 5_000;
const LOST_RACE = 75;

/**
 * Starts or adopts the attempt and waits for its end. When `signal` is aborted, or the deadline passes,
 * the group gets SIGTERM, and SIGKILL after a grace.
 */
export async function runAttempt(
  attempt: TrainerAttempt,
  signal: AbortSignal,
  deps: { clock: Clock },
): Promise<TrainerEnd> {
  await mkdir(attempt.folder, { recursive: true });
  const known = await endOf(attempt.folder);
  if (known !== null) return known;
  const child = existsSync(join(attempt.folder, "started")) ? null : start(attempt);
  const startedMs = await startTime(attempt.folder, child, deps);
  const leftMs = startedMs + attempt.deadlineMs - deps.clock.nowMs();
  const watch = new AbortController();
  const reasons = [
    ended(attempt.folder, child, watch.signal, deps).then(() => "ended" as const),
    deps.clock.sleep(Math.max(0, leftMs), watch.signal).then(
      () => "deadline" as const,
      () => "ended" as const,
    ),
    aborted(signal, watch.signal).then(() => "stopped" as const),
  ];
  const why = await Promise.race(reasons);
  if (why !== "ended") await endGroup(attempt.folder, why, deps);
  watch.abort();
  return (await endOf(attempt.folder)) ?? { kind: "killed" };
}

/** Whether anything of the attempt in this folder still runs. */
export const attemptRuns = (folder: string): Promise<boolean> => isRunning(folder);

/** The last bytes of what the trainer wrote, for error messages. */
export async function logTail(folder: string): Promise<string> {
  const file = await open(join(folder, "log"), "r").catch(() => null);
  if (file === null) return "";
  try {
    const { size } = await file.stat();
    const length = Math.min(size, LIMITS.trainerLogTailBytesMax);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString("utf8").trim();
  } finally {
    await file.close();
  }
}

function start(attempt: TrainerAttempt): ChildProcess {
  const child = spawn("/bin/sh", [WRAPPER, attempt.folder, ...attempt.command], {
    cwd: attempt.cwd,
    env: attempt.env,
    detached: true,
    stdio: "ignore",
  });
  child.on("error", () => undefined);
  child.unref();
  return child;
}

async function startTime(
  folder: string,
  child: ChildProcess | null,
  deps: { clock: Clock },
): Promise<number> {
  const giveUpMs = deps.clock.monotonicMs() + PID_WAIT_MS;
  while (deps.clock.monotonicMs() < giveUpMs) {
    const marker = await stat(join(folder, "pid")).catch(() => null);
    if (marker !== null) return marker.mtimeMs;
    if (child !== null && child.pid === undefined) break;
    await deps.clock.sleep(5);
  }
  return deps.clock.nowMs();
}

/** Resolves when nothing of the attempt runs any more: at once for our own child, else by polling. */
async function ended(
  folder: string,
  child: ChildProcess | null,
  stopWatching: AbortSignal,
  deps: { clock: Clock },
): Promise<void> {
  if (child?.pid !== undefined) {
    if (child.exitCode === null && child.signalCode === null) {
      await once(child, "exit", { signal: stopWatching }).catch(() => undefined);
    }
    if (child.exitCode !== LOST_RACE) return;
  }
  while (!stopWatching.aborted && (await isRunning(folder))) {
    await deps.clock.sleep(POLL_MS, stopWatching).catch(() => undefined);
  }
}

async function aborted(signal: AbortSignal, stopWatching: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true, signal: stopWatching });
  });
}

async function endGroup(
  folder: string,
  why: "deadline" | "stopped",
  deps: { clock: Clock },
): Promise<void> {
  await writeFile(join(folder, why), "");
  await signalGroup(folder, "SIGTERM");
  const killAtMs = deps.clock.monotonicMs() + LIMITS.trainerGraceMs;
  while (deps.clock.monotonicMs() < killAtMs) {
    if (!(await isRunning(folder))) return;
    await deps.clock.sleep(20);
  }
  await signalGroup(folder, "SIGKILL");
}

async function signalGroup(folder: string, signal: NodeJS.Signals): Promise<void> {
  const pid = await pidOf(folder);
  if (pid === null || !(await isOurs(pid, folder))) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

async function endOf(folder: string): Promise<TrainerEnd | null> {
  for (const kind of ["deadline", "stopped"] as const) {
    if (existsSync(join(folder, kind)) && !(await isRunning(folder))) return { kind };
  }
  const text = await readFile(join(folder, "exit"), "utf8").catch(() => null);
  if (text !== null) return { kind: "exited", code: Number(text) };
  const begun = existsSync(join(folder, "started"));
  return begun && !(await isRunning(folder)) ? { kind: "killed" } : null;
}

async function isRunning(folder: string): Promise<boolean> {
  const pid = await pidOf(folder);
  if (pid === null) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return isOurs(pid, folder);
}

async function pidOf(folder: string): Promise<number | null> {
  const text = await readFile(join(folder, "pid"), "utf8").catch(() => null);
  return text === null ? null : Number(text);
}

/** A pid may belong to somebody else by now: ours has the attempt's folder in its command line. */
async function isOurs(pid: number, folder: string): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (status === null) return existsSync("/proc/self") ? false : commandByPs(pid, folder);
  // After the name in parentheses: the state. A zombie has ended.
  if (/\) Z /.test(status)) return false;
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return command.includes(folder);
}

async function commandByPs(pid: number, folder: string): Promise<boolean> {
  const ps = spawn("ps", ["-o", "args=", "-p", String(pid)], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let text = "";
  for await (const chunk of ps.stdout) text += String(chunk);
  return text.includes(folder);
}
