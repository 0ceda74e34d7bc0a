/**
 * Completes a group of which rows are missing. Tokens are not trusted: the engine may remember one whose part
 * it lost. Rows are counted, inserted under the group's tokens (which also waits for nobody twice), counted
 * again, and what is still missing is inserted by comparison.
 */
import { DriftmendError } from "../contract/driftmend-error.ts";
import type { Store } from "../store/client.ts";
import {
  countDeadLetters,
  countLabelsByMonth,
  countPredictions,
  countServerMetrics,
  mendAgentDeadLetters,
  mendDeadLetters,
  mendLabels,
  mendPredictions,
  mendServerMetrics,
} from "../store/queries/group-data.ts";
import { erasedOfGroup, erasuresSince } from "../store/queries/erasures.ts";
import type { WholeFrame } from "./collect-frames.ts";
import { GroupBuilder } from "./group-builder.ts";
import type { GroupManifest } from "./group-manifest.ts";
import { type Ownership, insertRows, ownPieces, shardMarker } from "./group-store.ts";
import type { ModelBook } from "./model-book.ts";
import { DEFAULT_MODEL_SETTINGS } from "./model-settings.ts";
import { type Bounds, checkFrame } from "./payload-check.ts";
import type { ShardDeps } from "./shard-worker.ts";

export type MissingRows =
  | { readonly kind: "none" }
  | {
      readonly kind: "missing";
      readonly predictions: number;
      readonly labels: number;
      readonly deadLetters: number;
      readonly serverMetrics: number;
      readonly reason: string;
    };

/**
 * Counts a group against its manifest; what was erased is not missing.
 * @param strict labels and dead letters too; labels of older groups may have been replaced since
 */
export async function missingRows(
  store: Store,
  shard: number,
  manifest: GroupManifest,
  strict: boolean,
): Promise<MissingRows> {
  const { n } = manifest;
  const predictions =
    manifest.predictions === 0
      ? 0
      : await counted(
          store.query(countPredictions, { shard, n, from: manifest.from, to: manifest.to }),
        );
  const labels =
    manifest.labels === 0 || !strict
      ? manifest.labels
      : await presentLabels(store, shard, manifest);
  const deadLetters =
    manifest.dead_letters === 0 || !strict
      ? manifest.dead_letters
      : await counted(store.query(countDeadLetters, { shard, n }));
  const { metrics_from: metricsFrom, metrics_to: metricsTo } = manifest;
  const serverMetrics =
    manifest.server_metrics === 0
      ? 0
      : await counted(
          store.query(countServerMetrics, { shard, n, from: metricsFrom, to: metricsTo }),
        );
  const [erased] = await store.query(erasedOfGroup, { shard, n });
  const missing = {
    predictions: manifest.predictions - predictions - (erased?.predictions ?? 0),
    labels: manifest.labels - labels - (erased?.labels ?? 0),
    deadLetters: manifest.dead_letters - deadLetters - (erased?.dead_letters ?? 0),
    serverMetrics: manifest.server_metrics - serverMetrics,
  };
  if (Object.values(missing).every((rows) => rows <= 0)) return { kind: "none" };
  const reason = `${missing.predictions} predictions, ${missing.labels} labels, ${missing.deadLetters} dead letters, ${missing.serverMetrics} server metrics`;
  return { kind: "missing", ...missing, reason };
}

/**
 * Labels of the group that are there or were replaced by a newer revision since: a month of which one row
 * is there had its part written.
 */
async function presentLabels(
  store: Store,
  shard: number,
  manifest: GroupManifest,
): Promise<number> {
  const { n, labels_from: from, labels_to: to } = manifest;
  const months = await store.query(countLabelsByMonth, { shard, n, from, to });
  const present = months.reduce((sum, month) => sum + month.n, 0);
  const [first, last] = [monthOf(from), monthOf(to)];
  const endsThere = [first, last].every((month) => months.some((row) => row.month === month));
  const neighbours = last - first <= 1 || (last % 100 === 1 && last - first === 89);
  return endsThere && neighbours ? manifest.labels : present;
}

/** As toYYYYMM. */
function monthOf(ms: number): number {
  const date = new Date(ms);
  return date.getUTCFullYear() * 100 + date.getUTCMonth() + 1;
}

async function counted(rows: Promise<readonly { readonly n: number }[]>): Promise<number> {
  return (await rows)[0]?.n ?? 0;
}

/**
 * The group again from its frames. What was refused by its time then is refused now, because all that was
 * kept lies within the manifest's span.
 */
export async function groupFromFrames(
  manifest: GroupManifest,
  frames: readonly WholeFrame[],
  deps: Pick<ShardDeps, "book" | "clock" | "bounds">,
): Promise<GroupBuilder> {
  const bounds: Bounds = {
    predictions: { fromMs: manifest.from, toMs: manifest.to },
    labels: { fromMs: manifest.labels_from, toMs: manifest.labels_to },
    deadLetters: deps.bounds.at(deps.clock.nowMs()).deadLetters,
    serverMetrics: { fromMs: manifest.metrics_from, toMs: manifest.metrics_to },
  };
  const pinned = await pinnedSettings(manifest, deps.book);
  const group = new GroupBuilder(deps.clock.monotonicMs(), {
    settingsOf: (model) => pinned.get(model) ?? DEFAULT_MODEL_SETTINGS,
    segmentValues: deps.book,
  });
  for (const frame of frames) group.add(checkFrame(frame, bounds), 0);
  return group;
}

async function pinnedSettings(manifest: GroupManifest, book: ModelBook) {
  const entries = manifest.models.map(async (model) => {
    const settings = await book.settingsAt(model, {
      gridNumber: manifest.grids[model] ?? 0,
      grain: manifest.grains[model] ?? DEFAULT_MODEL_SETTINGS.grain,
      segments: manifest.segments[model] ?? [],
    });
    return [model, settings] as const;
  });
  return new Map(await Promise.all(entries));
}

export async function mendGroup(
  group: GroupBuilder,
  manifest: GroupManifest,
  owner: Ownership,
  strict: boolean,
  deps: Pick<ShardDeps, "store" | "metrics" | "logger">,
): Promise<void> {
  const { store } = deps;
  const before = await missingRows(store, owner.shard, manifest, strict);
  if (before.kind === "none") return;
  const { models, accepted: since } = manifest;
  const [erased] = await store.query(erasuresSince, { models, since });
  const wasErasedSince = (erased?.n ?? 0) > 0;
  // A part of the rows is there: a token that has left the window would double it. Frames hold what was erased.
  const isEmpty =
    before.predictions >= manifest.predictions &&
    before.labels >= manifest.labels &&
    before.serverMetrics >= manifest.server_metrics;
  if (isEmpty && !wasErasedSince) {
    await insertRows(store, owner, manifest.n, group);
  }
  const after = await missingRows(store, owner.shard, manifest, strict);
  if (after.kind === "missing") await insertMissing(group, manifest, owner, store);
  const left = await missingRows(store, owner.shard, manifest, strict);
  deps.metrics.mendedRows.inc(Math.max(0, before.predictions) + Math.max(0, before.labels));
  if (left.kind === "none") return;
  if (wasErasedSince) {
    // Rows that were lost when the erasure counted them, and that it has kept away now.
    deps.logger.warn({ ...owner, n: manifest.n, left: left.reason }, "what is missing was erased");
    return;
  }
  throw new DriftmendError("group_incomplete", {
    retry: "never",
    message: `Cannot complete group ${manifest.n} of shard ${owner.shard} as all of its rows must be stored: missing are ${left.reason}`,
    next: "Look at the disk and the log of ClickHouse; the group can be set aside.",
  });
}

async function insertMissing(
  group: GroupBuilder,
  manifest: GroupManifest,
  owner: Ownership,
  store: Store,
): Promise<void> {
  const { n, accepted: since } = manifest;
  const options = { marker: shardMarker(owner.shard) };
  const predictions = group.piecesOf("predictions");
  if (predictions.length > 0) {
    const params = { ...owner, n, from: manifest.from, to: manifest.to, since };
    await store.insertNative(mendPredictions, params, predictions, options);
  }
  const labels = group.piecesOf("labels");
  if (labels.length > 0) {
    const params = { ...owner, n, from: manifest.labels_from, to: manifest.labels_to, since };
    await store.insertNative(mendLabels, params, labels, options);
  }
  const metrics = group.piecesOf("server_metrics");
  if (metrics.length > 0) {
    const params = { ...owner, n, from: manifest.metrics_from, to: manifest.metrics_to };
    await store.insertNative(mendServerMetrics, params, metrics, options);
  }
  const agents = group.piecesOf("dead_letters");
  if (agents.length > 0) {
    await store.insertNative(mendAgentDeadLetters, { ...owner, n, since }, agents, options);
  }
  const own = ownPieces(group);
  if (own.length > 0)
    await store.insertNative(mendDeadLetters, { ...owner, n, since }, own, options);
}
