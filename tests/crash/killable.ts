/** Processes that a test kills at any moment, also while they start, and that come back as under a supervisor. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { z } from "zod";
import { systemClock } from "../../runtime/clock.ts";

/** One life of a process. */
interface Life {
  pid(): number;
  /** Resolves with its URL; null when it ended before. */
  readonly ready: Promise<string | null>;
  readonly exited: Promise<unknown>;
  kill(signal: NodeJS.Signals): void;
}

export interface Killable {
  readonly name: string;
  /** URL of its first start; later ones listen on the same port or are not asked for it. */
  readonly url: string;
  /** URL of the latest life that became ready. */
  currentUrl(): string;
  /** SIGKILL; it comes back by itself. */
  kill(): void;
  /** SIGKILL; resolves when it has ended, and it comes back when `release` is called. */
  hold(): Promise<{ release(): void }>;
  /** Of its latest life. */
  pid(): number;
  /** Resolves when it is ready and was not killed since. */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

const Ready = z.object({ kind: z.literal("ready"), url: z.string() });
const RESTART_MS = 100;
/** While others are away a process may start in vain as often as it likes; so long after the last fault it must not. */
const READY_MS_MAX = 120_000;

/** Keeps a process alive; resolves when it is ready for the first time. */
export async function keepAlive(name: string, start: () => Life): Promise<Killable> {
  let life = start();
  let stopped = false;
  let current = "";
  /** The life that was killed last: it may not have ended yet. */
  let killed: Life | null = null;
  const killNow = (): void => {
    killed = life;
    life.kill("SIGKILL");
  };
  let held = Promise.withResolvers<void>();
  held.resolve();
  const live = async (): Promise<void> => {
    while (!stopped) {
      const url = await life.ready;
      if (url !== null) current = url;
      await life.exited;
      if (stopped) return;
      await systemClock.sleep(RESTART_MS);
      await held.promise;
      if (stopped) return;
      life = start();
    }
  };
  const living = live();
  const ready = async (): Promise<void> => {
    const deadlineMs = performance.now() + READY_MS_MAX;
    while (performance.now() < deadlineMs) {
      const awaited = life;
      const over = new AbortController();
      const late = systemClock.sleep(deadlineMs - performance.now(), over.signal).then(
        () => null,
        () => null,
      );
      const url = await Promise.race([awaited.ready, late]);
      over.abort();
      if (url !== null && awaited === life && awaited !== killed) return;
      if (stopped) return;
      await systemClock.sleep(RESTART_MS);
    }
    throw new Error(`"${name}" was not ready within ${READY_MS_MAX / 1000} s`);
  };
  await ready();
  return {
    name,
    url: current,
    currentUrl: () => current,
    kill: killNow,
    hold: async () => {
      held = Promise.withResolvers();
      killNow();
      await life.exited;
      return { release: held.resolve };
    },
    pid: () => life.pid(),
    ready,
    stop: async () => {
      stopped = true;
      held.resolve();
      life.kill("SIGTERM");
      await life.exited;
      await living;
    },
  };
}

/** One life of a service's module with this environment besides PATH; its log goes to this file descriptor. */
export function startModule(
  module: string,
  env: Readonly<Record<string, string>>,
  stderr: "inherit" | number,
): Life {
  const child = spawn(process.execPath, [module], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", stderr, "ipc"],
  });
  const exited = once(child, "exit");
  const ready = new Promise<string | null>((resolve) => {
    child.on("message", (message) => {
      const told = Ready.safeParse(message);
      if (told.success) resolve(told.data.url);
    });
    void exited.then(() => resolve(null));
  });
  return { pid: () => child.pid ?? 0, ready, exited, kill: (signal) => child.kill(signal) };
}
