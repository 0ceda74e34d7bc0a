/**
 * Ids of alerts, runs and quarantines as people type them: the beginning is enough where it is the only one.
 * What no id begins with is asked for as it was typed, so that the service says what it does not know.
 */
import { z } from "zod";
import { DriftmendError } from "../contract/driftmend-error.ts";
import { type Remote, encode } from "./remote.ts";

type Kind = "alert" | "run" | "quarantine";

const ENTRIES = {
  alert: { path: "/api/v1/alerts", key: "alerts" },
  run: { path: "/api/v1/runs", key: "runs" },
  quarantine: { path: "/api/v1/quarantine", key: "quarantine" },
} as const;
const CANDIDATES_MAX = 20;
const Entry = z.looseObject({ id: z.string() });

/** The path of the one entry that `typed` names. @throws {DriftmendError} id_ambiguous */
export async function pathOfId(
  remote: Pick<Remote, "api">,
  kind: Kind,
  typed: string,
): Promise<{ readonly id: string; readonly path: string }> {
  const { path, key } = ENTRIES[kind];
  const schema = z.object({ [key]: z.array(Entry) });
  const listed = await remote.api.request({ path, schema });
  const ids = (listed[key] ?? []).map(({ id }) => id);
  const id = wholeId(kind, typed, ids);
  return { id, path: `${path}/${encode(id)}` };
}

/** @param ids newest first or as they are listed @throws {DriftmendError} id_ambiguous */
export function wholeId(kind: Kind, typed: string, ids: readonly string[]): string {
  if (ids.includes(typed)) return typed;
  const candidates = [...new Set(ids.filter((id) => id.startsWith(typed)))];
  const [only] = candidates;
  if (only === undefined) return typed;
  if (candidates.length === 1) return only;
  const shown = candidates.slice(0, CANDIDATES_MAX).join(", ");
  const more = candidates.length - CANDIDATES_MAX;
  throw new DriftmendError("id_ambiguous", {
    retry: "never",
    message: `Cannot tell which ${kind} is meant by "${typed}": ${candidates.length} ids begin with it`,
    next: `Type more of one: ${shown}${more > 0 ? ` and ${more} more` : ""}.`,
  });
}
