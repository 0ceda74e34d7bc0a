/** What people do: start, approve, reject and cancel runs, roll back, switch the loop. Each is on the audit log. */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { LoopMode } from "../../contract/run.ts";
import { keepVersion } from "../registry/keep-version.ts";
import type { Run } from "../journal/run-state.ts";
import type { RetrainerDeps } from "./deps.ts";
import { modeAt, newRunOf } from "./finish-check.ts";
import { planAt } from "./look.ts";
import type { ModelLoop } from "./model-loop.ts";
import { prove } from "./rollout-steps.ts";
import { sayRun } from "./say-run.ts";

export interface By {
  readonly by: string;
  readonly reason: string;
}

/** Starts a run whatever the triggers say; its roll-out waits for approval unless the mode in force is auto. */
export function startByHand(loop: ModelLoop, by: By, deps: RetrainerDeps): Run {
  const context = loop.context();
  const { choose } = context.document.retrain.window;
  const choice = choose.includes("all") ? "all" : (choose[0] ?? "all");
  const atMs = loop.nowMs();
  const mode = modeAt(context, atMs, deps);
  const plan = planAt(context, choice, atMs);
  const run = newRunOf(context, { atMs, trigger: "manual", mode, look: { plan } }, deps);
  deps.journal.runs.start(run, { actor: by.by, reason: by.reason });
  const started = found(run.id, deps);
  sayRun(started, atMs, "a run starts by hand", `${by.by}: ${by.reason}`, deps);
  return started;
}

/** Lets a proposed run go on to its roll-out. */
export function approve(loop: ModelLoop, runId: string, by: By, deps: RetrainerDeps): Run {
  const atMs = loop.nowMs();
  const because = { actor: by.by, atMs, action: "approved", reason: by.reason };
  const run = deps.journal.runs.advance(runId, { kind: "approved" }, because);
  sayRun(run, atMs, "the run is approved", `${by.by}: ${by.reason}`, deps);
  return run;
}

export function reject(loop: ModelLoop, runId: string, by: By, deps: RetrainerDeps): Run {
  const run = found(runId, deps);
  if (run.status !== "approval") throw notNow("reject", run);
  const atMs = loop.nowMs();
  const ended = deps.journal.runs.advance(
    runId,
    { kind: "rejected", reason: by.reason, judgement: null },
    { actor: by.by, atMs, action: "rejected", reason: by.reason },
  );
  sayRun(ended, atMs, "the run is rejected", `${by.by}: ${by.reason}`, deps);
  return ended;
}

/** Ends a run where it stands; what serves of it is taken back with proof. */
export async function cancel(
  loop: ModelLoop,
  runId: string,
  by: By,
  deps: RetrainerDeps,
): Promise<Run> {
  const run = found(runId, deps);
  if (deps.journal.runs.active(run.model)?.id !== runId) throw notNow("cancel", run);
  loop.cancel(by.by, by.reason);
  await loop.enqueue(() => loop.drive());
  return found(runId, deps);
}

export interface RolledBack {
  readonly version: string;
  readonly from: string;
  /** Requests that proved it, by the version that answered. */
  readonly answers: Readonly<Record<string, number>>;
}

/** Brings an earlier version back, or takes a running canary back; done when the server proves it. Waits for no training. */
export async function rollback(
  loop: ModelLoop,
  to: string | null,
  by: By,
  deps: RetrainerDeps,
): Promise<RolledBack> {
  const { model } = loop;
  const active = deps.journal.runs.active(model);
  if (active === null) {
    loop.interrupt();
  } else {
    // A run in flight would go on from a champion that is no more.
    const served = active.status === "staged" || active.status === "canary";
    await cancel(loop, active.id, { ...by, reason: `rolled back: ${by.reason}` }, deps);
    if (to === null && served) {
      const ended = found(active.id, deps);
      if (ended.status === "failed") throw unproven(ended);
      return { version: active.champion, from: active.version, answers: {} };
    }
  }
  return loop.enqueue(() => rollBackNow(loop, to, by, deps));
}

async function rollBackNow(
  loop: ModelLoop,
  to: string | null,
  by: By,
  deps: RetrainerDeps,
): Promise<RolledBack> {
  const { model } = loop;
  const { registry } = deps.journal;
  const context = loop.context();
  const champion = registry.champion(model);
  const record = champion === null ? null : registry.version(model, champion.version);
  const version = to ?? record?.parentVersion ?? null;
  const wanted = version === null ? null : registry.version(model, version);
  if (champion === null || version === null || wanted === null) {
    throw new DriftmendError("not_found", {
      retry: "never",
      message: `Cannot roll "${model}" back${version === null ? "" : ` to "${version}"`}: ${version === null ? "no earlier version is known" : "that version is not registered"}`,
      next: `"driftmend versions ${model}" lists what can be brought back.`,
    });
  }
  const { folder, entry, sha256 } = await keepVersion(context.folder, {
    version,
    folder: wanted.artifact.folder,
    entry: wanted.artifact.entry,
    sha256: wanted.artifact.sha256,
  });
  const target = deps.targetOf(context.document);
  await target.stage({ version, folder, entry, sha256 });
  const atMs = loop.nowMs();
  const key = `rollback/${model}/${champion.revision}/${version}`;
  const shares = [{ version, share: 1 }];
  const { answers, requests } = await prove(context, version, shares, key, atMs, deps);
  if (version !== champion.version) {
    registry.move(
      model,
      { expectedRevision: champion.revision, version },
      { actor: by.by, atMs, action: "rollback", reason: by.reason, detail: { answers } },
    );
  }
  deps.say({
    model,
    atMs,
    step: "rolled_back",
    runId: null,
    decision: null,
    version,
    title: `${model}: rolled back to version ${version}`,
    text: `${by.by}: ${by.reason}. Version ${version} serves all requests, proven by ${requests} answers of the server.`,
    numbers: {},
  });
  return { version, from: champion.version, answers };
}

/** Null ends the override: the document's mode holds again. */
export function switchLoop(
  loop: ModelLoop,
  override: { readonly mode: LoopMode; readonly untilMs: number | null } | null,
  by: By,
  deps: RetrainerDeps,
): void {
  deps.journal.switches.setLoop(loop.model, override, {
    actor: by.by,
    atMs: loop.nowMs(),
    action: "loop",
    reason: by.reason,
    detail: override ?? {},
  });
}

function found(runId: string, deps: RetrainerDeps): Run {
  const row = deps.journal.runs.find(runId);
  if (row !== null) return row.run;
  throw new DriftmendError("not_found", {
    retry: "never",
    message: `Cannot find the run "${runId}"`,
    next: '"driftmend runs MODEL" lists them.',
  });
}

function notNow(action: string, run: Run): DriftmendError {
  return new DriftmendError("conflict", {
    retry: "never",
    message: `Cannot ${action} run "${run.id}": it is "${run.status}"`,
    next: `"driftmend runs ${run.model}" shows the run's steps.`,
  });
}

const unproven = (run: Run): DriftmendError =>
  new DriftmendError("unavailable", {
    retry: "later",
    message: `Cannot prove the rollback of "${run.model}": ${"reason" in run ? run.reason : ""}`,
    next: "Look at the model server, then roll back again.",
  });
