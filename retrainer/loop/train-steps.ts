/** The steps of a run before anything is served: data set, training, judgement, registration. */
import { join } from "node:path";
import type { Judgement, VersionRecord } from "../../contract/run.ts";
import { judge, rulesOf } from "../judge/judge.ts";
import { loadBlock, scoreBlock } from "../judge/load-block.ts";
import type { TrainedModel } from "../executor/trained-model.ts";
import type { Run, RunOf } from "../journal/run-state.ts";
import { labelsNote } from "../policy/probe.ts";
import { keepVersion, nextVersion } from "../registry/keep-version.ts";
import { showTime } from "../show.ts";
import type { ModelContext, RetrainerDeps } from "./deps.ts";
import { lookAt } from "./look.ts";
import { championModel, datasetFor, scoredModel, trainOn } from "./probe-check.ts";
import { recalibrate } from "./recalibrate.ts";
import { sayRun } from "./say-run.ts";
import { writeVersionReference } from "./version-reference.ts";

const ACTOR = "retrainer";

export async function buildStep(
  context: ModelContext,
  run: RunOf<"decided">,
  deps: RetrainerDeps,
): Promise<Run> {
  const look = await lookAt(context, run.plan, deps.store);
  const intent = { plan: run.plan };
  const dataset = await deps.journal.effects.once(`dataset/${run.id}`, "dataset", intent, () =>
    datasetFor(context, look, run.plan.choice, deps),
  );
  const reason = `${dataset.rows} rows before ${showTime(dataset.toMs)}`;
  return deps.journal.runs.advance(
    run.id,
    { kind: "dataset_built", dataset },
    { actor: ACTOR, atMs: run.createdAtMs, action: "dataset", reason, detail: dataset },
  );
}

export function startTraining(run: RunOf<"dataset">, deps: RetrainerDeps): Run {
  return deps.journal.runs.advance(
    run.id,
    { kind: "training_started" },
    { actor: ACTOR, atMs: run.createdAtMs, action: "training", reason: "the data set is there" },
  );
}

export async function trainStep(
  context: ModelContext,
  run: RunOf<"training">,
  signal: AbortSignal,
  deps: RetrainerDeps,
): Promise<Run> {
  const { artifact } = await modelOf(context, run, signal, deps);
  return deps.journal.runs.advance(
    run.id,
    { kind: "trained", artifact },
    {
      actor: ACTOR,
      atMs: run.createdAtMs,
      action: "trained",
      reason: `a model of ${artifact.bytes} bytes${artifact.device === null ? "" : ` from ${artifact.device}`}`,
      detail: artifact,
    },
  );
}

/** The same inputs give the model that they gave before, so this may be asked at any step. */
async function modelOf(
  context: ModelContext,
  run: RunOf<"training" | "judging">,
  signal: AbortSignal,
  deps: RetrainerDeps,
): Promise<TrainedModel> {
  const look = await lookAt(context, run.plan, deps.store);
  if (run.kind === "retrain") return trainOn(context, look, run.id, run.dataset, signal, deps);
  const training = { ...run, status: "training" as const };
  const intent = { champion: run.champion };
  return deps.journal.effects.once(`recalibrate/${run.id}`, "recalibrate", intent, () =>
    recalibrate(context, training, look, deps),
  );
}

export async function judgeStep(
  context: ModelContext,
  run: RunOf<"judging">,
  signal: AbortSignal,
  deps: RetrainerDeps,
): Promise<Run> {
  const { journal } = deps;
  const model = await modelOf(context, run, signal, deps);
  const judgement = await judgeChallenger(context, run, model, deps);
  const atMs = run.createdAtMs;
  if (judgement.verdict !== "PASS") {
    const reason = `${judgement.verdict}: ${judgement.reason}`;
    const ended = journal.runs.advance(
      run.id,
      { kind: "rejected", reason, judgement },
      { actor: "judge", atMs, action: "rejected", reason, detail: judgement },
    );
    sayRun(ended, atMs, `the challenger is refused: ${judgement.verdict}`, judgement.reason, deps);
    return ended;
  }
  const record = await register(context, run, { model, judgement }, deps);
  const { version } = record;
  const registered = journal.runs.advance(
    run.id,
    { kind: "registered", judgement, version },
    {
      actor: "judge",
      atMs,
      action: "registered",
      reason: `version ${version}: ${judgement.verdict}: ${judgement.reason}`,
      detail: judgement,
    },
    { register: record },
  );
  const waits = registered.status === "approval";
  const title = `version ${version} is proven better${waits ? " and waits for approval" : ""}`;
  const next = waits ? ` Approve it with "driftmend approve ${run.id}".` : "";
  sayRun(registered, atMs, title, `${judgement.reason}.${next}`, deps);
  return registered;
}

async function judgeChallenger(
  context: ModelContext,
  run: RunOf<"judging">,
  model: TrainedModel,
  deps: RetrainerDeps,
): Promise<Judgement> {
  const look = await lookAt(context, run.plan, deps.store);
  const { fromMs, toMs } = look.request;
  const { rows, labels } = await loadBlock(look.request, deps.store);
  const champion = championModel(context, run.champion, deps);
  const models = { champion, challenger: scoredModel(model) };
  const { block, latency } = await scoreBlock(look.request, rows, models, deps.pool);
  const digest = model.artifact.sha256;
  const uses = deps.journal.switches.spendBlock(context.model, { fromMs, toMs }, digest);
  const judgement = judge(block, rulesOf(context.document), latency, uses);
  return { ...judgement, reason: `${judgement.reason}${labelsNote(labels)}` };
}

async function register(
  context: ModelContext,
  run: RunOf<"judging">,
  proven: { readonly model: TrainedModel; readonly judgement: Judgement },
  deps: RetrainerDeps,
): Promise<VersionRecord> {
  const { journal } = deps;
  const known = journal.registry.versions(context.model).map(({ version }) => version);
  const version = nextVersion(known);
  const { artifact, signature, metrics } = proven.model;
  return journal.effects.once(`register/${run.id}`, "register", { version }, async () => {
    const { folder, entry, sha256 } = artifact;
    const kept = await keepVersion(context.folder, { version, folder, entry, sha256 });
    const look = await lookAt(context, run.plan, deps.store);
    await writeVersionReference(
      context,
      {
        version,
        path: join(kept.folder, entry),
        signature,
        columns: look.columns,
        dataset: run.dataset,
        knownMs: run.plan.knownMs,
        quarantine: look.quarantine,
      },
      deps,
    );
    return {
      model: context.model,
      version,
      origin: run.kind === "recalibrate" ? "recalibrated" : "run",
      artifact: { ...artifact, ...kept },
      runId: run.id,
      parentVersion: run.champion,
      registeredMs: run.createdAtMs,
      dataset: run.dataset,
      judgement: proven.judgement,
      metrics: { ...metrics },
      signature: { inputs: [...signature.inputs], output: signature.output },
    } satisfies VersionRecord;
  });
}
