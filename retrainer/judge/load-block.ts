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
  const { columns } = request;
  const labels = await blockLabels(request, store, rowsMax);
  const keepBelow = Math.floor(labels.sampleShare * KEEP_ALL);
  const params = { ...spanParams(request), positive: positiveOf(request), keepBelow };
  const stream = await store.stream(sampledColumns(columns), params, "Native");
  return { rows: labelledRows(readBlocks(await bytesOf(stream)), columns), labels };
}

/** Rows that are quarantined are not asked for a label, nor are days of which all rows are. */
async function blockLabels(
  request: BlockRequest,
  store: Store,
  rowsMax: number,
): Promise<BlockLabels> {
  const { document, columns, fromMs, toMs } = request;
  const periodMs = CLUSTER_MS[document.retrain.judge.cluster];
  const params = { ...spanParams(request), firstMs: fromMs, periodMs };
  const periods = await store.query(labelCoverage(columns), params);
  const labelled = periods.reduce((sum, period) => sum + period.labelled, 0);
  return {
    predictions: periods.reduce((sum, period) => sum + period.predictions, 0),
    labelled,
    blocks: periods.filter((period) => period.labelled > 0).length,
    blocksExcluded: periods.filter(
      (period) => period.predictions === 0 && period.labelled === 0 && period.excluded > 0,
    ).length,
    blocksWanted: Math.round((toMs - fromMs) / periodMs),
    sampleShare: sampleShare(labelled, rowsMax),
  };
}

/** The newest labelled rows of a span with their features, oldest first. */
export async function loadNewestRows(
  request: BlockRequest,
  rowsMax: number,
  store: Store,
): Promise<LabelledRows> {
  const params = { ...spanParams(request), positive: positiveOf(request), rowsMax };
  const stream = await store.stream(labelledColumns(request.columns), params, "Native");
  return labelledRows(readBlocks(await bytesOf(stream)), request.columns);
}

const positiveOf = ({ document }: BlockRequest): string => document.task.positive ?? "1";

function spanParams({ document, fromMs, toMs, knownMs, quarantine }: BlockRequest) {
  return {
    model: document.metadata.name,
    fromMs,
    toMs,
    knownMs,
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
  const params = { ...spanParams(request), version, positive: positiveOf(request) };
  const stream = await store.stream(recordedScores, params, "Native");
  const blocks = readBlocks(await bytesOf(stream)).filter(({ rows }) => rows > 0);
  const joined = (name: string): Float64Array =>
    Float64Array.from(
      blocks.flatMap((block) => Array.from(columnOf(block, name, "float64").values)),
    );
  return { scores: joined("score"), target: joined("target") };
}
