/**
 * Cuts a window into part files that are made once. A part's name is the digest of all that its rows
 * depend on, so a Monday exports only what is new or has changed since.
 */
import { createHash } from "node:crypto";
import { LIMITS } from "../../contract/limits.ts";
import type { RowColumns } from "../../store/queries/training-rows.ts";
import { type QuarantineEntry, entriesWithin } from "../policy/quarantine.ts";

export interface PartDigest {
  readonly part: number;
  readonly rows: number;
  readonly digest: string;
}

export interface DatasetPart {
  readonly fromMs: number;
  readonly toMs: number;
  readonly rows: number;
  /** 64 hex digits. */
  readonly key: string;
  /** Entries that leave rows of this part out. */
  readonly exclusions: readonly QuarantineEntry[];
}

export interface PartGrid {
  readonly anchorMs: number;
  readonly partMs: number;
}

const DAY_MS = 86_400_000;
const MONDAY_MS = 4 * DAY_MS;
export const WEEKS: PartGrid = { anchorMs: MONDAY_MS, partMs: 7 * DAY_MS };
export const DAYS: PartGrid = { anchorMs: MONDAY_MS, partMs: DAY_MS };

/** Weeks, or days where a week would make a file too large. */
export const isTooLarge = (digests: readonly PartDigest[]): boolean =>
  digests.some(({ rows }) => rows > LIMITS.datasetPartRowsMax);

export function planParts(
  digests: readonly PartDigest[],
  window: { readonly fromMs: number; readonly toMs: number },
  grid: PartGrid,
  exclusions: readonly QuarantineEntry[],
  columns: RowColumns,
): readonly DatasetPart[] {
  return digests.map(({ part, rows, digest }) => {
    const startMs = grid.anchorMs + part * grid.partMs;
    const fromMs = Math.max(startMs, window.fromMs);
    const toMs = Math.min(startMs + grid.partMs, window.toMs);
    const within = entriesWithin(exclusions, fromMs, toMs);
    const out = within.map((entry) => [entry.tag, entry.values, entry.fromMs, entry.toMs]);
    const content = JSON.stringify([fromMs, toMs, rows, digest, out, columns]);
    const key = createHash("sha256").update(content).digest("hex");
    return { fromMs, toMs, rows, key, exclusions: within };
  });
}
