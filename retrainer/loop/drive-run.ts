/**
 * Drives a run as far as it gets at a model time. Each step is on record before the next begins, so this
 * is also how a run goes on after a restart: it is simply driven again.
 */
import type { Run, RunOf } from "../journal/run-state.ts";
import { isActive } from "../journal/run-state.ts";
import type { ModelContext, RetrainerDeps } from "./deps.ts";
import { failureOf, passesByItself } from "./failure.ts";
import { canaryStep, shareStep, stageStep, undo, undoStep } from "./rollout-steps.ts";
import { sayRun } from "./say-run.ts";
import { buildStep, judgeStep, startTraining, trainStep } from "./train-steps.ts";

export interface DriveControl {
  /** The model's time now, which may go on while a step works. */
  readonly nowMs: () => number;
  /** Whether the stop switch is on: what runs by itself takes no further step. */
  readonly paused: () => boolean;
  /** Aborted to stop or cancel. */
  readonly signal: AbortSignal;
  /** Who cancelled and why; null while nobody did. */
  readonly cancelled: () => { readonly by: string; readonly reason: string } | null;
}

/**
 * The run where it rests: ended, waiting for a person or the stop switch, or in a canary whose time has
 * not come.
 * @throws what passes by itself
 */
export async function driveRun(
  context: ModelContext,
  run: Run,
  control: DriveControl,
  deps: RetrainerDeps,
): Promise<Run> {
  let current = run;
  while (isActive(current)) {
    const cancelled = control.cancelled();
    if (cancelled !== null) {
      const ended = await cancelRun(context, current, cancelled, control.nowMs(), deps);
      if (ended !== null) return ended;
    }
    const next = await oneStep(context, current, control, deps);
    if (next === null) return current;
    current = next;
  }
  return current;
}

async function oneStep(
  context: ModelContext,
  run: Run,
  control: DriveControl,
  deps: RetrainerDeps,
): Promise<Run | null> {
  const isHeld = run.mode === "auto" && control.paused();
  if (isHeld && run.status !== "canary" && run.status !== "undoing") return null;
  try {
    switch (run.status) {
      case "decided":
        return await buildStep(context, run, deps);
      case "dataset":
        return startTraining(run, deps);
      case "training":
        return await trainStep(context, run, control.signal, deps);
      case "judging":
        return await judgeStep(context, run, control.signal, deps);
      case "registered":
        return await stageStep(context, run, control.nowMs(), deps);
      case "staged":
        return await shareStep(context, run, control.nowMs(), deps);
      case "canary":
        return await canaryStep(context, run, canaryMs(run, isHeld, control), deps);
      case "undoing":
        return await undoStep(context, run, control.nowMs(), deps);
      default:
        return null;
    }
  } catch (error) {
    if (control.cancelled() !== null && control.signal.aborted) return run;
    if (passesByItself(error)) throw error;
    return failRun(context, deps.journal.runs.find(run.id)?.run ?? run, error, control, deps);
  }
}

/** A canary that is held is still taken back when it is bad, but its time does not come. */
const canaryMs = (run: RunOf<"canary">, isHeld: boolean, control: DriveControl): number =>
  isHeld ? Math.min(control.nowMs(), run.stepUntilMs - 1) : control.nowMs();

/** The champion stays, or is restored where the target was touched. */
async function failRun(
  context: ModelContext,
  run: Run,
  error: unknown,
  control: DriveControl,
  deps: RetrainerDeps,
): Promise<Run> {
  const { code, reason } = failureOf(error);
  const atMs = control.nowMs();
  deps.logger.error({ err: error, run: run.id, model: run.model }, "run failed");
  if (run.status === "staged" || run.status === "canary") {
    return undo(context, run, { outcome: "failed", code, reason }, atMs, deps);
  }
  const ended = deps.journal.runs.advance(
    run.id,
    { kind: "failed", code, reason },
    { actor: "retrainer", atMs, action: "failed", reason },
  );
  const text = `${reason} Version ${run.champion} keeps serving.`;
  sayRun(ended, atMs, `the run failed (${code})`, text, deps);
  return ended;
}

async function cancelRun(
  context: ModelContext,
  run: Run,
  cancelled: { readonly by: string; readonly reason: string },
  atMs: number,
  deps: RetrainerDeps,
): Promise<Run | null> {
  if (run.status === "undoing") return null;
  const { by, reason } = cancelled;
  if (run.status === "staged" || run.status === "canary") {
    return undo(context, run, { outcome: "cancelled", code: null, reason }, atMs, deps, by);
  }
  const ended = deps.journal.runs.advance(
    run.id,
    { kind: "cancelled", reason },
    { actor: by, atMs, action: "cancelled", reason },
  );
  sayRun(ended, atMs, "the run is cancelled", reason, deps);
  return ended;
}
