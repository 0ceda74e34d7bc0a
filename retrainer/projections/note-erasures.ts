/**
 * Erasures are done by the collector and belong into the audit chain, which is the retrainer's: each is noted once,
 * with who asked, why and how many rows, and without whose they were.
 */
import { LIMITS } from "../../contract/limits.ts";
import type { Store } from "../../store/client.ts";
import { finishedErasures } from "../../store/queries/erasures.ts";
import type { Journal } from "../journal/journal.ts";

const ACTION = "erase";

/**
 * @param afterMs where the last look ended; 0 at the start
 * @returns where this one ended
 */
export async function noteErasures(
  journal: Pick<Journal, "log">,
  store: Pick<Store, "query">,
  afterMs: number,
): Promise<number> {
  const limit = LIMITS.erasuresShownMax;
  const erasures = await store.query(finishedErasures, { after: afterMs, limit });
  for (const { id, model, kind, by, reason, counts, asked } of erasures) {
    if (journal.log.isNoted(ACTION, id)) continue;
    const detail = { kind, counts };
    journal.log.note(model, id, { actor: by, action: ACTION, reason, atMs: asked, detail });
  }
  return erasures.at(-1)?.finished ?? afterMs;
}
