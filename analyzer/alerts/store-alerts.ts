/**
 * Alerts in the store: each change of state is one revision of the alert's row. What people did (acknowledge,
 * silence) is kept beside it, so that evaluating a window again cannot undo it.
 */
import type { AlertMessage } from "../../contract/messages.ts";
import type { Store } from "../../store/client.ts";
import { alertActions } from "../../store/queries/analyzer-state.ts";
import type { AlertRevision } from "./alert-book.ts";

/** Revisions of state are a thousand apart: between them is room for what people do. */
export const ACTIONS_PER_REVISION = 1_000;

export async function storeAlertRevisions(
  revisions: readonly AlertRevision[],
  deps: { readonly store: Store },
): Promise<void> {
  if (revisions.length === 0) return;
  const ids = [...new Set(revisions.map(({ id }) => id))];
  const actions = await deps.store.query(alertActions, { ids });
  await deps.store.insert(
    "alerts",
    revisions.map((revision) => {
      const own = actions.filter(({ alert_id: id }) => id === revision.id);
      const acknowledged = own.findLast(({ action }) => action === "acknowledge");
      const silenced = own.findLast(({ action }) => action === "silence");
      return {
        id: revision.id,
        model: revision.model,
        kind: revision.draft.kind,
        cause: revision.draft.cause,
        severity: revision.draft.severity,
        state: revision.state,
        from: revision.fromMs,
        to: revision.toMs,
        at: revision.atMs,
        title: revision.draft.title,
        text: revision.draft.text,
        acknowledged: acknowledged?.at ?? null,
        silenced_until: silenced?.until ?? null,
        revision: revision.revision * ACTIONS_PER_REVISION,
        detail: JSON.stringify({
          ...revision.draft,
          firedMs: revision.firedMs,
          replayDigest: revision.replayDigest,
        }),
      };
    }),
  );
}

export function alertMessage(revision: AlertRevision): AlertMessage {
  const { id, model, state, atMs, fromMs, toMs, firedMs, draft } = revision;
  const { kind, severity, title, text } = draft;
  return { id, model, kind, severity, state, atMs, fromMs, toMs, firedMs, title, text };
}
