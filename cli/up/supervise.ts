/**
 * Keeps one process running: starts it, starts it again with back-off when it dies, and gives up with its
 * reason when that cannot help. States: starting → ready → waiting → starting …; asked to stop, or given
 * up, it ends and never comes back.
 */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type AfterExit, type Exit, afterExit, describeExit } from "./after-exit.ts";
import type { Running } from "./running.ts";

export type ChildState =
  | { readonly kind: "starting"; readonly pid: number }
  | { readonly kind: "ready"; readonly pid: number; readonly url: string; readonly sinceMs: number }
  | { readonly kind: "waiting"; readonly reason: string }
  | { readonly kind: "ended"; readonly reason: string };

export interface Supervised {
  readonly name: string;
  /** Resolves when it is ready for the first time. @throws {DriftmendError} child_failed, and of its launch */
  readonly ready: Promise<void>;
  state(): ChildState;
  /** The last URL that it answered on; kept while it is restarted. */
  url(): string | null;
  restarts(): number;
  /** SIGTERM, after the deadline SIGKILL; resolves when it is gone. */
  stop(): Promise<void>;
  kill(): void;
}

export interface SuperviseOptions {
  readonly name: string;
  readonly endsByItself: boolean;
  readonly launch: () => Promise<Running> | Running;
}

export interface SuperviseDeps {
  readonly clock: Clock;
  readonly started: (name: string, pid: number) => void;
  readonly gone: (pid: number) => void;
  /** One line for a person: it died and will be restarted, it is back. */
  readonly say: (line: string) => void;
  /** It gave up after it had been ready once: everything has to stop. */
  readonly fatal: (error: DriftmendError) => void;
}

const READY_DEADLINE_MS = 180_000;
const STOP_DEADLINE_MS = 12_000;

interface Held {
  running: Running | null;
  state: ChildState;
  url: string | null;
  restarts: number;
  failuresInARow: number;
  stopping: boolean;
}

/** Starts it at once; see `ready`. */
export function supervise(options: SuperviseOptions, deps: SuperviseDeps): Supervised {
  const held: Held = {
    running: null,
    state: { kind: "starting", pid: 0 },
    url: null,
    restarts: 0,
    failuresInARow: 0,
    stopping: false,
  };
  const ready = firstReady(options, held, deps);
  ready.catch((error: unknown) => {
    held.state = { kind: "ended", reason: String(error) };
  });
  return {
    name: options.name,
    ready,
    state: () => held.state,
    url: () => held.url,
    restarts: () => held.restarts,
    stop: () => stop(held, deps),
    kill: () => {
      held.stopping = true;
      held.running?.kill();
    },
  };
}

/** Lives until one is ready. @throws {DriftmendError} child_failed when another would end likewise */
async function firstReady(
  options: SuperviseOptions,
  held: Held,
  deps: SuperviseDeps,
): Promise<void> {
  for (;;) {
    const exit = await runOnce(options, held, deps);
    if (exit === null) return;
    const { failuresInARow } = held;
    const next = afterExit({
      exit,
      endsByItself: options.endsByItself,
      wasEverReady: false,
      readyMs: 0,
      failuresInARow,
    });
    if (next.kind !== "restart" || held.stopping) throw failed(options.name, exit);
    await beforeRestart(options, held, deps, next);
    if (held.stopping) throw failed(options.name, exit);
  }
}

/** One life: null when it is ready, and then watched on; else how it ended before. */
async function runOnce(
  options: SuperviseOptions,
  held: Held,
  deps: SuperviseDeps,
): Promise<Exit | null> {
  const running = await options.launch();
  held.running = running;
  // Asked to stop while it was being launched: it must not stay.
  if (held.stopping) running.kill();
  held.state = { kind: "starting", pid: running.pid };
  deps.started(options.name, running.pid);
  const gone = running.exited.then((exit) => {
    deps.gone(running.pid);
    held.running = null;
    return exit;
  });
  const first = await firstOf(running, gone, deps.clock);
  if (first.kind === "ended") return first.exit;
  const readySinceMs = deps.clock.monotonicMs();
  held.url = first.url;
  held.state = { kind: "ready", pid: running.pid, url: first.url, sinceMs: readySinceMs };
  void gone.then((exit) => onEnd(options, held, deps, { exit, readySinceMs }));
  return null;
}

type First =
  | { readonly kind: "ready"; readonly url: string }
  | { readonly kind: "ended"; readonly exit: Exit };

async function firstOf(running: Running, gone: Promise<Exit>, clock: Clock): Promise<First> {
  const deadline = new AbortController();
  const late = clock.sleep(READY_DEADLINE_MS, deadline.signal).then(
    async (): Promise<First> => {
      running.kill();
      await gone;
      const said = `not ready within ${READY_DEADLINE_MS} ms`;
      return { kind: "ended", exit: { code: null, signal: null, said } };
    },
    () => new Promise<never>(() => undefined),
  );
  const first = await Promise.race([
    running.ready.then((url): First => ({ kind: "ready", url })),
    gone.then((exit): First => ({ kind: "ended", exit })),
    late,
  ]);
  deadline.abort();
  return first;
}

async function onEnd(
  options: SuperviseOptions,
  held: Held,
  deps: SuperviseDeps,
  life: { readonly exit: Exit; readonly readySinceMs: number | null },
): Promise<void> {
  const { exit, readySinceMs } = life;
  if (held.stopping) {
    held.state = { kind: "ended", reason: "stopped" };
    return;
  }
  const readyMs = readySinceMs === null ? 0 : deps.clock.monotonicMs() - readySinceMs;
  const next = afterExit({
    exit,
    endsByItself: options.endsByItself,
    wasEverReady: held.url !== null,
    readyMs,
    failuresInARow: held.failuresInARow,
  });
  if (next.kind === "finished") {
    held.state = { kind: "ended", reason: next.reason };
    return;
  }
  if (next.kind === "give-up") {
    held.state = { kind: "ended", reason: next.reason };
    deps.fatal(failed(options.name, { ...exit, said: next.reason }));
    return;
  }
  await restart(options, held, deps, next);
}

async function restart(
  options: SuperviseOptions,
  held: Held,
  deps: SuperviseDeps,
  next: Extract<AfterExit, { kind: "restart" }>,
): Promise<void> {
  await beforeRestart(options, held, deps, next);
  if (held.stopping) return;
  const exit = await runOnce(options, held, deps).catch((error: unknown): Exit => {
    const said = error instanceof Error ? error.message : String(error);
    return { code: null, signal: null, said };
  });
  if (exit !== null) await onEnd(options, held, deps, { exit, readySinceMs: null });
  else if (held.running !== null) deps.say(`${options.name} is back`);
}

async function beforeRestart(
  options: SuperviseOptions,
  held: Held,
  deps: SuperviseDeps,
  next: Extract<AfterExit, { kind: "restart" }>,
): Promise<void> {
  held.failuresInARow = next.failuresInARow;
  held.restarts += 1;
  held.state = { kind: "waiting", reason: next.reason };
  deps.say(`${options.name} ended (${next.reason}); starting it again in ${next.delayMs / 1000} s`);
  await deps.clock.sleep(next.delayMs);
}

async function stop(held: Held, deps: SuperviseDeps): Promise<void> {
  held.stopping = true;
  const { running } = held;
  if (running === null) {
    held.state = { kind: "ended", reason: "stopped" };
    return;
  }
  running.terminate();
  const done = new AbortController();
  const late = deps.clock.sleep(STOP_DEADLINE_MS, done.signal).then(
    () => running.kill(),
    () => undefined,
  );
  await running.exited;
  done.abort();
  await late;
  held.state = { kind: "ended", reason: "stopped" };
}

function failed(name: string, exit: Exit): DriftmendError {
  return new DriftmendError("child_failed", {
    retry: "never",
    message: `Cannot keep ${name} running: ${exit.said ?? describeExit(exit)}`,
    next: `"logs/${name}.log" in the data directory has its last lines.`,
  });
}
