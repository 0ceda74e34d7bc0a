/** What a pull of labels says of itself, and what to do about it. Pure. */
import type { LabelsOfModel } from "../../contract/label-views.ts";
import { formatCount } from "../format.ts";
import { roughSpan } from "../../contract/duration.ts";

export interface LabelFinding {
  readonly state: "ok" | "warning" | "wrong";
  readonly detail: string;
  readonly next: string | null;
}

/** Null where the model's labels are not pulled. */
export function judgePull({ model, pull }: LabelsOfModel, nowMs: number): LabelFinding | null {
  if (pull === null) return null;
  const { pulled, rows, refused, failures, error, every } = pull;
  const last =
    pulled === null
      ? "never"
      : `${roughSpan(Math.max(0, nowMs - Date.parse(pulled)))} ago, ${formatCount(rows)} rows`;
  const detail = `of "${model}" pulled ${last}`;
  if (failures > 0) {
    const times = failures === 1 ? "the last try" : `the last ${failures} tries`;
    const next = `Correct labels.pull of "${model}" or its source (docs/labels.md); it is tried again by itself`;
    return { state: "wrong", detail: `${detail}; ${times} failed: ${error ?? "unknown"}`, next };
  }
  if (refused > 0) {
    const next = `Correct what labels.pull of "${model}" selects; "driftmend dead-letters list" shows what the agent refused`;
    const why = error === null ? "" : `: ${error}`;
    const said = `${detail}; ${formatCount(refused)} are no labels${why}`;
    return { state: "warning", detail: said, next };
  }
  return pulled === null
    ? { state: "warning", detail: `${detail} yet, every ${every}`, next: "Wait half a minute" }
    : { state: "ok", detail, next: null };
}
