/**
 * Alerts in the store: each change of state is one revision of the alert's row. What people did (acknowledge,
 * silence) is kept beside it, so that evaluating a window again cannot undo it.
 */
import type { AlertMessage } from "../../contract/messages.ts";
import type { Store } from "../../store/client.ts";
import { type StoredAlert, alertActions } from "../../store/queries/analyzer-state.ts";
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

/** What a person did about an alert. */
export interface AlertAction {
  readonly action: "acknowledge" | "silence";
  readonly by: string;
  /** Wall time at which a silence ends; null for an acknowledgement. */
  readonly until: number | null;
  readonly reason: string;
}

/** Stores what a person did, and the alert's row with it. */
export async function storeAlertAction(
  row: StoredAlert,
  action: AlertAction,
  atMs: number,
  { store }: { readonly store: Store },
): Promise<void> {
  const known = await store.query(alertActions, { ids: [row.id] });
  const seq = Math.max(0, ...known.map((entry) => entry.seq)) + 1;
  await store.insert("alert_actions", [{ alert_id: row.id, seq, ...action, at: atMs }]);
  const { detail, ...columns } = row;
  const silencedUntil = known.findLast((entry) => entry.action === "silence")?.until ?? null;
  const acknowledgedMs = known.findLast((entry) => entry.action === "acknowledge")?.at ?? null;
  await store.insert("alerts", [
    {
      ...columns,
      acknowledged: action.action === "acknowledge" ? atMs : acknowledgedMs,
      silenced_until: action.action === "silence" ? action.until : silencedUntil,
      revision: row.revision + 1,
      detail: JSON.stringify(detail),
    },
  ]);
}

export function alertMessage(revision: AlertRevision): AlertMessage {
  const { id, model, state, atMs, fromMs, toMs, firedMs, draft } = revision;
  const { kind, severity, title, text } = draft;
  return { id, model, kind, severity, state, atMs, fromMs, toMs, firedMs, title, text };
}
