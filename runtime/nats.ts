/**
 * NATS behind a small interface: JSON messages parsed by schema at the edge, JetStream for frames. It
 * reconnects for ever; what must not be lost is repeated by its sender (docs/architecture.md).
 */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { NatsConnection } from "@nats-io/transport-node";
import type { z } from "zod";
import { DriftmendError } from "../contract/driftmend-error.ts";
import { systemClock } from "./clock.ts";
import type { Logger } from "./logger.ts";
import { type NatsCredentials, natsAddress } from "./nats-address.ts";

export interface Nats {
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  /** Whether there is a connection now: a lost one is being made again. */
  isConnected(): boolean;
  /** Fire and forget: a lost message is repeated by whoever sent it. */
  publish(subject: string, message: object): void;
  /** Calls `handle` for each valid message in order; invalid ones are logged and dropped. */
  subscribe<T>(
    subject: string,
    schema: z.ZodType<T>,
    handle: (message: T, subject: string) => Promise<void> | void,
  ): () => void;
  /** Answers requests on `subject` with JSON; one that fails is logged and gets no answer. */
  respond(subject: string, answer: () => Promise<object> | object): () => void;
  /** Null when nobody answers within `timeoutMs`. */
  request<T>(subject: string, schema: z.ZodType<T>, timeoutMs: number): Promise<T | null>;
  close(): Promise<void>;
}

const REDIAL_MS = 250;

/**
 * What the client is to wait after its last dial, by a clock that does not jump. It adds the answer to the wall time
 * of that dial itself, so a wall clock that was put back an hour would keep it away for an hour
 * (nats-core 3.4.0, `dodialLoop`): once it is due the answer is a time that has passed by any clock.
 */
export function redialDelay(monotonicMs: () => number): () => number {
  let dialledMs = Number.NEGATIVE_INFINITY;
  return () => {
    const leftMs = dialledMs + REDIAL_MS - monotonicMs();
    if (leftMs > 0) return leftMs;
    dialledMs = monotonicMs();
    return Number.NEGATIVE_INFINITY;
  };
}

/** `options.url` may hold credentials: see nats-address.ts. @throws {DriftmendError} nats_unreachable */
export async function connectNats(
  options: { url: string; name: string },
  deps: { logger: Logger },
): Promise<Nats> {
  const { shown, credentials } = natsAddress(options.url);
  let connection: NatsConnection;
  try {
    connection = await connect({
      servers: shown,
      ...loginOf(credentials),
      name: options.name,
      maxReconnectAttempts: -1,
      reconnectDelayHandler: redialDelay(() => systemClock.monotonicMs()),
      waitOnFirstConnect: false,
    });
  } catch (cause) {
    throw new DriftmendError("nats_unreachable", {
      retry: "later",
      message: `Cannot connect to NATS at "${shown}": ${String(cause)}`,
      next: "Check that nats-server runs with JetStream and that DRIFTMEND_NATS_URL names it, with the credentials that it wants.",
      cause,
    });
  }
  let connected = true;
  void (async () => {
    for await (const { type } of connection.status()) {
      if (type === "disconnect") connected = false;
      if (type === "reconnect") connected = true;
    }
  })();
  const manager = await jetstreamManager(connection, { checkAPI: false });
  return {
    connection,
    jetstream: jetstream(connection),
    manager,
    isConnected: () => connected && !connection.isClosed(),
    publish: (subject, message) => {
      if (!connection.isClosed()) connection.publish(subject, JSON.stringify(message));
    },
    subscribe: (subject, schema, handle) => subscribe(connection, subject, schema, handle, deps),
    respond: (subject, answer) => {
      const subscription = connection.subscribe(subject);
      void (async () => {
        for await (const message of subscription) {
          try {
            message.respond(JSON.stringify(await answer()));
          } catch (error) {
            deps.logger.error({ err: error, subject }, "a request was not answered");
          }
        }
      })();
      return () => subscription.unsubscribe();
    },
    request: async (subject, schema, timeoutMs) => {
      try {
        const reply = await connection.request(subject, "", { timeout: timeoutMs });
        return schema.parse(reply.json());
      } catch (error) {
        deps.logger.debug({ err: error, subject }, "nobody answered");
        return null;
      }
    },
    close: async () => {
      if (!connection.isClosed()) await connection.drain();
    },
  };
}

function loginOf(credentials: NatsCredentials): { token?: string; user?: string; pass?: string } {
  switch (credentials.kind) {
    case "none":
      return {};
    case "token":
      return { token: credentials.token };
    case "user":
      return { user: credentials.user, pass: credentials.password };
  }
}

function subscribe<T>(
  connection: NatsConnection,
  subject: string,
  schema: z.ZodType<T>,
  handle: (message: T, subject: string) => Promise<void> | void,
  deps: { logger: Logger },
): () => void {
  const subscription = connection.subscribe(subject);
  void (async () => {
    for await (const raw of subscription) {
      try {
        await handle(schema.parse(raw.json()), raw.subject);
      } catch (error) {
        deps.logger.error({ err: error, subject: raw.subject }, "message was not handled");
      }
    }
  })();
  return () => subscription.unsubscribe();
}
