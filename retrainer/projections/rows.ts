/** The journal as rows of the tables that people query: derived, never read back. */
import type { AuditEntry, Check, VersionRecord } from "../../contract/run.ts";
import type { RunRow } from "../journal/run-table.ts";
import { TERMINAL_STATUSES } from "../../contract/run.ts";
import type { VersionStanding } from "../registry/version-status.ts";

export function runTableRow({ run, startedMs, updatedMs, seq }: RunRow, reason: string): object {
  const ended = TERMINAL_STATUSES.has(run.status);
  const judgement = "judgement" in run ? run.judgement : null;
  return {
    id: run.id,
    model: run.model,
    at: run.createdAtMs,
    trigger: run.trigger,
    decision: run.kind === "recalibrate" ? "RECALIBRATE" : "RETRAIN",
    reason: "reason" in run ? run.reason : reason,
    step: run.status,
    champion: run.champion,
    version: ("version" in run ? run.version : null) ?? "",
    verdict: judgement?.verdict ?? "",
    started: startedMs,
    finished: ended ? updatedMs : null,
    promoted: run.status === "promoted" ? run.endedAtMs : null,
    updated: updatedMs,
    revision: seq + 1,
    detail: JSON.stringify(run),
  };
}

export function checkTableRow(check: Check): object {
  return {
    model: check.model,
    at: check.atMs,
    trigger: check.trigger,
    decision: check.decision,
    reason: check.reason,
    run_id: check.runId ?? "",
    numbers: JSON.stringify(check.numbers),
    revision: 1,
    detail: JSON.stringify(check),
  };
}

export function versionTableRow(
  record: VersionRecord,
  standing: VersionStanding,
  revision: number,
): object {
  return {
    model: record.model,
    version: record.version,
    status: standing.status,
    kind: "onnx",
    run_id: record.runId ?? "",
    uri: record.artifact.folder,
    digest: record.artifact.sha256,
    registered: record.registeredMs,
    promoted: standing.promotedMs,
    retired: standing.retiredMs,
    revision,
    detail: JSON.stringify(record),
  };
}

export function auditTableRow(entry: AuditEntry): object {
  return {
    seq: entry.seq,
    at: entry.atMs,
    time: entry.recordedMs,
    actor: entry.actor,
    action: entry.action,
    model: entry.model,
    target: entry.target,
    reason: entry.reason,
    previous_hash: entry.previousHash,
    hash: entry.hash,
    detail: entry.detail,
  };
}
