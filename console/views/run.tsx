/** One run: its steps, the gate's table, the canary beside the champion, and what may be done about it. */
import type { RunDetailView, VersionsView } from "../../contract/views.ts";
import { SECONDS, useApi, useLive } from "../api/live.ts";
import { formatCount } from "../format/numbers.ts";
import { formatSpan, formatTime } from "../format/times.ts";
import { ActButton } from "../parts/act-button.tsx";
import { Badge, Part } from "../parts/figures.tsx";
import { Show } from "../parts/states.tsx";
import { apiOf, modelPath } from "../route.ts";
import {
  type RunAction,
  type Step,
  actionsOf,
  statusText,
  statusTone,
  stepsOf,
} from "../view-models/run-steps.ts";
import { CanaryPart } from "./run/canary.tsx";
import { GateTable } from "./run/gate-table.tsx";

export function RunPage({ id }: { readonly id: string }) {
  const live = useLive<RunDetailView>(`/api/v1/runs/${encodeURIComponent(id)}`, SECONDS.often);
  return (
    <Show live={live} what="the run" whole>
      {(run) => (
        <>
          <RunHead run={run} />
          <ol class="steps" aria-label="Steps">
            {stepsOf(run).map((step) => (
              <StepItem key={step.name} step={step} />
            ))}
          </ol>
          <Gate run={run} />
          <CanaryPart run={run} />
          <Facts run={run} />
        </>
      )}
    </Show>
  );
}

function RunHead({ run }: { readonly run: RunDetailView }) {
  return (
    <>
      <p class="crumb">
        <a href="/runs">Runs</a> / <a href={modelPath(run.model)}>{run.model}</a> / {run.id}
      </p>
      <div class="title-line">
        <h1>
          {run.decision === "RECALIBRATE" ? "Recalibration" : "Retrain"} of {run.model}
          {run.version === null ? "" : `: version ${run.version}`}
        </h1>
        <Badge tone={statusTone(run.status)}>{statusText(run.status)}</Badge>
      </div>
      <p class="lead">{run.reason ?? `Decided ${formatTime(run.at)} UTC: ${run.trigger}.`}</p>
      <RunActions run={run} />
    </>
  );
}

function RunActions({ run }: { readonly run: RunDetailView }) {
  const { mayAct } = useApi();
  const live = useLive<VersionsView>(`${apiOf(run.model)}/versions`, SECONDS.often);
  const champion = live.status === "ready" || live.status === "stale" ? live.data.champion : null;
  const actions = actionsOf(run, champion);
  if (!mayAct || actions.length === 0) return null;
  return (
    <div class="actions">
      {actions.map((action) => (
        <RunActButton key={action} action={action} run={run} />
      ))}
    </div>
  );
}

function RunActButton(props: { readonly action: RunAction; readonly run: RunDetailView }) {
  const { action, run } = props;
  const own = `/api/v1/runs/${encodeURIComponent(run.id)}`;
  switch (action) {
    case "approve":
      return (
        <ActButton
          name="Approve"
          about={`Version ${run.version ?? ""} is rolled out in steps, beginning with a canary.`}
          path={`${own}/approve`}
          body={{}}
          asks="reason"
        />
      );
    case "reject":
      return (
        <ActButton
          name="Reject"
          about={`Version ${run.version ?? ""} is not rolled out. Version ${run.champion} goes on.`}
          path={`${own}/reject`}
          body={{}}
          asks="reason"
          grave
        />
      );
    case "cancel":
      return (
        <ActButton
          name="Cancel the run"
          about="It ends here. A version that serves a share of the requests already is taken back."
          path={`${own}/cancel`}
          body={{}}
          asks="reason"
          grave
        />
      );
    case "rollback":
      return (
        <ActButton
          name="Roll back"
          about={`Version ${run.champion}, which served before, serves again. It counts when the server's answers prove it.`}
          path={`${apiOf(run.model)}/rollback`}
          body={{ to: run.champion }}
          asks="reason"
          grave
        />
      );
  }
}

const STEP_STATES = {
  done: "done",
  now: "in progress",
  ahead: "not yet",
  ended: "ended here",
} as const;

function StepItem({ step }: { readonly step: Step }) {
  return (
    <li class={step.state} aria-current={step.state === "now" ? "step" : undefined}>
      <span class="step-name">{step.name}</span>
      <span class="visually-hidden">{STEP_STATES[step.state]}</span>
      {step.note !== "" && <span class="below">{step.note}</span>}
      {step.at !== null && <span class="below num">{formatTime(step.at)}</span>}
    </li>
  );
}

function Gate({ run }: { readonly run: RunDetailView }) {
  const { judgement } = run;
  return (
    <Part
      title="The gate"
      about={
        judgement === null
          ? "The challenger has not been judged yet."
          : `Challenger against champion ${run.champion} on ${formatCount(judgement.rows)} labelled rows of ${formatSpan(judgement.block.fromMs, judgement.block.toMs)}, which no training has seen. This block has judged ${judgement.blockUses} ${judgement.blockUses === 1 ? "challenger" : "challengers"}.`
      }
    >
      {judgement !== null && (
        <GateTable
          gates={judgement.gates}
          verdict={judgement.verdict}
          label="What the judge compared"
        />
      )}
    </Part>
  );
}

/** A run that has ended tells it by the event that built it. */
function datasetRows(run: RunDetailView): number | null {
  if (run.dataset !== null) return run.dataset.rows;
  const built = run.events.find(({ kind }) => kind === "dataset_built")?.["dataset"];
  const rows = typeof built === "object" && built !== null && "rows" in built ? built.rows : null;
  return typeof rows === "number" ? rows : null;
}

function Facts({ run }: { readonly run: RunDetailView }) {
  const facts: readonly (readonly [string, string])[] = [
    ["Trigger", run.trigger],
    ["Mode", run.mode],
    [
      "Training data",
      run.plan.choice === "all" ? "all that is kept" : `the last ${run.plan.choice}`,
    ],
    ["Trained up to", `${formatTime(run.plan.trainToMs)} UTC`],
    ["Labels known by", `${formatTime(run.plan.knownMs)} UTC`],
    ["Rows of the data set", formatCount(datasetRows(run))],
    ["Started, wall clock", `${formatTime(run.startedWall)} UTC`],
    ["Changed, wall clock", `${formatTime(run.updatedWall)} UTC`],
  ];
  return (
    <Part title="How it was made">
      <dl class="pairs">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="num">{value}</dd>
          </div>
        ))}
      </dl>
    </Part>
  );
}
