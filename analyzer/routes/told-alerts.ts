/** Alerts as the journal of notifications knows them: what can be said of them while the database does not answer. */
import type { AlertDetail, AlertView } from "../../contract/alert.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { explainAlert } from "../alerts/explain-alert.ts";
import type { AlertAction } from "../alerts/store-alerts.ts";
import type { Notice } from "../notify/notice.ts";
import { type RouteDeps, rfc3339 } from "./route-deps.ts";

export const isUnreachable = (error: unknown): boolean =>
  error instanceof DriftmendError && error.code === "store_unreachable";

/** @param did what was just done about it, which is stored nowhere yet */
export function viewOfNotice(
  notice: Notice,
  did: { readonly action: AlertAction; readonly atMs: number } | null = null,
): AlertView {
  const { alertId, model, revision, state, fromMs, toMs, firedMs, draft } = notice;
  const { kind, severity, subject, cause, title, text } = draft;
  const [acknowledge, silence] = (["acknowledge", "silence"] as const).map((action) =>
    did?.action.action === action ? did : null,
  );
  return {
    ...{ id: alertId, model, kind, severity, state, subject, cause, title, text, revision },
    from: rfc3339(fromMs),
    to: toMs === null ? null : rfc3339(toMs),
    fired: firedMs === null ? null : rfc3339(firedMs),
    acknowledged: acknowledge ? { by: acknowledge.action.by, at: rfc3339(acknowledge.atMs) } : null,
    silenced: silence
      ? {
          ...{ by: silence.action.by, reason: silence.action.reason },
          until: rfc3339(silence.action.until ?? 0),
        }
      : null,
  };
}

export function explainNotice(notice: Notice, { analyzer }: RouteDeps): AlertDetail {
  const { draft, firedMs, replayDigest, explanation } = notice;
  const told = analyzer.notifications
    .storyOf(notice.alertId)
    .map(({ atMs, text }) => ({ at: rfc3339(atMs), text }));
  const nothing = { changes: [], checks: [], annotations: [], told };
  const whole = explainAlert(viewOfNotice(notice), { ...draft, firedMs, replayDigest }, nothing);
  return { ...whole, explanation };
}
