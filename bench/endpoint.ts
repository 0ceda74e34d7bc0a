/**
 * The embedded store beside heavy readers: what an insert loses to 16 queries that want all cores,
 * which both accounts ask without pause, and what memory that takes. Idle and loaded rounds
 * alternate, so that a machine that others use too shifts both.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client";
import { type EmbeddedEngine, startEmbeddedEngine } from "../tests/support/embedded-engine.ts";
import type { Figure } from "./figure.ts";

export interface EndpointBenchOptions {
  readonly rounds?: number;
  readonly insertsPerRound?: number;
  readonly heavyQueries?: number;
}

const ROWS = 10_000;
const HEAVY = `SELECT k, quantile(0.9)(x), uniq(id), avg(x) FROM heavy GROUP BY k ORDER BY k LIMIT 10`;

export async function run(options: EndpointBenchOptions = {}): Promise<Figure[]> {
  const { rounds = 8, insertsPerRound = 40, heavyQueries = 16 } = options;
  await using engine = await startEmbeddedEngine();
  const reader = createClient({
    url: engine.url,
    username: engine.readUser,
    password: engine.readPassword,
    max_open_connections: heavyQueries,
    log: { level: ClickHouseLogLevel.OFF },
  });
  try {
    const rssIdle = residentMib(engine.pid);
    const body = await prepare(engine);
    const insert = insertion(engine, body);
    await timed(insert, insertsPerRound);
    const idle: number[] = [];
    const beside: number[] = [];
    let rssLoaded = 0;
    for (let round = 0; round < rounds; round++) {
      idle.push(...(await timed(insert, insertsPerRound)));
      const stop = startReaders([engine.client, reader], heavyQueries);
      await sleep(500);
      beside.push(...(await timed(insert, insertsPerRound)));
      rssLoaded = Math.max(rssLoaded, residentMib(engine.pid));
      await stop();
    }
    return figures(idle, beside, { rssIdle, rssLoaded });
  } finally {
    await reader.close();
  }
}

async function prepare(engine: EmbeddedEngine): Promise<Buffer> {
  const statements = [
    `CREATE TABLE events (ts DateTime64(3, 'UTC'), model LowCardinality(String), id String,
       num Map(LowCardinality(String), Float64)) ENGINE = MergeTree PARTITION BY toYYYYMMDD(ts)
       ORDER BY (model, ts) SETTINGS non_replicated_deduplication_window = 20000,
       fsync_after_insert = 1, fsync_part_directory = 1`,
    `CREATE TABLE heavy (id String, x Float64, k UInt32) ENGINE = MergeTree ORDER BY tuple() AS
       SELECT toString(cityHash64(number)), rand() / 4e9, number % 100000 FROM numbers(5000000)`,
  ];
  for (const query of statements) await engine.client.command({ query });
  const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const map = names.map((name) => `'${name}', cityHash64(number, '${name}') / 1e19`).join(", ");
  const query = `SELECT toDateTime64('2026-01-01', 3, 'UTC') + number / 1000 AS ts, 'm' AS model,
    toString(number) AS id, map(${map})::Map(LowCardinality(String), Float64) AS num
    FROM numbers(${ROWS}) FORMAT Native`;
  const response = await post(engine, query);
  return Buffer.from(await response.arrayBuffer());
}

/** One insert of `ROWS` rows as the collector sends them: Native, fsynced, under its own token. */
function insertion(engine: EmbeddedEngine, body: Buffer): () => Promise<void> {
  let token = 0;
  return async () => {
    const query = new URLSearchParams({
      query: "INSERT INTO events FORMAT Native",
      insert_deduplication_token: `bench/${token++}`,
    });
    const response = await post(engine, body, `/?${query}`);
    await response.text();
  };
}

async function post(engine: EmbeddedEngine, body: Buffer | string, path = "/"): Promise<Response> {
  const response = await fetch(`${engine.url}${path}`, {
    method: "POST",
    body,
    headers: { "X-ClickHouse-User": engine.user, "X-ClickHouse-Key": engine.password },
  });
  if (!response.ok) throw new Error(await response.text());
  return response;
}

async function timed(once: () => Promise<void>, count: number): Promise<number[]> {
  const durations: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await once();
    durations.push(performance.now() - start);
    await sleep(20);
  }
  return durations;
}

/** Keeps `count` heavy queries asked until stopped; answers the stop, which cancels them. */
function startReaders(clients: readonly ClickHouseClient[], count: number): () => Promise<void> {
  const stopped = new AbortController();
  const read = async (client: ClickHouseClient): Promise<void> => {
    while (!stopped.signal.aborted) {
      const asked = client.query({ query: HEAVY, format: "JSON", abort_signal: stopped.signal });
      await asked.then((result) => result.text()).catch(throwUnlessStopped);
    }
  };
  const throwUnlessStopped = (error: unknown): void => {
    if (!stopped.signal.aborted) throw error;
  };
  const readers = Array.from({ length: count }, (_, i) => {
    const client = clients[i % clients.length];
    return client === undefined ? Promise.resolve() : read(client);
  });
  return async () => {
    stopped.abort();
    await Promise.all(readers);
    await sleep(500);
  };
}

function figures(
  idle: readonly number[],
  beside: readonly number[],
  rss: { rssIdle: number; rssLoaded: number },
): Figure[] {
  const bench = "endpoint";
  const alone = { bench, ratio: null, against: null };
  return [
    {
      bench,
      metric: "insert_beside_queries",
      value: quantile(beside, 0.95),
      unit: "ms",
      ratio: quantile(beside, 0.95) / quantile(idle, 0.95),
      against: "an idle insert's p95",
    },
    { ...alone, metric: "insert_idle", value: quantile(idle, 0.95), unit: "ms" },
    {
      bench,
      metric: "insert_beside_queries_median",
      value: quantile(beside, 0.5),
      unit: "ms",
      ratio: quantile(beside, 0.5) / quantile(idle, 0.5),
      against: "an idle insert's median",
    },
    { ...alone, metric: "resident_idle", value: rss.rssIdle, unit: "MiB" },
    { ...alone, metric: "resident_beside_queries", value: rss.rssLoaded, unit: "MiB" },
  ];
}

function quantile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
}

/** Resident memory of a process; NaN where the system has no /proc. */
function residentMib(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}
