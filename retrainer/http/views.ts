/** The journal's values as the API shows them: times as RFC 3339, names as in INTERFACES. */
import type { AuditEntry, Check, VersionRecord } from "../../contract/run.ts";
import type { RunEvent } from "../journal/run-state.ts";
import type { RunRow } from "../journal/run-table.ts";
import type { VersionStanding } from "../registry/version-status.ts";

export const time = (ms: number): string => new Date(ms).toISOString();
const timeOrNull = (ms: number | null): string | null => (ms === null ? null : time(ms));

export function runView({ run, startedMs, updatedMs }: RunRow): object {
  const judgement = "judgement" in run ? run.judgement : null;
  return {
    id: run.id,
    model: run.model,
    at: time(run.createdAtMs),
    trigger: run.trigger,
    decision: run.kind === "recalibrate" ? "RECALIBRATE" : "RETRAIN",
    mode: run.mode,
    status: run.status,
    champion: run.champion,
    version: "version" in run ? run.version : null,
    verdict: judgement?.verdict ?? null,
    reason: "reason" in run ? run.reason : (judgement?.reason ?? null),
    code: "code" in run ? run.code : null,
    promoted: run.status === "promoted",
    promotedAt: run.status === "promoted" ? time(run.endedAtMs) : null,
    endedAt: "endedAtMs" in run ? time(run.endedAtMs) : null,
    checkId: run.checkId,
    startedWall: time(startedMs),
    updatedWall: time(updatedMs),
  };
}

/** With everything that happened and every number of the judge. */
export function runDetail(
  row: RunRow,
  events: readonly { readonly atMs: number; readonly event: RunEvent }[],
): object {
  const { run } = row;
  return {
    ...runView(row),
    plan: run.plan,
    steps: run.steps,
    judgement: "judgement" in run ? run.judgement : null,
    dataset: "dataset" in run ? run.dataset : null,
    artifact: "artifact" in run ? run.artifact : null,
    canary:
      run.status === "canary"
        ? { step: run.step, from: time(run.stepFromMs), until: time(run.stepUntilMs) }
        : null,
    events: events.map(({ atMs, event }) => ({ at: time(atMs), ...event })),
  };
}

export function checkView(check: Check): object {
  const { atMs, block, ...rest } = check;
  const span = block === null ? null : { from: time(block.fromMs), to: time(block.toMs) };
  return { ...rest, at: time(atMs), block: span };
}

export function versionView(record: VersionRecord, standing: VersionStanding): object {
  const { registeredMs, ...rest } = record;
  return {
    ...rest,
    status: standing.status,
    registered: time(registeredMs),
    promoted: timeOrNull(standing.promotedMs),
    retired: timeOrNull(standing.retiredMs),
  };
}

export function auditView(entry: AuditEntry): object {
  const { recordedMs, atMs, detail, ...rest } = entry;
  return { ...rest, at: time(atMs), time: time(recordedMs), detail: JSON.parse(detail) as unknown };
}
