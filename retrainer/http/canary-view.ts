/** A run's canary as it was or is: for every step with a share both arms hour by hour, and the judgement of them. */
import type { ArmHourView, CanaryView } from "../../contract/views.ts";
import type { RetrainerDeps } from "../loop/deps.ts";
import { quarantineKnownAt } from "../loop/look.ts";
import type { Retrainer } from "../loop/retrainer.ts";
import type { RunEvent } from "../journal/run-state.ts";
import type { RunRow } from "../journal/run-table.ts";
import { type ArmHour, judgeCanary } from "../rollout/canary.ts";
import { loadArms } from "../rollout/load-arms.ts";
import { time } from "./views.ts";

type StepStarted = Extract<RunEvent, { kind: "step_started" }>;
type Step = CanaryView["steps"][number];

/** Computed from what is visible now: labels that came after the roll-out count too. */
export async function canaryOf(
  { run }: RunRow,
  deps: RetrainerDeps & { readonly retrainer: Retrainer },
): Promise<CanaryView> {
  const challenger = "version" in run ? run.version : null;
  const view = { run: run.id, champion: run.champion, challenger };
  const loop = deps.retrainer.loops().find(({ model }) => model === run.model);
  if (challenger === null || loop?.document == null) return { ...view, steps: [] };
  const events = deps.journal.runs.events(run.id);
  const started = events.flatMap(({ event }) => (event.kind === "step_started" ? [event] : []));
  const end = events.find(({ event }) => event.kind === "undo_started" || isEnd(event));
  const endMs = end?.atMs ?? Number.POSITIVE_INFINITY;
  const nowMs = loop.nowMs();
  const steps: Step[] = [];
  for (const event of started) {
    const share = run.steps[event.step]?.share ?? 0;
    const toMs = Math.min(event.untilMs, endMs, nowMs);
    const quarantine = await quarantineKnownAt(run.model, nowMs, deps.store);
    const arms = await loadArms(
      {
        ...{ document: loop.document, champion: run.champion, challenger, quarantine },
        ...{ fromMs: event.fromMs, toMs, knownMs: nowMs },
      },
      deps.store,
    );
    steps.push(stepView(event, share, arms, judgeCanary(arms, toMs >= event.untilMs)));
  }
  return { ...view, steps };
}

const isEnd = ({ kind }: RunEvent): boolean =>
  kind === "promoted" || kind === "failed" || kind === "cancelled";

function stepView(
  { step, fromMs, untilMs }: StepStarted,
  share: number,
  arms: Parameters<typeof judgeCanary>[0],
  { verdict, reason, gates }: ReturnType<typeof judgeCanary>,
): Step {
  return {
    ...{ step, share, from: time(fromMs), until: time(untilMs), verdict, reason },
    gates: [...gates],
    arms: {
      champion: arms.champion.map(armHourView),
      challenger: arms.challenger.map(armHourView),
    },
  };
}

function armHourView(hour: ArmHour): ArmHourView {
  const { hourMs, n, errors, missing, latencyN, latencySum, labelled, loss } = hour;
  return {
    ...{ hour: time(hourMs), requests: n, errors, missing, labelled },
    latencySeconds: latencyN === 0 ? null : latencySum / latencyN,
    loss: labelled === 0 ? null : loss / labelled,
  };
}
