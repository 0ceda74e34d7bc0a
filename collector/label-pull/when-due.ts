/** When a model's labels are pulled next, and from where. Pure. */
import { createHash } from "node:crypto";
import { LIMITS } from "../../contract/limits.ts";
import type { PullSource } from "./pull-labels.ts";

/** What `label_pulls` says of a model. */
export interface PullProgress {
  /** Of the source that it is about. */
  readonly source: string;
  readonly watermarkMs: number;
  /** Wall time of the last attempt. */
  readonly ranMs: number;
  readonly failures: number;
}

/** Another statement or file is another source, which is fetched from its beginning. */
export const sourceOf = ({ sql, file }: PullSource): string =>
  createHash("sha256")
    .update(JSON.stringify([sql ?? null, file ?? null]))
    .digest("hex")
    .slice(0, 16);

/** Wall time; after failures sooner than the schedule says, each time later. */
export function dueAt(progress: PullProgress | null, source: string, everyMs: number): number {
  if (progress === null || progress.source !== source) return 0;
  const { ranMs, failures } = progress;
  if (failures === 0) return ranMs + everyMs;
  return ranMs + Math.min(everyMs, LIMITS.labelPullBackoffMs * 2 ** (failures - 1));
}

/** @param keptMs how long labels are kept: older ones would be refused */
export function spanOf(
  progress: PullProgress | null,
  source: string,
  clockMs: number,
  keptMs: number,
): { readonly afterMs: number; readonly watermarkMs: number } {
  if (progress === null || progress.source !== source) {
    const afterMs = Math.max(0, clockMs - keptMs);
    return { afterMs, watermarkMs: afterMs };
  }
  const { watermarkMs } = progress;
  return { afterMs: Math.max(0, watermarkMs - LIMITS.labelPullOverlapMs), watermarkMs };
}
