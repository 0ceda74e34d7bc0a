/**
 * A run as a value and the only way it changes. `transition` is pure and total: an event that does not
 * belong to the run's status is refused, terminal statuses are left by nothing, so a restart may offer
 * any event again without harm.
 */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import {
  type Artifact,
  type DatasetRef,
  type Judgement,
  type RunStatus,
  TERMINAL_STATUSES,
} from "../../contract/run.ts";

/** One step of the roll-out: a share of requests for a while of model time; the last one has share 1. */
export interface RolloutStep {
  readonly share: number;
  readonly lastsMs: number;
}

export interface VersionShare {
  readonly version: string;
  readonly share: number;
}

/** On what the run trains and is judged, fixed when it is decided. */
export interface RunPlan {
  /** "all", or a duration. */
  readonly choice: string;
  readonly trainToMs: number;
  /** Labels known later do not count. */
  readonly knownMs: number;
  readonly blockFromMs: number;
  readonly blockToMs: number;
}

interface Base {
  readonly id: string;
  readonly model: string;
  readonly kind: "retrain" | "recalibrate";
  readonly trigger: string;
  /** Whether a person approves before roll-out. */
  readonly mode: "propose" | "auto";
  readonly checkId: string | null;
  readonly createdAtMs: number;
  /** The version that the challenger must beat. */
  readonly champion: string;
  readonly steps: readonly RolloutStep[];
  readonly plan: RunPlan;
}

interface Built extends Base {
  readonly dataset: DatasetRef;
}
interface Trained extends Built {
  readonly artifact: Artifact;
}
interface Registered extends Trained {
  readonly judgement: Judgement;
  readonly version: string;
}
interface Serving extends Registered {
  /** Shares that were served before the run touched the target. */
  readonly previous: readonly VersionShare[];
}
interface Ended extends Base {
  readonly version: string | null;
  readonly judgement: Judgement | null;
  readonly reason: string;
  /** A heading of docs/errors.md where something failed. */
  readonly code: string | null;
  readonly endedAtMs: number;
}

export type EndOutcome = "rolled_back" | "failed" | "cancelled";

export type Run =
  | (Base & { readonly status: "decided" })
  | (Built & { readonly status: "dataset" })
  | (Built & { readonly status: "training" })
  | (Trained & { readonly status: "judging" })
  | (Registered & { readonly status: "approval" })
  | (Registered & { readonly status: "registered" })
  | (Serving & { readonly status: "staged" })
  | (Serving & {
      readonly status: "canary";
      readonly step: number;
      readonly stepFromMs: number;
      readonly stepUntilMs: number;
    })
  | (Serving & {
      readonly status: "undoing";
      readonly reason: string;
      readonly code: string | null;
      readonly outcome: EndOutcome;
    })
  | (Ended & { readonly status: "promoted" | "rejected" | EndOutcome });

export type NewRun = Base;
export type RunOf<S extends RunStatus> = Extract<Run, { status: S }>;

export type RunEvent =
  | { readonly kind: "dataset_built"; readonly dataset: DatasetRef }
  | { readonly kind: "training_started" }
  | { readonly kind: "trained"; readonly artifact: Artifact }
  | {
      readonly kind: "registered";
      readonly judgement: Judgement;
      readonly version: string;
    }
  | { readonly kind: "rejected"; readonly reason: string; readonly judgement: Judgement | null }
  | { readonly kind: "approved" }
  | { readonly kind: "staged"; readonly previous: readonly VersionShare[] }
  | {
      readonly kind: "step_started";
      readonly step: number;
      readonly fromMs: number;
      readonly untilMs: number;
    }
  | { readonly kind: "promoted"; readonly reason: string }
  | {
      readonly kind: "undo_started";
      readonly reason: string;
      readonly code: string | null;
      readonly outcome: EndOutcome;
    }
  | { readonly kind: "undone" }
  | { readonly kind: "failed"; readonly code: string; readonly reason: string }
  | { readonly kind: "cancelled"; readonly reason: string };

export const isActive = (run: Run): boolean => !TERMINAL_STATUSES.has(run.status);

export const newRun = (base: NewRun): RunOf<"decided"> => ({ ...base, status: "decided" });

/**
 * The run after `event`, which happened at the model time `atMs`.
 * @throws {DriftmendError} conflict where the event does not belong to the run's status
 */
export function transition(run: Run, event: RunEvent, atMs: number): Run {
  switch (event.kind) {
    case "dataset_built":
      return { ...expect(run, event, "decided"), dataset: event.dataset, status: "dataset" };
    case "training_started":
      return { ...expect(run, event, "dataset"), status: "training" };
    case "trained":
      return { ...expect(run, event, "training"), artifact: event.artifact, status: "judging" };
    case "registered": {
      const { judgement, version } = event;
      const status = run.mode === "propose" ? "approval" : "registered";
      return { ...expect(run, event, "judging"), judgement, version, status };
    }
    case "approved":
      return { ...expect(run, event, "approval"), status: "registered" };
    case "staged":
      return { ...expect(run, event, "registered"), previous: event.previous, status: "staged" };
    case "step_started":
      return startStep(expect(run, event, "staged", "canary"), event);
    case "promoted":
      return end(expect(run, event, "staged", "canary"), "promoted", event, atMs);
    case "rejected":
      return end(expect(run, event, "judging", "approval"), "rejected", event, atMs);
    case "undo_started": {
      const { reason, code, outcome } = event;
      const from = expect(run, event, "staged", "canary");
      return { ...serving(from), reason, code, outcome, status: "undoing" };
    }
    case "undone": {
      const undoing = expect(run, event, "undoing");
      return end(undoing, undoing.outcome, undoing, atMs);
    }
    case "failed":
      if (!isActive(run)) throw refused(run, event);
      return end(run, "failed", event, atMs);
    case "cancelled":
      return end(expect(run, event, ...BEFORE_TARGET), "cancelled", event, atMs);
  }
}

/** Statuses in which the target has not been touched: leaving needs no undo. */
const BEFORE_TARGET = [
  "decided",
  "dataset",
  "training",
  "judging",
  "approval",
  "registered",
] as const;

function startStep(
  run: RunOf<"staged" | "canary">,
  event: Extract<RunEvent, { kind: "step_started" }>,
): Run {
  const wanted = run.status === "canary" ? run.step + 1 : 0;
  if (event.step !== wanted) throw refused(run, event);
  const { step, fromMs, untilMs } = event;
  return { ...serving(run), step, stepFromMs: fromMs, stepUntilMs: untilMs, status: "canary" };
}

function end(
  run: Run,
  status: "promoted" | "rejected" | EndOutcome,
  event: { readonly reason: string; readonly code?: string | null; judgement?: Judgement | null },
  endedAtMs: number,
): Run {
  const judgement = event.judgement ?? ("judgement" in run ? run.judgement : null);
  return {
    ...baseOf(run),
    version: "version" in run ? run.version : null,
    judgement,
    reason: event.reason,
    code: event.code ?? null,
    endedAtMs,
    status,
  };
}

function serving(run: RunOf<"staged" | "canary">): Serving {
  const { dataset, artifact, judgement, version, previous } = run;
  return {
    ...baseOf(run),
    dataset,
    artifact,
    judgement,
    version,
    previous,
  };
}

/** What a run keeps from its decision to its end. */
function baseOf(run: Run): Base {
  const { id, model, kind, trigger, mode, checkId, createdAtMs, champion, steps, plan } = run;
  return { id, model, kind, trigger, mode, checkId, createdAtMs, champion, steps, plan };
}

function expect<S extends RunStatus>(run: Run, event: RunEvent, ...statuses: readonly S[]) {
  if (!(statuses as readonly RunStatus[]).includes(run.status)) throw refused(run, event);
  return run as RunOf<S>;
}

function refused(run: Run, event: RunEvent): DriftmendError {
  return new DriftmendError("conflict", {
    retry: "never",
    message: `Cannot apply "${event.kind}" to run "${run.id}": it is "${run.status}"`,
    next: `"driftmend runs ${run.model}" shows the run's steps.`,
  });
}
