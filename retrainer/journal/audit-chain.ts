/**
 * The audit log as a hash chain: each entry holds the hash of the one before, so that a changed, removed
 * or inserted entry is found by reading the log once.
 */
import { createHash } from "node:crypto";
import type { AuditEntry } from "../../contract/run.ts";

export const FIRST_PREVIOUS_HASH = "0".repeat(64);

export type AuditContent = Omit<AuditEntry, "hash">;

/** sha256 over the fields in a fixed order, each as JSON, so that no two entries read the same. */
export function auditHash(entry: AuditContent): string {
  const fields = [
    entry.seq,
    entry.recordedMs,
    entry.atMs,
    entry.model,
    entry.actor,
    entry.action,
    entry.target,
    entry.reason,
    entry.detail,
    entry.previousHash,
  ];
  return createHash("sha256").update(JSON.stringify(fields)).digest("hex");
}

/** The seq of the first entry that does not follow from the one before; null where all hold. */
export function firstBrokenLink(entries: readonly AuditEntry[]): number | null {
  let previousHash = FIRST_PREVIOUS_HASH;
  let seq = 1;
  for (const entry of entries) {
    if (
      entry.seq !== seq ||
      entry.previousHash !== previousHash ||
      entry.hash !== auditHash(entry)
    ) {
      return seq;
    }
    previousHash = entry.hash;
    seq++;
  }
  return null;
}
