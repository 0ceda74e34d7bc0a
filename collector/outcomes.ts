/**
 * Writes the outcomes that a group completes. Labels that say when they were predicted find their prediction
 * by the primary key; what is left is looked for around that time, or in all that is kept; what is still
 * left waits, and is joined when its prediction comes.
 */
import { LIMITS } from "../contract/limits.ts";
import type { Store } from "../store/client.ts";
import {
  joinLabelsBySpan,
  joinLabelsByTime,
  joinWaitingLabels,
  predictionSpan,
  unmatchedLabels,
} from "../store/queries/outcomes.ts";
import type { GroupManifest } from "./group-manifest.ts";
import { type Ownership, shardMarker } from "./group-store.ts";
import type { WaitingLabels } from "./waiting-labels.ts";

const IDS_BYTES_MAX = 4_000;

export interface OutcomeDeps {
  readonly store: Store;
  readonly waiting: WaitingLabels;
  readonly segmentsOf: (model: string) => readonly string[];
}

export interface LabelsOfGroup {
  readonly manifest: GroupManifest;
  /** Models of its labels. */
  readonly models: readonly string[];
}

/** @returns the number of labels that found no prediction */
export async function joinLabels(
  deps: OutcomeDeps,
  owner: Ownership,
  { manifest, models }: LabelsOfGroup,
): Promise<number> {
  if (manifest.labels === 0) return 0;
  const group = {
    ...owner,
    n: manifest.n,
    labelsFrom: manifest.labels_from,
    labelsTo: manifest.labels_to,
    segments: segmentsOf(deps, models),
  };
  const options = { marker: shardMarker(owner.shard) };
  await deps.store.command(joinLabelsByTime, group, options);
  const all = { from: 0, to: Date.UTC(2299, 0) };
  const unmatched = await unmatchedOf(deps.store, group, all);
  if (unmatched.length === 0) return 0;
  const span = await searchSpan(deps.store, unmatched);
  if (span === null) {
    for (const { model, id } of unmatched) deps.waiting.add(model, id);
    return unmatched.length;
  }
  await deps.store.command(joinLabelsBySpan, { ...group, ...span }, options);
  const waiting = await unmatchedOf(deps.store, group, all);
  for (const { model, id } of waiting) deps.waiting.add(model, id);
  return waiting.length;
}

/** Joins predictions of the group with labels that waited for them. */
export async function joinAwaited(
  deps: OutcomeDeps,
  owner: Ownership,
  manifest: GroupManifest,
  awaited: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  for (const [model, ids] of awaited) {
    for (const chunk of chunksByBytes([...new Set(ids)])) {
      await deps.store.command(
        joinWaitingLabels,
        {
          ...owner,
          from: manifest.from,
          to: manifest.to,
          model,
          ids: chunk,
          segments: segmentsOf(deps, [model]),
        },
        { marker: shardMarker(owner.shard) },
      );
      for (const id of chunk) deps.waiting.remove(model, id);
    }
  }
}

type Unmatched = Awaited<ReturnType<typeof unmatchedOf>>;

function unmatchedOf(
  store: Store,
  group: { shard: number; n: number; labelsFrom: number; labelsTo: number },
  span: { from: number; to: number },
) {
  const { shard, n, labelsFrom, labelsTo } = group;
  const limit = LIMITS.waitingLabelsMax;
  return store.query(unmatchedLabels, { shard, n, labelsFrom, labelsTo, ...span, limit });
}

/** Null when no prediction can be there. */
async function searchSpan(
  store: Store,
  unmatched: Unmatched,
): Promise<{ from: number; to: number } | null> {
  const models = [...new Set(unmatched.map(({ model }) => model))];
  const [stored] = await store.query(predictionSpan, { models });
  if (stored === undefined || stored.n === 0) return null;
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const { prediction_time: time } of unmatched) {
    from = Math.min(from, time === null ? stored.from : time - LIMITS.labelJoinSlackMs);
    to = Math.max(to, time === null ? stored.to : time + LIMITS.labelJoinSlackMs);
  }
  from = Math.max(from, stored.from);
  to = Math.min(to, stored.to);
  return from <= to ? { from, to } : null;
}

function segmentsOf(deps: OutcomeDeps, models: readonly string[]): Record<string, string[]> {
  return Object.fromEntries(models.map((model) => [model, [...deps.segmentsOf(model)]]));
}

/** Parameters travel in the URL, which is short. */
function* chunksByBytes(ids: readonly string[]): Generator<string[]> {
  let chunk: string[] = [];
  let bytes = 0;
  for (const id of ids) {
    const size = encodeURIComponent(id).length + 9;
    if (bytes + size > IDS_BYTES_MAX && chunk.length > 0) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(id);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}
