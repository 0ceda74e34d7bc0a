/**
 * The probe: a refit on all sound data up to the embargo, compared with the champion on the newest
 * labelled block. It is the training that a run would do, so a run that it asks for need not train again.
 */
import { join } from "node:path";
import { Duration } from "../../contract/duration.ts";
import type { Artifact, DatasetRef } from "../../contract/run.ts";
import { buildDataset } from "../dataset/build-dataset.ts";
import { pruneModelFolder } from "../dataset/prune.ts";
import { type TrainedModel } from "../executor/trained-model.ts";
import { train } from "../executor/train.ts";
import type { PrimaryComparison } from "../judge/compare-primary.ts";
import type { LabelledRows } from "../judge/feature-columns.ts";
import { compare, rulesOf } from "../judge/judge.ts";
import { type ScoredModel, loadBlock, scoreBlock, servedScores } from "../judge/load-block.ts";
import { fitPlatt, plattLossChange } from "../judge/platt.ts";
import type { Champion } from "../journal/registry-table.ts";
import type { Finding } from "../policy/decide.ts";
import { type BlockLabels, immaturity, probeFinding } from "../policy/probe.ts";
import type { ModelContext, RetrainerDeps } from "./deps.ts";
import { failureOf, passesByItself } from "./failure.ts";
import { type Look, lookAt, planAt } from "./look.ts";

export interface Probed {
  readonly finding: Finding;
  readonly look: Look;
  readonly artifact: Artifact | null;
}

/** Fewer rows say nothing about calibration. */
const RECALIBRATION_ROWS_MIN = 1_000;

interface Candidate {
  readonly choice: string;
  readonly dataset: DatasetRef;
  readonly model: TrainedModel;
  readonly comparison: PrimaryComparison;
  readonly championScores: ArrayLike<number>;
}

/**
 * What a probe finds at `atMs`. A training that fails is a finding, not an error: the champion stays.
 * @throws what passes by itself: the store is away, or `signal` was aborted
 */
export async function probe(
  context: ModelContext,
  ask: {
    readonly id: string;
    readonly atMs: number;
    readonly gain: number;
    readonly champion: Champion;
  },
  signal: AbortSignal,
  deps: RetrainerDeps,
): Promise<Probed> {
  const { document } = context;
  const choices = document.retrain.window.choose;
  const look = await lookAt(context, planAt(context, choices[0] ?? "all", ask.atMs), deps.store);
  const startedMs = deps.clock.monotonicMs();
  const unable = (reason: string, labels?: BlockLabels): Probed => ({
    finding: { kind: "unable", reason, numbers: labels === undefined ? {} : { ...labels } },
    look,
    artifact: null,
  });
  try {
    const [{ rows, labels }, datasets] = await Promise.all([
      loadBlock(look.request, deps.store),
      datasetsFor(context, look, choices, deps),
    ]);
    const largest = Math.max(...datasets.map(({ rows: count }) => count));
    const young = immaturity(labels, largest, document.retrain.window.minimum_rows);
    if (young !== null) return unable(young, labels);
    const dataMs = deps.clock.monotonicMs();
    const candidates: Candidate[] = [];
    for (const [i, dataset] of datasets.entries()) {
      const choice = choices[i] ?? "all";
      candidates.push(
        await tryWindow(context, look, { ...ask, choice, dataset, rows }, signal, deps),
      );
    }
    const best = choose(candidates);
    const doneMs = deps.clock.monotonicMs();
    const timing = { dataMs: dataMs - startedMs, trainAndJudgeMs: doneMs - dataMs };
    deps.logger.info({ model: context.model, check: ask.id, ...timing }, "probe finished");
    const finding = probeFinding(best.comparison, ask.gain, {
      trainRows: best.dataset.rows,
      labels,
      recalibrationGain: await recalibrationGain(look, rows, best, ask.champion.version, deps),
      device: best.model.artifact.device,
    });
    return { finding, look: withChoice(look, best.choice), artifact: best.model.artifact };
  } catch (error) {
    if (passesByItself(error)) throw error;
    const { code, reason } = failureOf(error);
    deps.logger.error({ err: error, model: context.model }, "probe failed");
    return unable(`The probe failed (${code}), the champion stays: ${reason}`);
  }
}

const withChoice = (look: Look, choice: string): Look => ({
  ...look,
  plan: { ...look.plan, choice },
});

/** One after the other: they share part files. */
async function datasetsFor(
  context: ModelContext,
  look: Look,
  choices: readonly string[],
  deps: RetrainerDeps,
): Promise<readonly DatasetRef[]> {
  const datasets: DatasetRef[] = [];
  for (const choice of choices) datasets.push(await datasetFor(context, look, choice, deps));
  return datasets;
}

export async function datasetFor(
  context: ModelContext,
  look: Look,
  choice: string,
  deps: RetrainerDeps,
): Promise<DatasetRef> {
  const { trainToMs: toMs, knownMs } = look.plan;
  const { columns, quarantine } = look;
  const { document, folder } = context;
  const request = { document, columns, choice, toMs, knownMs, quarantine, folder };
  const built = await buildDataset(request, {
    store: deps.store,
    effects: deps.journal.effects,
  });
  await prune(context, built.ref, deps);
  return built.ref;
}

/** Failing to tidy up must not fail a check. */
async function prune(
  context: ModelContext,
  current: DatasetRef,
  deps: RetrainerDeps,
): Promise<void> {
  const versions = deps.journal.registry.versions(context.model);
  const keep = new Set([
    current.folder,
    ...versions.flatMap(({ dataset }) => (dataset === null ? [] : [dataset.folder])),
  ]);
  await pruneModelFolder(context.folder, keep).catch((error: unknown) => {
    deps.logger.warn({ err: error, model: context.model }, "old data sets could not be removed");
  });
}

async function tryWindow(
  context: ModelContext,
  look: Look,
  ask: {
    readonly id: string;
    readonly champion: Champion;
    readonly choice: string;
    readonly dataset: DatasetRef;
    readonly rows: LabelledRows;
  },
  signal: AbortSignal,
  deps: RetrainerDeps,
): Promise<Candidate> {
  const model = await trainOn(context, look, ask.id, ask.dataset, signal, deps);
  const champion = championModel(context, ask.champion.version, deps);
  const challenger = scoredModel(model);
  const models = { champion, challenger };
  const { block } = await scoreBlock(look.request, ask.rows, models, deps.pool);
  const comparison = compare(block, rulesOf(context.document));
  const { choice, dataset } = ask;
  return { choice, dataset, model, comparison, championScores: block.champion };
}

export function trainOn(
  context: ModelContext,
  look: Look,
  id: string,
  dataset: DatasetRef,
  signal: AbortSignal,
  deps: RetrainerDeps,
): Promise<TrainedModel> {
  const request = {
    runId: id,
    model: context.model,
    train: context.document.retrain.train,
    dataset,
    features: new Set([...look.columns.features.map(({ name }) => name), ...look.columns.tags]),
    folder: join(context.folder, "trainings"),
  };
  return train(request, signal, { ...deps, effects: deps.journal.effects });
}

export const scoredModel = ({ artifact, signature }: TrainedModel): ScoredModel => ({
  path: join(artifact.folder, artifact.entry),
  signature,
});

/** The registered version as it can be scored. */
export function championModel(
  context: ModelContext,
  version: string,
  deps: RetrainerDeps,
): ScoredModel {
  const record = deps.journal.registry.version(context.model, version);
  if (record === null) throw new Error(`Version "${version}" is champion and not registered`);
  return {
    path: join(record.artifact.folder, record.artifact.entry),
    signature: record.signature,
  };
}

/** The largest window within one standard error of the best: stability is worth a little. */
function choose(candidates: readonly Candidate[]): Candidate {
  const [first, ...rest] = candidates;
  if (first === undefined) throw new Error("No window was tried");
  const best = rest.reduce((a, b) => (b.comparison.gain > a.comparison.gain ? b : a), first);
  const { gain, difference } = best.comparison;
  const near = candidates.filter(
    (candidate) => candidate.comparison.gain >= gain - difference.standardError,
  );
  const lengthMs = ({ choice }: Candidate): number =>
    choice === "all" ? Number.POSITIVE_INFINITY : Duration.parse(choice);
  return near.reduce((a, b) => (lengthMs(b) > lengthMs(a) ? b : a), best);
}

/**
 * What Platt scaling of the champion would gain on the block, fitted on what it served in the block
 * before: the same embargo as the refit. Null where it served too little.
 */
async function recalibrationGain(
  look: Look,
  rows: LabelledRows,
  best: Candidate,
  champion: string,
  deps: RetrainerDeps,
): Promise<number | null> {
  const { request } = look;
  if (request.document.task.type !== "binary") return null;
  const served = await servedScores(beforeBlock(look), champion, deps.store);
  if (served.scores.length < RECALIBRATION_ROWS_MIN) return null;
  const scale = fitPlatt(served.scores, served.target);
  if (scale === null) return null;
  return -plattLossChange(scale, best.championScores, rows.target);
}

/** The span of the block's length right before it. */
export function beforeBlock(look: Look) {
  const { fromMs, toMs } = look.request;
  return { ...look.request, fromMs: fromMs - (toMs - fromMs), toMs: fromMs };
}
