/**
 * The books that collector and retrainer keep beside the rows: groups, clocks, dead letters, versions, a run,
 * checks. As their own code writes them, for a roll-out that went well.
 */
import type { OnboardingDocument } from "../../../contract/onboarding-document.ts";
import { z } from "zod";
import type { Store } from "../../../store/client.ts";
import { defineCommand } from "../../../store/define-query.ts";

export interface Books {
  readonly model: string;
  readonly document: OnboardingDocument;
  readonly fromMs: number;
  readonly toMs: number;
  readonly canaryMs: number;
  readonly promotedMs: number;
}

/** Wall time of the collector's books. */
export const WALL_MS = Date.UTC(2026, 10, 23, 12);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const RUN = "run-1";

/** A version's scores on its training set: here those that it gave in the stored weeks. */
const referencesOfVersions = defineCommand({
  name: "test_version_references",
  params: z.object({ model: z.string() }),
  repeatable: false,
  sql: `INSERT INTO version_references
    SELECT model, version, cell, sum(n), sum(s), intDiv(sum(n), 5), 1 FROM feature_hours
    WHERE model = {model:String} AND feature = '$score' AND segment_tag = '' GROUP BY model, version, cell`,
});

export const storeVersionReferences = (store: Store, model: string): Promise<unknown> =>
  store.command(referencesOfVersions, { model });

export async function storeBooks(store: Store, books: Books): Promise<void> {
  const { model, document, fromMs, toMs, canaryMs, promotedMs } = books;
  await store.insert("models", [
    {
      ...{ model, status: "active", document: JSON.stringify(document) },
      ...{ updated: WALL_MS, by: "test", revision: 1, detail: "{}" },
    },
  ]);
  await store.insert(
    "segment_values",
    ["5.0", "5.1"].map((value, n) => ({ model, tag: "client.version", n, value })),
  );
  const version = { model, kind: "onnx", uri: "", digest: "", detail: "{}", revision: 1 };
  await store.insert("model_versions", [
    {
      ...{ ...version, version: "1", status: "retired", run_id: "" },
      ...{ registered: fromMs, promoted: fromMs, retired: promotedMs },
    },
    {
      ...{ ...version, version: "2", status: "serving", run_id: RUN },
      ...{ registered: canaryMs, promoted: promotedMs, retired: null },
    },
  ]);
  await store.insert("retraining_runs", [
    {
      ...{ id: RUN, model, at: canaryMs - DAY_MS, trigger: "probe every 7 d", decision: "RETRAIN" },
      ...{ reason: "Version 2 serves all requests", step: "promoted", champion: "1", version: "2" },
      ...{ verdict: "PASS", started: WALL_MS, finished: WALL_MS, promoted: promotedMs },
      ...{ updated: WALL_MS, revision: 1, detail: "{}" },
    },
  ]);
  await store.insert("retraining_checks", [
    {
      ...{ model, at: canaryMs - DAY_MS, trigger: "probe every 7 d", decision: "RETRAIN" },
      ...{ reason: "A refit is better", run_id: RUN, numbers: "{}", revision: 1, detail: "{}" },
    },
  ]);
  await store.insert("changes", [
    {
      ...{ id: "c1", model, time: canaryMs, kind: "deploy", title: "a new client", url: "" },
      ...{ by: "test", created: WALL_MS, revision: 1, detail: "{}" },
    },
  ]);
  await storeTransport(store, model, toMs);
  await storeServer(store, model, toMs);
}

/** What a model server says of its last day. */
async function storeServer(store: Store, model: string, toMs: number): Promise<void> {
  const levels = [
    ...[["requests", "", 500] as const, ["errors", "BACKEND", 5] as const],
    ...[["latency_seconds", "", 10] as const, ["latency_count", "", 500] as const],
    ...[["queue_seconds", "", 1] as const, ["queue_count", "", 500] as const],
    ...[["gpu_utilisation", "0", 0.4] as const, ["gpu_memory_bytes", "0", 2e10] as const],
    ...[["cpu_cores", "", 3] as const, ["memory_bytes", "", 4e9] as const],
  ];
  await store.insert(
    "server_metrics",
    Array.from({ length: 24 }, (_, hour) => hour).flatMap((hour) =>
      levels.map(([measure, part, value]) => ({
        ...{ model, version: "1", ts: toMs - (hour + 1) * 60 * MINUTE_MS, instance: "a:8002" },
        ...{ source: "scrape", measure, part, lower: 0, upper: 0, value },
        ...{ _spool: "", _seq: 1, _group: 1, _shard: 0 },
      })),
    ),
  );
}

async function storeTransport(store: Store, model: string, toMs: number): Promise<void> {
  await store.insert(
    "ingest_groups",
    Array.from({ length: 60 }, (_, i) => ({
      ...{
        shard: i % 2,
        n: 1 + Math.floor(i / 2),
        epoch: 1,
        frames: [],
        predictions: 1_000,
        labels: 900,
      },
      ...{
        dead_letters: 0,
        labels_from: toMs,
        labels_to: toMs,
        models: [model],
        grids: {},
        grains: {},
      },
      ...{ segments: {}, clocks: [], accepted: WALL_MS + i * MINUTE_MS - 250 },
      formed: WALL_MS + i * MINUTE_MS,
    })),
  );
  await store.insert("dead_letters", [
    {
      ...{
        time: WALL_MS,
        letter: "l1",
        record: "labels",
        model,
        id: "x",
        reason: "label_unknown_class",
      },
      ...{ detail: "no such class", sample: "{}", rows: 3, payload: "" },
      ...{ _spool: "", _seq: 1, _group: 1, _shard: 0 },
    },
  ]);
  await store.insert("groups_set_aside", [
    { shard: 0, n: 7, at: WALL_MS, by: "test", reason: "the disk was full" },
  ]);
  await store.insert("shard_epochs", [
    { shard: 0, epoch: 1, owner: "collector-1", taken: WALL_MS },
    { shard: 1, epoch: 1, owner: "collector-1", taken: WALL_MS },
  ]);
  await store.insert("model_clocks", [
    { model, clock: "replay", time: toMs, updated: WALL_MS, revision: 1 },
  ]);
  await store.insert("analyzer_checkpoints", [{ model, through: toMs, memory: "{}", revision: 1 }]);
}
