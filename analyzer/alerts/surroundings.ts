/** What stood around an alert: changes made elsewhere shortly before, and what retraining decided last. */
import { DAY_MS } from "../../contract/window.ts";
import type { Store } from "../../store/client.ts";
import { changesAround, lastChecks } from "../../store/queries/analyzer-state.ts";
import type { Surroundings } from "./explain-alert.ts";

const CHANGES_BEFORE_MS = 3 * DAY_MS;
const CHECKS_SHOWN = 2;

export async function surroundingsOf(
  alert: { readonly model: string; readonly fromMs: number; readonly toMs: number },
  store: Store,
): Promise<Pick<Surroundings, "changes" | "checks">> {
  const { model, fromMs, toMs } = alert;
  const changes = await store.query(changesAround, {
    ...{ model, fromMs: fromMs - CHANGES_BEFORE_MS, toMs },
  });
  return { changes, checks: await store.query(lastChecks, { model, limit: CHECKS_SHOWN }) };
}
