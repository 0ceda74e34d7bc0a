/** The labelled rows of a block from the store, answered by champion and challenger in parallel. */
import { columnOf, readBlocks } from "../../contract/native-block.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import type { Store } from "../../store/client.ts";
import {
  type RowColumns,
  labelCoverage,
  labelledColumns,
  recordedScores,
} from "../../store/queries/training-rows.ts";
import { exclusionsOf } from "../dataset/exclusions.ts";
import { bytesOf } from "../dataset/stream-bytes.ts";
import type { BlockLabels } from "../policy/probe.ts";
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

export async function loadBlock(request: BlockRequest, store: Store): Promise<LabelledRows> {
  return loadRows(request, LIMITS.judgeRowsMax, store);
}

/** The newest labelled rows of a span with their features, oldest first. */
export async function loadRows(
  request: BlockRequest,
  rowsMax: number,
  store: Store,
): Promise<LabelledRows> {
  const { document, columns, fromMs, toMs, knownMs } = request;
  const stream = await store.stream(
    labelledColumns(columns),
    {
      model: document.metadata.name,
      fromMs,
      toMs,
      knownMs,
      positive: document.task.positive ?? "1",
      rowsMax,
      ...exclusionsOf(entriesWithin(request.quarantine, fromMs, toMs)),
    },
    "Native",
  );
  return labelledRows(readBlocks(await bytesOf(stream)), columns);
}

/** How mature the labels of the block are; days that are quarantined whole do not count as missing. */
export async function blockLabels(
  request: BlockRequest,
  rows: LabelledRows,
  store: Store,
): Promise<BlockLabels> {
  const { fromMs, toMs, knownMs, document } = request;
  const span = { model: document.metadata.name, fromMs, toMs, knownMs };
  const [coverage] = await store.query(labelCoverage, span);
  const clusterMs = CLUSTER_MS[document.retrain.judge.cluster];
  const seen = new Set(Array.from(rows.timeMs, (ms) => Math.floor(ms / clusterMs)));
  return {
    predictions: coverage?.predictions ?? 0,
    labelled: coverage?.labelled ?? 0,
    blocks: seen.size,
    blocksWanted: Math.round((toMs - fromMs) / clusterMs),
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
