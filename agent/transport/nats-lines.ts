/**
 * Lines over NATS, for programs that speak it already: one agent of a queue group takes a message, and replies when
 * it is on disk. A message without a reply subject that cannot be taken is lost, and counted.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { describeError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import { subjects } from "../../contract/subjects.ts";
import type { AgentCounters } from "../agent-counters.ts";
import type { LineKind, Lines } from "../doors/lines.ts";
import { asDriftmendError, tooManyBodies } from "../doors/refusals.ts";

const QUEUE = "driftmend-agents";

interface LineMessage {
  readonly data: Uint8Array;
  respond(body: string): boolean;
}

export function listenForLines(
  connection: NatsConnection,
  deps: { readonly lines: Lines; readonly counters: AgentCounters },
): void {
  const inFlight = { bytes: 0 };
  for (const kind of ["events", "labels"] as const) {
    connection.subscribe(subjects.ingest(kind), {
      queue: QUEUE,
      callback: (error, message) => {
        if (error === null) void take(kind, message, inFlight, deps);
      },
    });
  }
}

async function take(
  kind: LineKind,
  message: LineMessage,
  inFlight: { bytes: number },
  { lines, counters }: { readonly lines: Lines; readonly counters: AgentCounters },
): Promise<void> {
  const body = Buffer.from(message.data.buffer, message.data.byteOffset, message.data.length);
  const room = inFlight.bytes + body.length <= LIMITS.bodiesInFlightBytesMax;
  try {
    if (!room) throw tooManyBodies();
    inFlight.bytes += body.length;
    message.respond(JSON.stringify(await lines.take(kind, body)));
  } catch (cause) {
    const error = asDriftmendError(cause);
    counters.refused(error.code);
    const { code, retry } = error;
    message.respond(JSON.stringify({ error: { code, retry, detail: describeError(error) } }));
  } finally {
    if (room) inFlight.bytes -= body.length;
  }
}
