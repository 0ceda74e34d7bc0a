/**
 * The engine as lanes of threads. Inserts have lanes of their own, so that no query stands before
 * them. A job is a generator of result chunks: whoever stops reading, or whose signal fires, has it
 * killed.
 */
import { Worker } from "node:worker_threads";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { EngineJob, FromWorker, JobSummary, ToWorker } from "./engine-protocol.ts";
import { parseEngineException } from "./exception.ts";
import { type LaneLoad, type LaneName, type LanePlan, createLaneQueues } from "./lane-queues.ts";
import { quoteString } from "./quote-sql.ts";

export interface Cancelling {
  readonly signal: AbortSignal;
  /**
   * Ends the job's log_comment, by which it is killed; "" for jobs that come to their end
   * regardless.
   */
  readonly killTag: string;
}

export type JobRun = AsyncGenerator<Uint8Array, JobSummary, void>;

export interface EnginePool {
  /**
   * Runs one job; yields its chunks and returns its summary.
   * @throws {EngineException} of the engine, or TOO_MANY_SIMULTANEOUS_QUERIES when the lane is full
   */
  run(lane: LaneName, job: EngineJob, cancelling: Cancelling): JobRun;
  forgetSession(key: string): void;
  load(): LaneLoad;
  /** Refuses new jobs and resolves when no job runs. */
  drain(): Promise<void>;
}

interface EngineThread {
  readonly send: (message: ToWorker) => void;
  receive: (message: FromWorker) => void;
}

interface PoolDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onFatal: (error: unknown) => void;
}

export function createEnginePool(
  options: {
    readonly directory: string;
    readonly plan: LanePlan;
  },
  deps: PoolDeps,
): EnginePool {
  const queues = createLaneQueues(options.plan, () => startThread(options.directory, deps));
  let nextJob = 0;

  const kill = async (killTag: string, ended: AbortSignal): Promise<void> => {
    const sql = `KILL QUERY WHERE endsWith(Settings['log_comment'], ${quoteString(killTag)}) ASYNC`;
    const job: EngineJob = { before: "", sql, format: "Null", mode: "whole", session: undefined };
    for (let attempt = 0; attempt < KILL_TRIES_MAX && !ended.aborted; attempt++) {
      await collect(run("control", job, { signal: new AbortController().signal, killTag: "" }));
      await deps.clock.sleep(KILL_EVERY_MS, ended).catch(() => undefined);
    }
    if (!ended.aborted) deps.logger.error({ killTag }, "a query did not end after it was killed");
  };

  async function* run(lane: LaneName, job: EngineJob, cancelling: Cancelling): JobRun {
    const thread = await queues.acquire(lane, cancelling.signal);
    const id = nextJob++;
    const inbox = createInbox();
    const ended = new AbortController();
    const stop = (): void => {
      if (ended.signal.aborted) return;
      thread.send({ kind: "cancel", id });
      if (cancelling.killTag === "") return;
      kill(cancelling.killTag, ended.signal).catch((error: unknown) =>
        deps.logger.error({ err: error }, "a query could not be killed"),
      );
    };
    thread.receive = (message) => {
      if (message.id !== id) return;
      if (message.kind !== "chunk") {
        ended.abort();
        cancelling.signal.removeEventListener("abort", stop);
        queues.release(lane, thread);
      }
      inbox.push(message);
    };
    cancelling.signal.addEventListener("abort", stop, { once: true });
    thread.send({ kind: "run", id, job });
    if (cancelling.signal.aborted) stop();
    try {
      for (;;) {
        const message = await inbox.next();
        if (message.kind === "done") return message.summary;
        if (message.kind === "failed") throw parseEngineException(message.message);
        yield message.bytes;
        thread.send({ kind: "more" });
      }
    } finally {
      stop();
    }
  }

  return {
    run,
    forgetSession: (key) => {
      for (const thread of queues.idle("sessions")) thread.send({ kind: "forget-session", key });
    },
    load: queues.load,
    drain: queues.drain,
  };
}

/**
 * Asked again, since a KILL that comes before the engine has registered the query finds nothing.
 */
const KILL_EVERY_MS = 200;
const KILL_TRIES_MAX = 600;

/** Reads a job to its end and answers all of its bytes; for small answers only. */
export async function collect(job: JobRun): Promise<{ bytes: Buffer; summary: JobSummary }> {
  const parts: Uint8Array[] = [];
  for (;;) {
    const next = await job.next();
    if (next.done === true) return { bytes: Buffer.concat(parts), summary: next.value };
    parts.push(next.value);
  }
}

function startThread(directory: string, deps: PoolDeps): EngineThread {
  const worker = new Worker(workerModule(), { workerData: { directory } });
  const thread: EngineThread = {
    send: (message) => worker.postMessage(message),
    receive: () => undefined,
  };
  worker.on("message", (message: FromWorker) => thread.receive(message));
  // A thread that ends takes the engine's connections of all threads along: nothing works any more.
  worker.on("error", deps.onFatal);
  worker.on("exit", (code) => deps.onFatal(new Error(`An engine thread ended with code ${code}`)));
  return thread;
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
      return new Promise((resolve) => {
        waiting = resolve;
      });
    },
  };
}

/** Beside this module, under the ending that this module has (sources or the built package). */
function workerModule(): URL {
  const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./engine-worker.${ending}`, import.meta.url);
}
