/**
 * `driftmend up`: from options to a running system and its story, until Ctrl-C, the end of the story
 * (`--once`), or a failure that restarting cannot help. Answers the exit code.
 */
import { z } from "zod";
import type { Clock } from "../../runtime/clock.ts";
import type { Environment } from "../../runtime/env.ts";
import type { ExamplePlan, RunningStage } from "../../runtime/example-plan.ts";
import { type Lifecycle, createLifecycle } from "../../runtime/lifecycle.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { findNatsServer } from "../../runtime/nats-server.ts";
import { errorLines } from "../error-lines.ts";
import { formatSpan } from "../format.ts";
import type { Paint } from "../paint.ts";
import type { HowTyped } from "../typed-command.ts";
import { version } from "../version.ts";
import { type Children, createChildren } from "./children.ts";
import { addressLines } from "./address-lines.ts";
import { type AskedPorts, chooseSystemPorts } from "./choose-ports.ts";
import { type DataDirectory, openDataDirectory } from "./data-directory.ts";
import { endLeftovers, openProcessRecord } from "./process-record.ts";
import { residentBytes } from "./resident-memory.ts";
import { type UpSettings, mergeSettings } from "./settings-file.ts";
import { exampleStage, runningStage } from "./stage.ts";
import { listenForStop } from "./stop-signals.ts";
import { followStory } from "./story/follow.ts";
import type { Terminal } from "./story/terminal.ts";
import { startSystem } from "./system.ts";

export interface UpOptions {
  readonly dataDir: string;
  readonly once: boolean;
  readonly readyFile: string | undefined;
  readonly settings: UpSettings;
  readonly ports: AskedPorts;
  readonly example: ExamplePlan | undefined;
}

export interface UpDeps {
  readonly clock: Clock;
  readonly env: Environment;
  readonly terminal: Terminal;
  readonly paint: Paint;
  readonly typed: HowTyped;
  /** Gets the last line of `--once`. */
  readonly print: (line: string) => void;
}

/** Everything that lives as long as the system does. */
interface Up {
  readonly options: UpOptions;
  readonly deps: UpDeps;
  readonly lifecycle: Lifecycle;
  readonly children: Children;
  readonly directory: DataDirectory;
  readonly signal: AbortSignal;
  /** Resolves when a process says that the story has ended. */
  readonly finished: Promise<void>;
  readonly startedMs: number;
}

type Outcome =
  | { readonly kind: "asked"; readonly signal: string }
  | { readonly kind: "told"; readonly summary: object };

export const EXIT_KILLED = 130;
/** Each sample walks the page tables of all processes: 90 ms of CPU. The shortest peaks, trainings, last longer. */
const SAMPLE_MEMORY_EVERY_MS = 2_000;
const logger = createLogger("up", "warn");

export async function runUp(options: UpOptions, deps: UpDeps): Promise<number> {
  const lifecycle = createLifecycle({ clock: deps.clock, logger });
  const stopping = new AbortController();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  let children: Children | undefined;
  const killAll = (): void => children?.killAll();
  const signals = listenForStop(() => {
    killAll();
    process.exit(EXIT_KILLED);
  });
  process.on("exit", killAll);
  try {
    const up = await open(options, deps, { lifecycle, stopping, fatal: failed.reject });
    children = up.children;
    const work = tellStory(up);
    work.catch(() => undefined);
    const asked = signals.asked.then((signal): Outcome => ({ kind: "asked", signal }));
    const outcome = await Promise.race([work, asked, failed.promise]);
    return await conclude(outcome, options, deps, async () => {
      stopping.abort(new Error("the system stops"));
      await lifecycle.stop();
    });
  } catch (error) {
    deps.terminal.progress(null);
    process.stderr.write(`${errorLines(error, deps.paint).join("\n")}\n`);
    stopping.abort(error);
    await lifecycle.stop().catch(() => undefined);
    return 1;
  } finally {
    signals.close();
    process.off("exit", killAll);
  }
}

async function conclude(
  outcome: Outcome,
  options: UpOptions,
  deps: UpDeps,
  stop: () => Promise<void>,
): Promise<number> {
  deps.terminal.progress(null);
  if (outcome.kind === "asked") {
    deps.terminal.line("Stopping in order; Ctrl-C again ends everything at once");
    const startedMs = deps.clock.monotonicMs();
    await stop();
    const tookMs = deps.clock.monotonicMs() - startedMs;
    if (options.once) {
      process.stderr.write(`driftmend: stopped by ${outcome.signal} before the story had ended\n`);
      return EXIT_KILLED;
    }
    deps.terminal.line(`Stopped in ${formatSpan(tookMs)}; the next start goes on from here`);
    return 0;
  }
  await stop();
  const { ok } = z.looseObject({ ok: z.boolean() }).parse(outcome.summary);
  if (!ok) {
    process.stderr.write("driftmend: the story did not come out as it must; see the summary\n");
  }
  deps.print(JSON.stringify(outcome.summary));
  return ok ? 0 : 1;
}

/** Takes the data directory and makes what holds the processes; nothing runs yet. */
async function open(
  options: UpOptions,
  deps: UpDeps,
  control: {
    readonly lifecycle: Lifecycle;
    readonly stopping: AbortController;
    readonly fatal: (error: unknown) => void;
  },
): Promise<Up> {
  const { lifecycle, stopping } = control;
  const startedMs = deps.clock.monotonicMs();
  const directory = await openDataDirectory(options.dataDir, version());
  lifecycle.defer("data directory", () => directory.release());
  const leftovers = await endLeftovers(directory.path, deps);
  if (leftovers.length > 0) {
    deps.terminal.line(`Ended what the last run had left behind: ${leftovers.join(", ")}`);
  }
  const finished = Promise.withResolvers<void>();
  const children = createChildren({
    dataDir: directory.path,
    clock: deps.clock,
    env: deps.env,
    lifecycle,
    record: openProcessRecord(directory.path),
    signal: stopping.signal,
    say: (line) => deps.terminal.line(deps.paint("yellow", line)),
    fatal: control.fatal,
    message: (_name, message) => {
      if (z.object({ kind: z.literal("finished") }).safeParse(message).success) finished.resolve();
    },
  });
  return {
    options,
    deps,
    lifecycle,
    children,
    directory,
    signal: stopping.signal,
    finished: finished.promise,
    startedMs,
  };
}

/** Starts all; resolves with the summary of `--once`, else never. */
async function tellStory(up: Up): Promise<Outcome> {
  const { options, deps, children, directory } = up;
  const { terminal } = deps;
  terminal.line(`${deps.paint("bold", `Driftmend ${version()}`)}, data in ${directory.path}`);
  const stage = exampleStage(directory.path, { ...deps, signal: up.signal });
  for (const line of (await options.example?.firstLines(stage.folder)) ?? []) terminal.line(line);
  if (directory.resumed) terminal.line("Going on where the last start on this data stopped.");
  const natsBinary = findNatsServer(deps.env);
  const taken = new Set<number>();
  const ports = await chooseSystemPorts(options.ports, taken, (line) =>
    terminal.line(deps.paint("yellow", line)),
  );
  const resident = sampleMemory(up);
  const preparing = options.example?.prepare(stage);
  // Awaited below; a failure before that must not end the process by itself.
  preparing?.catch(() => undefined);
  const system = await startSystem(
    {
      directory,
      ports,
      natsBinary,
      settings: mergeSettings(options.example?.settings ?? {}, options.settings.byService),
      retentionDays: { ...options.example?.retentionDays, ...options.settings.retentionDays },
      readyFile: options.readyFile,
    },
    {
      clock: deps.clock,
      logger,
      metrics: createMetrics("up"),
      lifecycle: up.lifecycle,
      children,
      step: (text) => terminal.progress(`${text} …`),
    },
  );
  terminal.progress(null);
  for (const line of addressLines(system, deps.paint)) terminal.line(line);
  up.lifecycle.defer("story", await followStory(system.nats, { ...deps, logger }));
  if (options.example === undefined) return new Promise<never>(() => undefined);
  await preparing;
  const running = runningStage(stage, system, { children, taken });
  await options.example.start(running);
  await up.finished;
  if (!options.once) {
    await tellTheEnd(options.example, running, deps);
    return new Promise<never>(() => undefined);
  }
  return { kind: "told", summary: await summarise(up, options.example, running, resident) };
}

/** The system is sound and stays up even where its story's result cannot be computed. */
async function tellTheEnd(
  example: ExamplePlan,
  running: RunningStage,
  { terminal, paint }: UpDeps,
): Promise<void> {
  terminal.progress("computing what the loop was worth, from the stored rows …");
  try {
    const lines = await example.lastLines(running);
    terminal.progress(null);
    for (const line of lines) terminal.line(line);
  } catch (error) {
    terminal.progress(null);
    if (running.signal.aborted) return;
    for (const line of errorLines(error, paint)) terminal.line(line);
  }
  terminal.line("The system stays up until Ctrl-C; the next start goes on from here.");
}

async function summarise(
  up: Up,
  example: ExamplePlan,
  running: RunningStage,
  resident: { readonly max: number },
): Promise<object> {
  up.deps.terminal.progress("computing the summary from the data …");
  const wallSeconds = (up.deps.clock.monotonicMs() - up.startedMs) / 1000;
  return example.summary(running, {
    wallSeconds: Math.round(wallSeconds * 10) / 10,
    residentBytesMax: resident.max,
  });
}

function sampleMemory(up: Up): { readonly max: number } {
  const resident = { max: 0 };
  if (!up.options.once) return resident;
  const stop = up.deps.clock.every(SAMPLE_MEMORY_EVERY_MS, async () => {
    const bytes = await residentBytes(process.pid);
    resident.max = Math.max(resident.max, bytes);
  });
  up.lifecycle.defer("memory samples", stop);
  return resident;
}
