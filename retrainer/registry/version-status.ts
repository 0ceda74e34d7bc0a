/** Where a version stands, told from the journal: its record never changes, what happens to it does. */
import type { Journal } from "../journal/journal.ts";

export type VersionStatus = "registered" | "staged" | "canary" | "serving" | "retired" | "rejected";

export interface VersionStanding {
  readonly status: VersionStatus;
  /** Model time from which it served all requests for the first time. */
  readonly promotedMs: number | null;
  /** Model time from which it served none of them any more. */
  readonly retiredMs: number | null;
}

export function versionStanding(journal: Journal, model: string, version: string): VersionStanding {
  const reigns = journal.registry.reigns(model);
  const promotedMs = reigns.find((reign) => reign.version === version)?.fromMs ?? null;
  const last = reigns.findLastIndex((reign) => reign.version === version);
  const retiredMs = last === -1 ? null : (reigns[last + 1]?.fromMs ?? null);
  if (journal.registry.champion(model)?.version === version) {
    return { status: "serving", promotedMs, retiredMs: null };
  }
  if (promotedMs !== null) return { status: "retired", promotedMs, retiredMs };
  const active = journal.runs.active(model);
  const own = active !== null && "version" in active && active.version === version ? active : null;
  if (own?.status === "staged" || own?.status === "canary") {
    return { status: own.status, promotedMs, retiredMs };
  }
  const ended = journal.runs
    .list(model)
    .some(({ run }) => "endedAtMs" in run && run.version === version);
  return { status: ended ? "rejected" : "registered", promotedMs, retiredMs };
}
