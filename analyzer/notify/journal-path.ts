/** Where the journal of notifications lies. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "../../runtime/logger.ts";

/** @param folder none: in memory, which is said */
export function journalPath(folder: string | undefined, { logger }: { logger: Logger }): string {
  if (folder === undefined) {
    logger.warn(
      {},
      "DRIFTMEND_ANALYZER_DATA is not set: alerts that are not delivered yet are forgotten by a restart",
    );
    return ":memory:";
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return join(folder, "notifications.sqlite");
}
