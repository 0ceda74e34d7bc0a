/**
 * After a start: alerts that fire and that no channel was ever told of, because the journal is new or
 * channels were configured since, are told now, with what people did about them.
 */
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import type { Store } from "../../store/client.ts";
import { type StoredAlert, alertActions, alertsOf } from "../../store/queries/analyzer-state.ts";
import { type AlertRevision, AlertDraft } from "../alerts/alert-book.ts";
import { StoredDraft } from "../alerts/explain-alert.ts";
import { ACTIONS_PER_REVISION } from "../alerts/store-alerts.ts";
import { surroundingsOf } from "../alerts/surroundings.ts";
import type { Notifications } from "./notifications.ts";

const ALERTS_MAX = 10_000;

export async function tellWhatFires(deps: {
  readonly store: Store;
  readonly notifications: Notifications;
  /** Null when the model is retired. */
  readonly documentOf: (model: string) => OnboardingDocument | null;
}): Promise<void> {
  const { store, notifications, documentOf } = deps;
  const rows = await store.query(alertsOf, { model: "", states: ["firing"], limit: ALERTS_MAX });
  const untold = rows.map(revisionOf).filter((revision) => !notifications.knows(revision));
  if (untold.length === 0) return;
  const ids = untold.map(({ id }) => id);
  for (const entry of await store.query(alertActions, { ids })) {
    notifications.noteAction(entry.alert_id, entry.action, entry.until, entry.at);
  }
  for (const revision of untold) {
    const document = documentOf(revision.model);
    if (document === null) continue;
    await notifications.tell([revision], document, () =>
      surroundingsOf({ ...revision, toMs: revision.atMs }, store),
    );
  }
}

function revisionOf(row: StoredAlert): AlertRevision {
  const { firedMs, replayDigest, ...draft } = StoredDraft.parse(row.detail);
  return {
    ...{
      id: row.id,
      model: row.model,
      state: "firing",
      atMs: row.at,
      fromMs: row.from,
      toMs: null,
    },
    // Between two changes of state there are what people did.
    revision: Math.floor(row.revision / ACTIONS_PER_REVISION),
    ...{ firedMs, replayDigest, draft: AlertDraft.parse(draft), notify: true },
  };
}
