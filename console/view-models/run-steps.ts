/** A run as steps that a person can follow, what may be done about it, and what its end means. */
import type { RunDetailView, RunView } from "../../contract/views.ts";

export interface Step {
  readonly name: string;
  readonly state: "done" | "now" | "ahead" | "ended";
  readonly at: string | null;
  readonly note: string;
}

/** Which event of the journal says that a step was reached. */
const STEPS = [
  { name: "Decided", event: null, statuses: ["decided"] },
  { name: "Data set", event: "dataset_built", statuses: ["dataset"] },
  { name: "Training", event: "training_started", statuses: ["training"] },
  { name: "Judging", event: "trained", statuses: ["judging"] },
  { name: "Registered", event: "registered", statuses: ["registered", "approval"] },
  { name: "Staged", event: "staged", statuses: ["staged"] },
  { name: "Canary", event: "step_started", statuses: ["canary"] },
  { name: "Promoted", event: "promoted", statuses: ["promoted"] },
] as const;

export function stepsOf(run: RunDetailView): readonly Step[] {
  const reached = (event: string | null): string | null =>
    event === null ? run.at : (run.events.find(({ kind }) => kind === event)?.at ?? null);
  const last = STEPS.findLastIndex(({ event }) => reached(event) !== null);
  const isOver = run.endedAt !== null;
  const steps = STEPS.map(({ name, event }, i): Step => {
    const at = reached(event);
    const state = at === null ? "ahead" : i < last || isOver ? "done" : "now";
    return { name, state, at, note: noteOf(name, run) };
  });
  if (!isOver || run.status === "promoted") return steps;
  const end: Step = { name: statusText(run.status), state: "ended", at: run.endedAt, note: "" };
  return [...steps.slice(0, last + 1), end];
}

function noteOf(name: string, run: RunDetailView): string {
  if (name === "Registered" && run.version !== null) return `version ${run.version}`;
  if (name === "Decided") return run.trigger;
  if (name === "Canary" && run.steps.length > 1) {
    const shares = run.steps.slice(0, -1).map(({ share }) => `${Math.round(share * 100)} %`);
    return shares.join(", ");
  }
  return "";
}

const STATUS_TEXTS: Readonly<Record<string, string>> = {
  approval: "waits for approval",
  rolled_back: "taken back",
  undoing: "being taken back",
  dataset: "data set",
};
export const statusText = (status: string): string => STATUS_TEXTS[status] ?? status;

export function statusTone(status: RunView["status"]): "good" | "bad" | "warn" | "plain" | "busy" {
  if (status === "promoted") return "good";
  if (status === "failed" || status === "rolled_back") return "bad";
  if (status === "rejected" || status === "cancelled") return "plain";
  return status === "approval" || status === "undoing" ? "warn" : "busy";
}

export type RunAction = "approve" | "reject" | "cancel" | "rollback";

/** What a person may do about the run as it stands. @param champion version that serves now */
export function actionsOf(run: RunView, champion: string | null): readonly RunAction[] {
  if (run.status === "approval") return ["approve", "reject"];
  if (run.status === "promoted") {
    return run.version !== null && run.version === champion ? ["rollback"] : [];
  }
  return run.endedAt === null && run.status !== "undoing" ? ["cancel"] : [];
}
