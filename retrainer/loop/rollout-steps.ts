/** The steps of a run on the target: stage, shares with proof, canary, promotion, undo with proof. */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { EndOutcome, Run, RunOf, VersionShare } from "../journal/run-state.ts";
import { type CanaryJudgement, judgeCanary } from "../rollout/canary.ts";
import { loadArms } from "../rollout/load-arms.ts";
import { proofOf } from "../rollout/proof.ts";
import type { Observation } from "../rollout/target.ts";
import { percent, showTime, wholePercent } from "../show.ts";
import type { ModelContext, RetrainerDeps } from "./deps.ts";
import { failureOf } from "./failure.ts";
import { quarantineKnownAt } from "./look.ts";
import { recordedRows } from "./recorded-rows.ts";
import { sayRun } from "./say-run.ts";

const ACTOR = "retrainer";
const HOUR_MS = 3_600_000;
const RETRY_MS = 500;

export async function stageStep(
  context: ModelContext,
  run: RunOf<"registered">,
  atMs: number,
  deps: RetrainerDeps,
): Promise<Run> {
  const target = deps.targetOf(context.document);
  const record = deps.journal.registry.version(context.model, run.version);
  const artifact = record?.artifact ?? run.artifact;
  const { version } = run;
  const key = `stage/${run.id}`;
  const staged = await deps.journal.effects.once(key, "stage", { version }, async () => {
    const { folder, entry, sha256 } = artifact;
    const previous = (await target.shares()) ?? [{ version: run.champion, share: 1 }];
    await target.stage({ version, folder, entry, sha256 });
    return { previous };
  });
  return deps.journal.runs.advance(
    run.id,
    { kind: "staged", previous: staged.previous },
    {
      actor: ACTOR,
      atMs,
      action: "staged",
      reason: `version ${version} is in the target's repository`,
      detail: artifact,
    },
  );
}

/**
 * Begins the next step: a canary for a while, or all requests, which ends the run.
 * @param held what the step before showed; empty for the first
 */
export async function shareStep(
  context: ModelContext,
  run: RunOf<"staged" | "canary">,
  atMs: number,
  deps: RetrainerDeps,
  held: string = "",
): Promise<Run> {
  const number = run.status === "canary" ? run.step + 1 : 0;
  const step = run.steps[number] ?? { share: 1, lastsMs: 0 };
  const shares = sharesFor(run, step.share);
  let observation: Observation;
  try {
    observation = await prove(
      context,
      run.version,
      shares,
      `shares/${run.id}/${number}`,
      atMs,
      deps,
    );
  } catch (error) {
    const { code, reason } = failureOf(error);
    return undo(context, run, { outcome: "failed", code, reason }, atMs, deps);
  }
  if (step.share < 1) return startCanary(run, { number, ...step }, observation, atMs, deps);
  return promote(run, held, observation, atMs, deps);
}

const sharesFor = (run: RunOf<"staged" | "canary">, share: number): readonly VersionShare[] =>
  share === 1
    ? [{ version: run.version, share: 1 }]
    : [
        { version: run.champion, share: 1 - share },
        { version: run.version, share },
      ];

function startCanary(
  run: RunOf<"staged" | "canary">,
  step: { readonly number: number; readonly share: number; readonly lastsMs: number },
  observation: Observation,
  atMs: number,
  deps: RetrainerDeps,
): Run {
  const untilMs = atMs + step.lastsMs;
  const reason = `version ${run.version} gets ${wholePercent(step.share)} of the requests until ${showTime(untilMs)}`;
  const text = `${reason}; ${answersText(observation)}`;
  const next = deps.journal.runs.advance(
    run.id,
    { kind: "step_started", step: step.number, fromMs: atMs, untilMs },
    { actor: ACTOR, atMs, action: "canary", reason: text, detail: observation },
  );
  sayRun(next, atMs, reason, answersText(observation), deps, { share: step.share });
  return next;
}

function promote(
  run: RunOf<"staged" | "canary">,
  held: string,
  observation: Observation,
  atMs: number,
  deps: RetrainerDeps,
): Run {
  const champion = deps.journal.registry.champion(run.model);
  const canary = held === "" ? "" : ` The canary held: ${held}.`;
  const proof = `${answersText(observation)}.${canary}`;
  const text = `Version ${run.version} serves all requests, ${proof}`;
  const next = deps.journal.runs.advance(
    run.id,
    { kind: "promoted", reason: text },
    { actor: ACTOR, atMs, action: "promoted", reason: text, detail: observation },
    { promote: { expectedRevision: champion?.revision ?? 0, version: run.version } },
  );
  const undoHint = `Undo with "driftmend rollback ${run.model}".`;
  sayRun(next, atMs, `version ${run.version} serves all requests`, `${proof} ${undoHint}`, deps);
  return next;
}

const answersText = ({ answers, requests }: Observation): string =>
  `proven by ${requests} answers of the server (${Object.entries(answers)
    .map(([version, count]) => `${count} by version ${version}`)
    .join(", ")})`;

/**
 * A canary at the model time `atMs`: taken back when it is bad, gone on with when its time has come,
 * untouched else (answers null).
 */
export async function canaryStep(
  context: ModelContext,
  run: RunOf<"canary">,
  atMs: number,
  deps: RetrainerDeps,
): Promise<Run | null> {
  const final = atMs >= run.stepUntilMs;
  const toMs = final ? run.stepUntilMs : Math.floor(atMs / HOUR_MS) * HOUR_MS;
  if (toMs <= run.stepFromMs) return null;
  const judged = final
    ? await deps.journal.effects.once(`canary/${run.id}/${run.step}`, "canary", { toMs }, () =>
        judgeArms(context, run, { toMs, knownMs: atMs, final }, deps),
      )
    : await judgeArms(context, run, { toMs, knownMs: atMs, final }, deps);
  if (judged.verdict === "FAIL" || (final && judged.verdict !== "PASS")) {
    const reason = `The canary is taken back: ${judged.reason}`;
    return undo(context, run, { outcome: "rolled_back", code: null, reason }, atMs, deps);
  }
  if (!final) return null;
  return shareStep(context, run, run.stepUntilMs, deps, judged.reason);
}

async function judgeArms(
  context: ModelContext,
  run: RunOf<"canary">,
  look: { readonly toMs: number; readonly knownMs: number; readonly final: boolean },
  deps: RetrainerDeps,
): Promise<CanaryJudgement> {
  const { champion, version: challenger, stepFromMs: fromMs } = run;
  const { toMs, knownMs, final } = look;
  const { document, model } = context;
  const quarantine = await quarantineKnownAt(model, knownMs, deps.store);
  const arms = await loadArms(
    { document, champion, challenger, fromMs, toMs, knownMs, quarantine },
    deps.store,
  );
  return judgeCanary(arms, final);
}

export interface UndoWhy {
  readonly outcome: EndOutcome;
  readonly code: string | null;
  readonly reason: string;
}

/** Writes down that the run is to be undone, then undoes it. */
export function undo(
  context: ModelContext,
  run: RunOf<"staged" | "canary">,
  why: UndoWhy,
  atMs: number,
  deps: RetrainerDeps,
  actor: string = ACTOR,
): Promise<Run> {
  const undoing = deps.journal.runs.advance(
    run.id,
    { kind: "undo_started", ...why },
    { actor, atMs, action: "undo", reason: why.reason },
  );
  return undoStep(context, undoing as RunOf<"undoing">, atMs, deps);
}

/** Restores what served before the run, and believes it only from the server's answers. */
export async function undoStep(
  context: ModelContext,
  run: RunOf<"undoing">,
  atMs: number,
  deps: RetrainerDeps,
): Promise<Run> {
  const shares = run.previous;
  try {
    const key = `undo/${run.id}`;
    const observation = await prove(context, run.champion, shares, key, atMs, deps);
    const ended = deps.journal.runs.advance(
      run.id,
      { kind: "undone" },
      {
        actor: ACTOR,
        atMs,
        action: run.outcome,
        reason: `${run.reason}; ${answersText(observation)}`,
        detail: observation,
      },
    );
    const text = `${run.reason}. Version ${run.champion} serves again, ${answersText(observation)}.`;
    sayRun(ended, atMs, `version ${run.version} is taken back`, text, deps);
    return ended;
  } catch (error) {
    const failure = failureOf(error);
    const reason = `${run.reason}. Taking it back could not be proven: ${failure.reason}`;
    const ended = deps.journal.runs.advance(
      run.id,
      { kind: "failed", code: "undo_unproven", reason },
      { actor: ACTOR, atMs, action: "failed", reason },
    );
    const todo = `${reason} Look at the server now: nobody knows which version answers.`;
    sayRun(ended, atMs, `version ${run.version} may still serve`, todo, deps);
    return ended;
  }
}

/** Sets shares and asks the server until its answers prove them; tries again what may pass. */
export function prove(
  context: ModelContext,
  signatureOf: string,
  shares: readonly VersionShare[],
  key: string,
  atMs: number,
  deps: RetrainerDeps,
): Promise<Observation> {
  const { model, document } = context;
  return deps.journal.effects.once(key, "shares", { shares }, async () => {
    const target = deps.targetOf(document);
    const record = deps.journal.registry.version(model, signatureOf);
    const signature = record?.signature ?? { inputs: [], output: "" };
    const rows = await recordedRows(context, atMs, deps);
    for (let tries = 1; ; tries++) {
      try {
        await target.setShares(shares);
        const observation = await target.observe(rows, signature, shares);
        const proof = proofOf(observation, shares);
        if (proof.kind === "refuted") throw unproven(model, shares, proof.reason);
        return observation;
      } catch (error) {
        const passes = error instanceof DriftmendError && error.retry === "later";
        if (!passes || tries >= LIMITS.targetTriesMax) throw error;
        deps.logger.warn({ err: error, model, tries }, "the target did not do it; trying again");
        await deps.clock.sleep(RETRY_MS * tries);
      }
    }
  });
}

function unproven(model: string, shares: readonly VersionShare[], why: string): DriftmendError {
  const wanted = shares.map(({ version, share }) => `${percent(share)} to ${version}`).join(", ");
  return new DriftmendError("target_unproven", {
    retry: "never",
    message: `Cannot prove that "${model}" is served as wanted (${wanted}): ${why}`,
    next: "The load call was answered and did not load: look into the server's log.",
  });
}
