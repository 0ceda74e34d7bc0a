/**
 * The thread in which queries run. Starting a stream analyses the query on the calling thread (a
 * scalar subquery blocked it for seconds), so each running query has a thread of its own; a job
 * opens a fresh session, since SET, USE and temporary tables would stay in it. Never terminated
 * before the process ends: that would take the engine down with it.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { type ChdbQueryStream, Session } from "chdb";
import {
  CHUNKS_IN_FLIGHT,
  type EngineJob,
  type FromWorker,
  type JobSummary,
  type ToWorker,
} from "./engine-protocol.ts";

const STREAMING_UNSUPPORTED = "Streaming query is not supported";

function serve(port: MessagePort, directory: string): void {
  const named = new Map<string, Session>();
  let credit = 0;
  let wake = (): void => undefined;
  let cancelled = -1;

  const send = (message: FromWorker): void => port.postMessage(message);
  const sendChunk = async (id: number, bytes: Uint8Array): Promise<boolean> => {
    while (credit === 0 && cancelled !== id) await new Promise<void>((resolve) => (wake = resolve));
    if (cancelled === id) return false;
    credit -= 1;
    // A view of engine memory cannot be transferred, so the message carries a copy of it.
    send({ kind: "chunk", id, bytes: new Uint8Array(bytes) });
    return true;
  };

  const run = async (id: number, job: EngineJob): Promise<JobSummary> => {
    const session = sessionFor(job, named, directory);
    try {
      if (job.before !== "") await session.queryAsync(job.before, { format: "Null" });
      const stream = job.mode === "stream" ? openStream(session, job) : undefined;
      if (stream !== undefined) return await pump(stream, (bytes) => sendChunk(id, bytes));
      const result = await session.queryAsync(job.sql, { format: job.format });
      const bytes = result.bytes();
      if (bytes.length > 0) await sendChunk(id, bytes);
      const { rowsRead, bytesRead, elapsed } = result;
      return { rowsRead, bytesRead, elapsedSeconds: elapsed, resultRows: 0 };
    } finally {
      if (job.session === undefined) session.close();
      else if (job.session.after !== "") await session.queryAsync(job.session.after);
    }
  };

  port.on("message", (message: ToWorker) => {
    if (message.kind === "more") credit += 1;
    if (message.kind === "cancel") cancelled = message.id;
    if (message.kind === "forget-session") {
      named.get(message.key)?.close();
      named.delete(message.key);
    }
    if (message.kind === "run") {
      const { id, job } = message;
      credit = CHUNKS_IN_FLIGHT;
      run(id, job).then(
        (summary) => send({ kind: "done", id, summary }),
        (error: unknown) =>
          send({
            kind: "failed",
            id,
            message: error instanceof Error ? error.message : String(error),
          }),
      );
    }
    wake();
  });
}

function sessionFor(job: EngineJob, named: Map<string, Session>, directory: string): Session {
  if (job.session === undefined) return new Session(directory);
  const known = named.get(job.session.key);
  if (known !== undefined) return known;
  const opened = new Session(directory);
  named.set(job.session.key, opened);
  return opened;
}

/** Undefined for what the engine runs but cannot stream (SHOW, DESCRIBE, EXPLAIN, commands). */
function openStream(session: Session, job: EngineJob): ChdbQueryStream | undefined {
  try {
    return session.queryStream(job.sql, { format: job.format });
  } catch (error) {
    if (error instanceof Error && error.message.includes(STREAMING_UNSUPPORTED)) return undefined;
    throw error;
  }
}

async function pump(
  stream: ChdbQueryStream,
  send: (bytes: Uint8Array) => Promise<boolean>,
): Promise<JobSummary> {
  let resultRows = 0;
  for await (const chunk of stream) {
    resultRows += chunk.numRows;
    if (chunk.numBytes > 0 && !(await send(chunk.raw()))) break;
  }
  return { rowsRead: 0, bytesRead: 0, elapsedSeconds: 0, resultRows };
}

if (parentPort !== null) {
  const { directory } = workerData as { directory: string };
  serve(parentPort, directory);
}
