/** From a finding to a check on record, the run that it starts, and what is said about it. */
import type { Check, LoopMode } from "../../contract/run.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { NewRun } from "../journal/run-state.ts";
import { cooldownOf } from "../policy/cooldown.ts";
import { type Finding, type Outcome, decide } from "../policy/decide.ts";
import { blockingEntry } from "../policy/quarantine.ts";
import { parseSteps } from "../rollout/steps.ts";
import type { ModelContext, RetrainerDeps } from "./deps.ts";
import type { Look } from "./look.ts";
import { checkId, runId } from "./run-identity.ts";

export interface FinishedCheck {
  readonly atMs: number;
  readonly trigger: string;
  readonly finding: Finding;
  /** Null where nothing was looked at. */
  readonly look: Look | null;
  readonly artifact: string | null;
}

export function finishCheck(
  context: ModelContext,
  finished: FinishedCheck,
  deps: RetrainerDeps,
): Check {
  const { model, document } = context;
  const { atMs, trigger, look } = finished;
  const mode = modeAt(context, atMs, deps);
  const ended = deps.journal.runs
    .list(model)
    .flatMap(({ run }) => ("endedAtMs" in run ? [run] : []));
  const outcome = decide({
    atMs,
    finding: finished.finding,
    quarantine: blockingEntry(look?.quarantine ?? [], atMs),
    cooldown: cooldownOf(ended, atMs),
    mode,
    recalibrate: document.retrain.recalibrate,
    runInFlight: deps.journal.runs.active(model)?.id ?? null,
  });
  const started =
    outcome.acts && look !== null ? startOf(context, finished, look, mode, deps) : null;
  const run = started !== null && "id" in started ? started : null;
  const check: Check = {
    id: checkId(model, atMs, trigger),
    model,
    atMs,
    trigger,
    decision: outcome.decision,
    reason:
      started !== null && "problem" in started
        ? `${outcome.reason}; no run starts: ${started.problem}`
        : outcome.reason,
    numbers: outcome.numbers,
    mode,
    runId: run?.id ?? null,
    block: look === null ? null : { fromMs: look.request.fromMs, toMs: look.request.toMs },
    artifact: finished.artifact,
  };
  const named = run === null ? null : { ...run, kind: kindOf(outcome), checkId: check.id };
  deps.journal.runs.recordCheck(check, named);
  sayCheck(check, deps);
  return check;
}

const kindOf = (outcome: Outcome): "retrain" | "recalibrate" =>
  outcome.decision === "RECALIBRATE" ? "recalibrate" : "retrain";

function startOf(
  context: ModelContext,
  finished: FinishedCheck,
  look: Look,
  mode: LoopMode,
  deps: RetrainerDeps,
): NewRun | { readonly problem: string } {
  try {
    return newRunOf(context, { ...finished, mode, look }, deps);
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** @throws {DriftmendError} champion_unknown, rollout_missing, rollout_steps_invalid */
export function newRunOf(
  context: ModelContext,
  of: {
    readonly atMs: number;
    readonly trigger: string;
    readonly mode: LoopMode;
    readonly look: Pick<Look, "plan">;
  },
  deps: RetrainerDeps,
): NewRun {
  const { model, document } = context;
  const champion = deps.journal.registry.champion(model);
  if (champion === null) {
    throw new DriftmendError("champion_unknown", {
      retry: "later",
      message: `Cannot start a run of "${model}" as there must be a champion to beat: none is known`,
      next: '"rollout" in the onboarding document names the target that is asked for it.',
    });
  }
  const { atMs, trigger, mode } = of;
  const number = deps.journal.runs.list(model).filter(({ run }) => run.createdAtMs === atMs).length;
  return {
    id: runId(model, atMs, trigger, number),
    model,
    kind: "retrain",
    trigger,
    mode: mode === "auto" ? "auto" : "propose",
    checkId: null,
    createdAtMs: atMs,
    champion: champion.version,
    steps: parseSteps(document.rollout?.steps ?? ["100%"]),
    plan: of.look.plan,
  };
}

/** The mode that holds at a model time: the switch stands over the document until it ends. */
export function modeAt(context: ModelContext, atMs: number, deps: RetrainerDeps): LoopMode {
  const override = deps.journal.switches.loop(context.model);
  const holds = override !== null && (override.untilMs === null || atMs < override.untilMs);
  return holds ? override.mode : context.document.retrain.mode;
}

function sayCheck(check: Check, deps: RetrainerDeps): void {
  const { model, atMs, decision } = check;
  const what = {
    RETRAIN: check.runId === null ? "a retrain is due" : "a retrain starts",
    RECALIBRATE: check.runId === null ? "a recalibration is due" : "a recalibration starts",
    WAIT: "nothing to do now",
    INVESTIGATE: "a retrain is due and blocked by broken data",
  }[decision];
  deps.say({
    model,
    atMs,
    step: "check",
    runId: check.runId,
    decision,
    version: null,
    title: `${decision}: ${model}: ${what}`,
    text: `${check.reason}.`,
    numbers: check.numbers,
  });
}
