/** The collector in one process: shards, what it hears from agents, watermarks, reconciliation. */
import { HeadMessage, ModelMessage } from "../contract/messages.ts";
import { LIMITS } from "../contract/limits.ts";
import { nameOfToken, shardOfSpool, subjects } from "../contract/subjects.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Nats } from "../runtime/nats.ts";
import type { Store } from "../store/client.ts";
import { readRetention } from "../store/retention.ts";
import { z } from "zod";
import { collectorMetrics } from "./collector-metrics.ts";
import { Erasures } from "./erasures/erasures.ts";
import { Gate } from "./gate.ts";
import { HeadBook } from "./head-book.ts";
import { type LabelCare, type LabelCareOptions, careForLabels } from "./label-care.ts";
import { ModelBook } from "./model-book.ts";
import { Reconciler } from "./reconciler.ts";
import { retentionBounds } from "./retention-bounds.ts";
import { ShardRunner } from "./shard-runner.ts";
import type { ShardDeps } from "./shard-worker.ts";
import { TableBudget } from "./table-budget.ts";
import { WaitingLabels } from "./waiting-labels.ts";
import { Watermarks } from "./watermarks.ts";

export interface CollectorOptions {
  readonly shards: number;
  readonly instance: string;
  readonly processId: string;
  readonly stream: { readonly bytesMax: number; readonly replicas: number };
  /** What the tables may take; null: no limit. */
  readonly tableBytesMax: number | null;
  readonly reconcileMs: number;
  /** What statements of labels.pull may read from, and the secrets that they may name. */
  readonly labels: Pick<LabelCareOptions, "sources" | "secrets">;
}

export interface CollectorDeps {
  readonly store: Store;
  readonly nats: Nats;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface Collector {
  readonly runners: readonly ShardRunner[];
  readonly book: ModelBook;
  readonly labels: LabelCare;
  readonly erasures: Erasures;
  readonly budget: TableBudget;
  /** Null when every shard is owned or in another collector's hands; else why this one cannot work. */
  readiness(): string | null;
  /** Ends what is being stored, keeps the rest for the next owner. */
  stop(): Promise<void>;
}

export async function startCollector(
  options: CollectorOptions,
  given: CollectorDeps,
): Promise<Collector> {
  const { store, nats, clock, logger } = given;
  const heads = new HeadBook(clock.nowMs());
  const book = new ModelBook({ store, logger });
  const runners: ShardRunner[] = [];
  const watermarks = new Watermarks({
    store,
    nats,
    clock,
    logger,
    heads,
    storedThrough: (spool) =>
      runners[shardOfSpool(spool, options.shards)]?.storedThrough(spool) ?? null,
  });
  const retention = await readRetention(store);
  const metrics = collectorMetrics(given.metrics);
  const budget = new TableBudget(options.tableBytesMax, { store, clock, logger, metrics });
  const deps: ShardDeps = {
    ...{ store, nats, clock, logger, metrics },
    book,
    heads,
    watermarks,
    waiting: new WaitingLabels(),
    bounds: retentionBounds(retention),
    retention,
    gate: new Gate(),
    budget,
  };
  for (let shard = 0; shard < options.shards; shard++) {
    runners.push(new ShardRunner({ ...options, shard }, deps));
  }
  await book.refreshDocuments();
  await watermarks.load();
  const abort = new AbortController();
  void watchConnection(nats, heads, clock);
  const epochOf = (shard: number): number | null => runners[shard]?.epoch ?? null;
  const labels = careForLabels(deps, { ...options, ...options.labels, epochOf }, abort.signal);
  const stops = [
    ...listen({ nats, clock, heads, book, labels, runners }),
    clock.every(LIMITS.watermarkPeriodMs, () => watermarks.publishAll()),
    budget.watch(),
  ];
  const { erasures, reconciler } = caretakers(runners, options, deps);
  stops.push(clock.every(options.reconcileMs, () => reconciler.run(abort.signal)));
  const running = Promise.all([
    ...runners.map((runner) => runner.run(abort.signal)),
    erasures.finishBegun(abort.signal),
  ]);
  return {
    runners,
    book,
    labels,
    erasures,
    budget,
    readiness: () => readinessOf(runners),
    stop: async () => {
      for (const stop of stops) stop();
      abort.abort();
      await running;
      await labels.stop();
      await watermarks.flush();
    },
  };
}

interface Listeners {
  readonly nats: Nats;
  readonly clock: Clock;
  readonly heads: HeadBook;
  readonly book: ModelBook;
  readonly labels: LabelCare;
  readonly runners: readonly ShardRunner[];
}

/** What agents and the analyzer say. @returns what ends it */
function listen({ nats, clock, heads, book, labels, runners }: Listeners): (() => void)[] {
  return [
    nats.subscribe(subjects.all("head"), HeadMessage, (head) => {
      heads.hear(head, clock.nowMs());
      runners[head.shard]?.hear(head);
    }),
    nats.subscribe(subjects.all("model"), ModelMessage, async ({ model }) => {
      await book.refresh(model);
      labels.documentChanged();
    }),
    nats.subscribe(subjects.all("grids"), z.unknown(), (_message, subject) =>
      book.refresh(nameOfToken(subject.split(".").at(-1) ?? "")),
    ),
  ];
}

/** What looks after all that is stored, one of them at a time. */
function caretakers(
  runners: readonly ShardRunner[],
  { shards }: Pick<CollectorOptions, "shards">,
  deps: ShardDeps,
): { erasures: Erasures; reconciler: Reconciler } {
  const erasures = new Erasures({
    ...deps,
    // Recovery repairs rollups too, and is alone with it.
    epochOf: () => (runners[0]?.state.kind === "running" ? runners[0].state.epoch : null),
    storedThrough: (spool) => runners[shardOfSpool(spool, shards)]?.storedThrough(spool) ?? null,
  });
  const reconciler = new Reconciler({
    ...deps,
    epochOf: () => runners[0]?.epoch ?? null,
    erasures,
  });
  return { erasures, reconciler };
}

async function watchConnection(nats: Nats, heads: HeadBook, clock: Clock): Promise<void> {
  for await (const { type } of nats.connection.status()) {
    if (type === "disconnect") heads.wentDeaf();
    if (type === "reconnect") heads.hearsAgain(clock.nowMs());
  }
}

function readinessOf(runners: readonly ShardRunner[]): string | null {
  for (const { shard, state, stuck } of runners) {
    if (stuck.current !== null) {
      return `group ${stuck.current.n} of shard ${shard} cannot be stored: ${stuck.current.reason}`;
    }
    if (state.kind === "recovering") return `shard ${shard} is being recovered`;
    if (state.kind === "waiting") return `shard ${shard}: ${state.reason}`;
  }
  return null;
}
