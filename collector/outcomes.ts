/**
 * Writes the outcomes that a group completes. Labels that say when they were predicted find their prediction
 * by the primary key; what is left is looked for around that time, or in all that is kept; what is still
 * left waits, and is joined when its prediction comes.
 */
import { LIMITS } from "../contract/limits.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Store } from "../store/client.ts";
import {
  joinLabelsBySpan,
  joinLabelsByTime,
  joinPredictionsOfGroup,
  joinWaitingLabels,
  matchedLabels,
  predictionSpan,
  unmatchedLabels,
} from "../store/queries/outcomes.ts";
import type { GroupManifest } from "./group-manifest.ts";
import { type Ownership, shardMarker } from "./group-store.ts";
import type { WaitingLabels } from "./waiting-labels.ts";

const TEXTS_BYTES_MAX = 4_000;

export interface OutcomeDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly waiting: WaitingLabels;
  readonly segmentsOf: (model: string) => readonly string[];
}

export interface LabelsOfGroup {
  readonly manifest: GroupManifest;
  /** Models of its labels. */
  readonly models: readonly string[];
  /** First and last time at which its labels say that they were predicted; null when none says so. */
  readonly predicted: { readonly from: number; readonly to: number } | null;
}

/** @returns the number of labels that found no prediction */
export async function joinLabels(
  deps: OutcomeDeps,
  owner: Ownership,
  { manifest, models, predicted }: LabelsOfGroup,
): Promise<number> {
  let waiting = 0;
  for (const chunk of chunksByBytes(models)) {
    waiting += await joinLabelsOfModels(deps, owner, { manifest, models: chunk, predicted });
  }
  return waiting;
}

async function joinLabelsOfModels(
  deps: OutcomeDeps,
  owner: Ownership,
  { manifest, models, predicted }: LabelsOfGroup,
): Promise<number> {
  const group = {
    ...owner,
    n: manifest.n,
    labelsFrom: manifest.labels_from,
    labelsTo: manifest.labels_to,
    models: [...models],
    segments: segmentsOf(deps, models),
  };
  const { store } = deps;
  const options = { marker: shardMarker(owner.shard) };
  if (predicted !== null) {
    const join = manifest.labels > LIMITS.labelsByTimeMax ? joinLabelsBySpan : joinLabelsByTime;
    await store.command(join, { ...group, ...predicted }, options);
    // Of different models only a part may be meant here; then the labels themselves are looked at.
    const [matched] = await store.query(matchedLabels, { ...group, ...predicted });
    if (matched?.n === manifest.labels) return 0;
  }
  const unmatched = await unmatchedOf(store, group, predicted ?? NEVER);
  if (unmatched.length === 0) return 0;
  const span = await searchSpan(store, unmatched);
  let waiting = unmatched;
  if (span !== null) {
    await store.command(joinLabelsBySpan, { ...group, ...span }, options);
    waiting = await unmatchedOf(store, group, unionOf(span, predicted ?? span));
  }
  // The prediction of the others was left out of the sample: it will not come.
  const awaited = waiting.filter(({ unsampled }) => unsampled === 0);
  await noteWaiting(deps, awaited);
  return awaited.length;
}

/** Written down before the group counts as stored, for whoever takes the shard. */
async function noteWaiting(
  { store, clock, waiting }: OutcomeDeps,
  labels: Unmatched,
): Promise<void> {
  const noted = clock.nowMs();
  await store.insert(
    "waiting_labels",
    labels.map(({ model, id, prediction_time }) => ({ model, id, prediction_time, met: 0, noted })),
  );
  for (const { model, id } of labels) waiting.add(model, id);
}

/** Joins predictions of the group with labels that waited for them. */
export async function joinAwaited(
  deps: OutcomeDeps,
  owner: Ownership,
  manifest: GroupManifest,
  awaited: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const total = [...awaited.values()].reduce((sum, ids) => sum + ids.length, 0);
  if (total === 0) return;
  const { store, clock, waiting } = deps;
  const options = { marker: shardMarker(owner.shard) };
  const { n, from, to } = manifest;
  if (total > LIMITS.awaitedByIdMax) {
    const segments = segmentsOf(deps, manifest.models);
    await store.command(joinPredictionsOfGroup, { ...owner, n, from, to, segments }, options);
  } else {
    for (const [model, ids] of awaited) {
      const segments = segmentsOf(deps, [model]);
      for (const chunk of chunksByBytes([...new Set(ids)])) {
        const group = { ...owner, from, to, model, ids: chunk, segments };
        await store.command(joinWaitingLabels, group, options);
      }
    }
  }
  const noted = clock.nowMs();
  const met = [...awaited].flatMap(([model, ids]) =>
    ids.map((id) => ({ model, id, met: 1, noted })),
  );
  await store.insert("waiting_labels", met);
  for (const { model, id } of met) waiting.remove(model, id);
}

type Unmatched = Awaited<ReturnType<typeof unmatchedOf>>;

interface Span {
  readonly from: number;
  readonly to: number;
}

const NEVER: Span = { from: 0, to: 0 };

function unmatchedOf(
  store: Store,
  group: { shard: number; n: number; models: string[]; labelsFrom: number; labelsTo: number },
  span: Span,
) {
  const { shard, n, models, labelsFrom, labelsTo } = group;
  const params = { shard, n, models, labelsFrom, labelsTo, ...span };
  return store.query(unmatchedLabels, { ...params, limit: LIMITS.waitingLabelsMax });
}

function unionOf(a: Span, b: Span): Span {
  return { from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) };
}

/** Null when no prediction can be there. */
async function searchSpan(store: Store, unmatched: Unmatched): Promise<Span | null> {
  const [stored] = await store.query(predictionSpan, {});
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
    if (bytes + size > TEXTS_BYTES_MAX && chunk.length > 0) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(id);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}
