/**
 * The store as the services see it: defined queries, commands and inserts over ClickHouse's HTTP
 * interface, the same for the embedded engine and a cluster. Only what may be repeated is repeated:
 * reads, inserts that carry a token, and commands that say so.
 */
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client";
import type { z } from "zod";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import {
  type DefinedCommand,
  type DefinedInsert,
  type DefinedQuery,
  boundParams,
} from "./define-query.ts";
import { type InsertOptions, insertHeaders, insertSettings } from "./insert-settings.ts";
import { storeError } from "./store-error.ts";

export interface StoreOptions {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface StoreDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Formats that `stream` answers. */
export type StreamFormat = "JSONEachRow" | "CSVWithNames" | "Parquet" | "Native" | "ArrowStream";

export interface Store {
  readonly database: string;
  query<P extends z.ZodObject, R extends z.ZodType>(
    query: DefinedQuery<P, R>,
    params: z.input<P>,
  ): Promise<z.output<R>[]>;
  /** The answer's bytes in `format`; an error in mid-stream destroys the stream. */
  stream<P extends z.ZodObject, R extends z.ZodType>(
    query: DefinedQuery<P, R>,
    params: z.input<P>,
    format: StreamFormat,
  ): Promise<Readable>;
  /** `token` deduplicates an `INSERT … SELECT`. */
  command<P extends z.ZodObject>(
    command: DefinedCommand<P>,
    params: z.input<P>,
    options?: InsertOptions,
  ): Promise<void>;
  /** Rows as JSON; times are milliseconds since 1970, non-finite numbers are kept. */
  insert(table: string, rows: readonly object[], options?: InsertOptions): Promise<void>;
  /** Native blocks, back to back, through the INSERT … SELECT of `insert`. */
  insertNative<P extends z.ZodObject>(
    insert: DefinedInsert<P>,
    params: z.input<P>,
    blocks: readonly Uint8Array[],
    options?: InsertOptions,
  ): Promise<void>;
  /** A file in the format that the insert names, sent as it is read. */
  insertFile(insert: DefinedInsert<z.ZodObject>, path: string): Promise<void>;
  /** The same server under another database. */
  withDatabase(database: string): Store;
  /** @throws {DriftmendError} store_unreachable, store_refused */
  ping(): Promise<void>;
  close(): Promise<void>;
}

const ATTEMPTS_MAX = 4;
const BACKOFF_MS = 100;
const REQUEST_TIMEOUT_MS = 300_000;
const CONNECTIONS_MAX = 16;
/** Node and the embedded endpoint close idle sockets after 5 s; ours are dropped before. */
const IDLE_SOCKET_MS = 2_500;

const READ_SETTINGS = {
  output_format_json_quote_64bit_integers: 0,
  output_format_json_quote_denormals: 1,
} as const;

/** Opens no connection by itself; `ping` does. */
export function openStore(options: StoreOptions, deps: StoreDeps): Store {
  const client = openClient(options);
  return {
    database: options.database,
    query: async (query, params) => {
      const bound = boundParams(query, params);
      const action = `read "${query.name}"`;
      const rows = await retrying(action, true, deps, () => readRows(client, query, bound));
      return query.row.array().parse(rows);
    },
    stream: async (query, params, format) => {
      const bound = boundParams(query, params);
      const answer = await retrying(`read "${query.name}"`, true, deps, () =>
        client.exec({
          query: `${query.sql}\nFORMAT ${format}`,
          query_params: bound,
          clickhouse_settings: { log_comment: query.name, ...READ_SETTINGS },
        }),
      );
      return answer.stream;
    },
    command: async (command, params, insertOptions) => {
      const bound = boundParams(command, params);
      await retrying(`run "${command.name}"`, command.repeatable, deps, () =>
        client.command({
          query: command.sql,
          query_params: bound,
          clickhouse_settings: insertSettings(command.name, insertOptions),
          http_headers: insertHeaders(insertOptions),
        }),
      );
    },
    insert: async (table, rows, insertOptions) => {
      if (rows.length === 0) return;
      const columns = Object.keys(rows[0] ?? {})
        .map(quoteName)
        .join(", ");
      const statement = {
        name: `insert ${table}`,
        sql: `INSERT INTO ${table} (${columns}) FORMAT JSONEachRow`,
        bound: {},
      };
      const pieces = [Buffer.from(rows.map(jsonLine).join(""))];
      await send(client, statement, () => bytesOf(pieces), insertOptions, deps);
    },
    insertNative: async (insert, params, blocks, insertOptions) => {
      const statement = { ...insert, bound: boundParams(insert, params) };
      await send(client, statement, () => bytesOf(blocks), insertOptions, deps);
    },
    insertFile: async (insert, path) => {
      const statement = { ...insert, bound: {} };
      await send(client, statement, () => createReadStream(path), { lane: "backlog" }, deps);
    },
    withDatabase: (database) => openStore({ ...options, database }, deps),
    ping: async () => {
      const pong = await client.ping({ select: true });
      if (!pong.success) throw storeError("reach the store", pong.error);
    },
    close: () => client.close(),
  };
}

function openClient(options: StoreOptions): ClickHouseClient {
  return createClient({
    url: options.url,
    username: options.user,
    password: options.password,
    database: options.database,
    application: "driftmend",
    request_timeout: REQUEST_TIMEOUT_MS,
    max_open_connections: CONNECTIONS_MAX,
    // Its failures come to us as errors, and ours are the ones that are logged.
    log: { level: ClickHouseLogLevel.OFF },
    keep_alive: { enabled: true, idle_socket_ttl: IDLE_SOCKET_MS },
  });
}

/** Sends an INSERT with its data; again only when it carries a token. */
async function send(
  client: ClickHouseClient,
  statement: { name: string; sql: string; bound: Record<string, unknown> },
  body: () => Readable,
  options: InsertOptions | undefined,
  deps: StoreDeps,
): Promise<void> {
  const repeatable = options?.token !== undefined;
  await retrying(`run "${statement.name}"`, repeatable, deps, async () => {
    const result = await client.exec({
      query: statement.sql,
      query_params: statement.bound,
      values: body(),
      clickhouse_settings: insertSettings(statement.name, options),
      http_headers: insertHeaders(options),
    });
    await drained(result.stream);
  });
}

const bytesOf = (pieces: readonly Uint8Array[]): Readable =>
  Readable.from(pieces, { objectMode: false });

async function readRows(
  client: ClickHouseClient,
  query: { readonly name: string; readonly sql: string },
  bound: Record<string, unknown>,
): Promise<unknown[]> {
  const result = await client.query({
    query: query.sql,
    format: "JSONEachRow",
    query_params: bound,
    clickhouse_settings: { log_comment: query.name, ...READ_SETTINGS },
  });
  return result.json();
}

/** Reads an answer that should be empty to its end, so that its socket is free and its errors are seen. */
async function drained(stream: Readable): Promise<void> {
  for await (const chunk of stream) void chunk;
}

function quoteName(name: string): string {
  return `\`${name.replaceAll("\\", "\\\\").replaceAll("`", "\\`")}\``;
}

function jsonLine(row: object): string {
  return `${JSON.stringify(row, (_key, value: unknown) => {
    if (typeof value === "bigint") return String(value);
    if (typeof value !== "number" || Number.isFinite(value)) return value;
    if (Number.isNaN(value)) return "nan";
    return value > 0 ? "inf" : "-inf";
  })}\n`;
}

async function retrying<T>(
  action: string,
  repeatable: boolean,
  deps: StoreDeps,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt();
    } catch (cause) {
      const error = storeError(action, cause);
      if (!repeatable || error.retry !== "later" || tried >= ATTEMPTS_MAX) throw error;
      deps.logger.warn({ err: error, tried }, "the store did not answer; trying again");
      await deps.clock.sleep(BACKOFF_MS * 2 ** tried);
    }
  }
}
