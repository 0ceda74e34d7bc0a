/**
 * The engine as lanes of threads. A lane has at most so many running jobs and so many waiting ones;
 * inserts have lanes of their own, so that no query stands before them. A job is a generator of result
 * chunks: whoever stops reading, or whose signal fires, has the query killed.
 */
import { Worker } from "node:worker_threads";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { EngineJob, FromWorker, JobSummary, ToWorker } from "./engine-protocol.ts";
import { exception, parseEngineException } from "./exception.ts";
import { quoteString } from "./quote-sql.ts";

export type LaneName = "live" | "backlog" | "control" | "services" | "guests" | "sessions";

export interface LaneLimits {
  readonly runningMax: number;
  readonly waitingMax: number;
}

export interface PoolOptions {
  readonly directory: string;
  readonly lanes: Readonly<Record<LaneName, LaneLimits>>;
}

export interface EnginePool {
  /**
   * Runs one job; yields its chunks and returns its summary.
   * @param killTag ends the job's log_comment; "" for jobs that nobody may cancel
   * @throws {EngineException} of the engine, or TOO_MANY_SIMULTANEOUS_QUERIES when the lane is full
   */
  run(
    lane: LaneName,
    job: EngineJob,
    cancel: { readonly signal: AbortSignal; readonly killTag: string },
  ): AsyncGenerator<Uint8Array, JobSummary, void>;
  forgetSession(key: string): void;
  /** Running and waiting jobs of each lane. */
  load(): Readonly<Record<LaneName, { running: number; waiting: number }>>;
  /** Refuses new jobs and resolves when no job runs. */
  drain(): Promise<void>;
}

interface EngineThread {
  readonly worker: Worker;
  receive: (message: FromWorker) => void;
}

interface LaneState {
  readonly limits: LaneLimits;
  readonly idle: EngineThread[];
  readonly waiting: { take: (thread: EngineThread) => void; refuse: (error: Error) => void }[];
  started: number;
  running: number;
}

const KILL_EVERY_MS = 200;
const KILL_TRIES_MAX = 600;

export function createEnginePool(
  options: PoolOptions,
  deps: { clock: Clock; logger: Logger; onFatal: (error: unknown) => void },
): EnginePool {
  const lanes = mapLanes(options.lanes, (limits) => newLane(limits));
  let nextJob = 0;
  let closing = false;
  let idle = (): void => undefined;

  const startThread = (): EngineThread => {
    const worker = new Worker(workerModule(), { workerData: { directory: options.directory } });
    const thread: EngineThread = { worker, receive: () => undefined };
    worker.on("message", (message: FromWorker) => thread.receive(message));
    // A thread that ends takes the engine's connections of all threads along: nothing works any more.
    worker.on("error", deps.onFatal);
    worker.on("exit", (code) =>
      deps.onFatal(new Error(`An engine thread ended with code ${code}`)),
    );
    return thread;
  };

  const release = (lane: LaneState, thread: EngineThread): void => {
    thread.receive = () => undefined;
    const next = lane.waiting.shift();
    if (next !== undefined) return next.take(thread);
    lane.idle.push(thread);
    lane.running -= 1;
    if (closing && totalRunning(lanes) === 0) idle();
  };

  const kill = async (killTag: string, over: AbortSignal): Promise<void> => {
    const sql = `KILL QUERY WHERE endsWith(Settings['log_comment'], ${quoteString(killTag)}) ASYNC`;
    const job = { before: "", sql, format: "Null", mode: "whole", session: undefined } as const;
    for (let attempt = 0; attempt < KILL_TRIES_MAX && !over.aborted; attempt++) {
      await collect(run("control", job, { signal: new AbortController().signal, killTag: "" }));
      await deps.clock.sleep(KILL_EVERY_MS, over).catch(() => undefined);
    }
    if (!over.aborted) deps.logger.error({ killTag }, "a query did not end after it was killed");
  };

  async function* run(
    laneName: LaneName,
    job: EngineJob,
    cancel: { readonly signal: AbortSignal; readonly killTag: string },
  ): AsyncGenerator<Uint8Array, JobSummary, void> {
    const lane = lanes[laneName];
    if (closing) throw exception("QUERY_WAS_CANCELLED", "The endpoint is stopping");
    const thread = await acquire(lane, laneName, cancel.signal, startThread);
    const id = nextJob++;
    const inbox = createInbox();
    const ended = new AbortController();
    const send = (message: ToWorker): void => thread.worker.postMessage(message);
    const stop = (): void => {
      if (ended.signal.aborted) return;
      send({ kind: "cancel", id });
      if (cancel.killTag !== "") {
        kill(cancel.killTag, ended.signal).catch((error: unknown) =>
          deps.logger.error({ err: error }, "a query could not be killed"),
        );
      }
    };
    thread.receive = (message) => {
      if (message.id !== id) return;
      if (message.kind !== "chunk") {
        ended.abort();
        cancel.signal.removeEventListener("abort", stop);
        release(lane, thread);
      }
      inbox.push(message);
    };
    cancel.signal.addEventListener("abort", stop, { once: true });
    send({ kind: "run", id, job });
    if (cancel.signal.aborted) stop();
    try {
      for (;;) {
        const message = await inbox.next();
        if (message.kind === "done") return message.summary;
        if (message.kind === "failed") throw parseEngineException(message.message);
        yield message.bytes;
        send({ kind: "more" });
      }
    } finally {
      stop();
    }
  }

  return {
    run,
    forgetSession: (key) => {
      for (const thread of lanes.sessions.idle) {
        thread.worker.postMessage({ kind: "forget-session", key } satisfies ToWorker);
      }
    },
    load: () =>
      mapLanes(lanes, (lane) => ({ running: lane.running, waiting: lane.waiting.length })),
    drain: () => {
      closing = true;
      for (const lane of Object.values(lanes)) {
        for (const { refuse } of lane.waiting.splice(0)) {
          refuse(exception("QUERY_WAS_CANCELLED", "The endpoint is stopping"));
        }
      }
      return totalRunning(lanes) === 0
        ? Promise.resolve()
        : new Promise<void>((resolve) => (idle = resolve));
    },
  };
}

/** Reads a job to its end and answers all of its bytes; for small answers only. */
export async function collect(
  job: AsyncGenerator<Uint8Array, JobSummary, void>,
): Promise<{ bytes: Buffer; summary: JobSummary }> {
  const parts: Uint8Array[] = [];
  for (;;) {
    const next = await job.next();
    if (next.done === true) return { bytes: Buffer.concat(parts), summary: next.value };
    parts.push(next.value);
  }
}

function acquire(
  lane: LaneState,
  name: LaneName,
  signal: AbortSignal,
  start: () => EngineThread,
): Promise<EngineThread> {
  const thread = lane.idle.pop();
  if (thread !== undefined || lane.started < lane.limits.runningMax) {
    lane.running += 1;
    if (thread === undefined) lane.started += 1;
    return Promise.resolve(thread ?? start());
  }
  if (lane.waiting.length >= lane.limits.waitingMax) {
    const message = `Too many simultaneous queries: ${lane.running} run and ${lane.waiting.length} wait in lane "${name}"`;
    return Promise.reject(exception("TOO_MANY_SIMULTANEOUS_QUERIES", message));
  }
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      const at = lane.waiting.indexOf(entry);
      if (at >= 0) lane.waiting.splice(at, 1);
      reject(exception("QUERY_WAS_CANCELLED", "The client has gone while the query waited"));
    };
    const entry = {
      take: (next: EngineThread) => {
        signal.removeEventListener("abort", onAbort);
        resolve(next);
      },
      refuse: reject,
    };
    lane.waiting.push(entry);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

/** Messages in order for one reader that awaits them. */
function createInbox(): { push(message: FromWorker): void; next(): Promise<FromWorker> } {
  const queue: FromWorker[] = [];
  let waiting: ((message: FromWorker) => void) | undefined;
  return {
    push: (message) => {
      const reader = waiting;
      waiting = undefined;
      if (reader === undefined) queue.push(message);
      else reader(message);
    },
    next: () => {
      const message = queue.shift();
      if (message !== undefined) return Promise.resolve(message);
      return new Promise((resolve) => (waiting = resolve));
    },
  };
}

function newLane(limits: LaneLimits): LaneState {
  return { limits, idle: [], waiting: [], started: 0, running: 0 };
}

function totalRunning(lanes: Readonly<Record<LaneName, LaneState>>): number {
  return Object.values(lanes).reduce((sum, lane) => sum + lane.running, 0);
}

function mapLanes<A, B>(
  lanes: Readonly<Record<LaneName, A>>,
  map: (lane: A) => B,
): Record<LaneName, B> {
  return {
    live: map(lanes.live),
    backlog: map(lanes.backlog),
    control: map(lanes.control),
    services: map(lanes.services),
    guests: map(lanes.guests),
    sessions: map(lanes.sessions),
  };
}

/** Beside this module, under the ending that this module has (sources or the built package). */
function workerModule(): URL {
  const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./engine-worker.${ending}`, import.meta.url);
}
