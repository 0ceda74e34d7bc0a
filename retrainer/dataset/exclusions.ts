/** Quarantine entries as the parallel arrays that queries take: one element per value of a tag. */
import type { ExclusionParams } from "../../store/queries/quarantined-rows.ts";
import type { QuarantineEntry } from "../policy/quarantine.ts";

export function exclusionsOf(entries: readonly QuarantineEntry[]): ExclusionParams {
  const out = entries.flatMap((entry) =>
    (entry.tag === "" ? [""] : entry.values).map((value) => ({ entry, value })),
  );
  return {
    outTag: out.map(({ entry }) => entry.tag),
    outValue: out.map(({ value }) => value),
    outFromMs: out.map(({ entry }) => entry.fromMs),
    outToMs: out.map(({ entry }) => entry.toMs),
  };
}
