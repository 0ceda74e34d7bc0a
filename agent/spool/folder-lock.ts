/** One agent per spool folder, also where every agent is pid 1 of its own container. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { lockDirectory } from "../../runtime/directory-lock.ts";

/**
 * Takes the lock; answers how to let it go.
 * @throws {DriftmendError} spool_in_use while another holds it
 */
export async function lockFolder(folder: string): Promise<() => void> {
  const lock = lockDirectory(join(folder, "spool.lock"));
  if (lock === null) {
    throw new DriftmendError("spool_in_use", {
      retry: "never",
      message: `Cannot open the spool in "${folder}" as its only user: another agent uses it`,
      next: "Stop that agent, or give this one another DRIFTMEND_SPOOL_DIR.",
    });
  }
  // Versions before this one named their holder in it.
  await rm(join(folder, "lock"), { force: true });
  return () => lock.release();
}
