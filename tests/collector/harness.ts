/** A real nats-server, a real embedded store with its schema, and collectors in this process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type Collector, startCollector } from "../../collector/collector.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { findNatsServer, startNatsServer } from "../../runtime/nats-server.ts";
import { type Nats, connectNats } from "../../runtime/nats.ts";
import { type Store, openStore } from "../../store/client.ts";
import { count } from "../../store/column-schemas.ts";
import { defineQuery } from "../../store/define-query.ts";
import { LABEL_SOURCES } from "../../store/label-source.ts";
import { migrate } from "../../store/migrate.ts";
import { type EmbeddedEngine, startEmbeddedEngine } from "../support/embedded-engine.ts";
import { startMigratedEngine } from "../support/migrated-engine.ts";
import { FakeSpool } from "./fake-spool.ts";

export interface Harness extends AsyncDisposable {
  readonly engine: EmbeddedEngine;
  readonly nats: Nats;
  readonly store: Store;
  /** Starts a collector and waits until it owns its shards, or does not (`recovering`). */
  collect(options?: CollectOptions): Promise<RunningCollector>;
  spool(shard?: number): FakeSpool;
  /** One number. */
  count(sql: string): Promise<number>;
}

export interface CollectOptions {
  readonly instance?: string;
  readonly shards?: number;
  readonly recovering?: boolean;
  readonly clock?: Clock;
  readonly tableBytesMax?: number;
  /** What statements of labels.pull may name. */
  readonly secrets?: Readonly<Record<string, string>>;
}

export interface RunningCollector {
  readonly collector: Collector;
  /** The value of a counter of this collector. */
  metric(name: string): Promise<number>;
  /** The newest grid that it knows of a model. */
  gridNumber(model: string): number;
  stop(): Promise<void>;
}

export const SHARDS = 1;

/** @param dataDirectory of the store; default: a temporary one */
export async function startHarness(dataDirectory?: string): Promise<Harness> {
  const folder = mkdtempSync(join(tmpdir(), "driftmend-collector-"));
  const server = await startNatsServer(
    {
      storeDir: folder,
      port: 0,
      maxPayloadBytes: 8 * 1024 * 1024,
      binary: findNatsServer(process.env),
    },
    { clock: systemClock },
  );
  const engine =
    dataDirectory === undefined
      ? await startMigratedEngine()
      : await startEmbeddedEngine({ dataDirectory });
  const deps = { clock: systemClock, logger: silentLogger };
  const nats = await connectNats({ url: server.url, name: "test" }, deps);
  const { url, user, password } = engine;
  const store = openStore({ url, user, password, database: "driftmend" }, deps);
  await migrate(store, {}, deps);
  const running: RunningCollector[] = [];
  const spools: FakeSpool[] = [];
  return {
    engine,
    nats,
    store,
    collect: async (options = {}) => {
      const started = await collect(store, nats, options);
      running.push(started);
      return started;
    },
    spool: (shard = 0) => {
      const spool = new FakeSpool(nats, { shards: SHARDS, shard });
      spools.push(spool);
      return spool;
    },
    count: (sql) => countOf(store, sql),
    [Symbol.asyncDispose]: async () => {
      for (const spool of spools) spool.close();
      await Promise.all(running.map((collector) => collector.stop()));
      await store.close();
      await nats.close();
      await engine[Symbol.asyncDispose]();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function collect(
  store: Store,
  nats: Nats,
  options: CollectOptions,
): Promise<RunningCollector> {
  const metrics = createMetrics("collector");
  const instance = options.instance ?? "collector";
  const collector = await startCollector(
    {
      shards: options.shards ?? SHARDS,
      instance,
      processId: `${instance}-${crypto.randomUUID()}`,
      stream: { bytesMax: 256 * 1024 * 1024, replicas: 1 },
      tableBytesMax: options.tableBytesMax ?? null,
      reconcileMs: 3_600_000,
      labels: { sources: LABEL_SOURCES, secrets: options.secrets ?? {} },
    },
    { store, nats, clock: options.clock ?? systemClock, logger: silentLogger, metrics },
  );
  if (options.recovering !== true) {
    await until(() => collector.readiness() === null, "the collector is ready");
  }
  return {
    collector,
    metric: async (name) => {
      const line = (await metrics.render())
        .split("\n")
        .filter((text) => text.startsWith(`driftmend_collector_${name}`));
      return line.reduce((sum, text) => sum + Number(text.split(" ").at(-1)), 0);
    },
    gridNumber: (model) => collector.book.settingsOf(model).gridNumber,
    stop: () => collector.stop(),
  };
}

export async function countOf(store: Store, sql: string): Promise<number> {
  const query = defineQuery({
    name: "test count",
    params: z.object({}),
    row: z.object({ n: count }),
    sql,
  });
  return (await store.query(query, {}))[0]?.n ?? 0;
}

/** Polls a condition for up to 30 s; `what` completes "waited in vain until …". */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain until ${what}`);
    await systemClock.sleep(20);
  }
}
