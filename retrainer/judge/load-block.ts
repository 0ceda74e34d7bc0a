/** The labelled rows of a block from the store, answered by champion and challenger in parallel. */
import { columnOf, readBlocks } from "../../contract/native-block.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import type { Store } from "../../store/client.ts";
import {
  KEEP_ALL,
  type RowColumns,
  labelCoverage,
  labelledColumns,
  recordedScores,
  sampledColumns,
} from "../../store/queries/training-rows.ts";
import { exclusionsOf } from "../dataset/exclusions.ts";
import { bytesOf } from "../dataset/stream-bytes.ts";
import { type BlockLabels, sampleShare } from "../policy/probe.ts";
import { type QuarantineEntry, entriesWithin } from "../policy/quarantine.ts";
import { type LabelledRows, labelledRows } from "./feature-columns.ts";
import type { Latency } from "./judge.ts";
import type { ModelSignature, ScoringPool } from "./scoring-pool.ts";
import { CLUSTER_MS, type ScoredBlock } from "./scored-block.ts";

export interface BlockRequest {
  readonly document: OnboardingDocument;
  readonly columns: RowColumns;
  readonly fromMs: number;
  readonly toMs: number;
  readonly knownMs: number;
  readonly quarantine: readonly QuarantineEntry[];
}

export interface ScoredModel {
  readonly path: string;
  readonly signature: ModelSignature;
}

export interface LoadedBlock {
  readonly rows: LabelledRows;
  readonly labels: BlockLabels;
}

/**
 * The labelled rows of a block and how mature they are. Of more than `rowsMax` rows an even sample by
 * hash of the id: no day is lost, and the same block gives the same rows.
 */
export async function loadBlock(
  request: BlockRequest,
  store: Store,
  rowsMax: number = LIMITS.judgeRowsMax,
): Promise<LoadedBlock> {
  const { fromMs, toMs, knownMs, document, columns } = request;
  const span = { model: document.metadata.name, fromMs, toMs, knownMs };
  const [coverage] = await store.query(labelCoverage, span);
  const { predictions, labelled } = coverage ?? { predictions: 0, labelled: 0 };
  const share = sampleShare(labelled, rowsMax);
  const keepBelow = Math.floor(share * KEEP_ALL);
  const params = { ...columnParams(request), keepBelow };
  const stream = await store.stream(sampledColumns(columns), params, "Native");
  const rows = labelledRows(readBlocks(await bytesOf(stream)), columns);
  const clusterMs = CLUSTER_MS[document.retrain.judge.cluster];
  const seen = new Set(Array.from(rows.timeMs, (ms) => Math.floor(ms / clusterMs)));
  const blocksWanted = Math.round((toMs - fromMs) / clusterMs);
  return {
    rows,
    labels: { predictions, labelled, blocks: seen.size, blocksWanted, sampleShare: share },
  };
}

/** The newest labelled rows of a span with their features, oldest first. */
export async function loadNewestRows(
  request: BlockRequest,
  rowsMax: number,
  store: Store,
): Promise<LabelledRows> {
  const params = { ...columnParams(request), rowsMax };
  const stream = await store.stream(labelledColumns(request.columns), params, "Native");
  return labelledRows(readBlocks(await bytesOf(stream)), request.columns);
}

function columnParams({ document, fromMs, toMs, knownMs, quarantine }: BlockRequest) {
  return {
    model: document.metadata.name,
    fromMs,
    toMs,
    knownMs,
    positive: document.task.positive ?? "1",
    ...exclusionsOf(entriesWithin(quarantine, fromMs, toMs)),
  };
}

export async function scoreBlock(
  request: BlockRequest,
  rows: LabelledRows,
  models: { readonly champion: ScoredModel; readonly challenger: ScoredModel },
  pool: ScoringPool,
): Promise<{ block: ScoredBlock; latency: Latency }> {
  const [champion, challenger] = await Promise.all(
    [models.champion, models.challenger].map(({ path, signature }) =>
      pool.score(path, signature, rows),
    ),
  );
  const { fromMs, toMs, document } = request;
  const feature = document.quality.slices;
  const column = feature === undefined ? undefined : rows.features.get(feature);
  return {
    block: {
      fromMs,
      toMs,
      timeMs: rows.timeMs,
      target: rows.target,
      champion: champion?.scores ?? [],
      challenger: challenger?.scores ?? [],
      slices:
        feature !== undefined && column?.kind === "categorical"
          ? { feature, values: column.keys, codes: column.codes }
          : null,
    },
    latency: { championMs: champion?.elapsedMs ?? 0, challengerMs: challenger?.elapsedMs ?? 0 },
  };
}

/** What a version answered on a span as it was served, with the truth. */
export async function servedScores(
  request: BlockRequest,
  version: string,
  store: Store,
): Promise<{ readonly scores: Float64Array; readonly target: Float64Array }> {
  const { document, fromMs, toMs, knownMs } = request;
  const stream = await store.stream(
    recordedScores,
    {
      model: document.metadata.name,
      fromMs,
      toMs,
      knownMs,
      version,
      positive: document.task.positive ?? "1",
      ...exclusionsOf(entriesWithin(request.quarantine, fromMs, toMs)),
    },
    "Native",
  );
  const blocks = readBlocks(await bytesOf(stream)).filter(({ rows }) => rows > 0);
  const joined = (name: string): Float64Array =>
    Float64Array.from(
      blocks.flatMap((block) => Array.from(columnOf(block, name, "float64").values)),
    );
  return { scores: joined("score"), target: joined("target") };
}
