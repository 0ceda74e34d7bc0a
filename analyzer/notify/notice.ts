/**
 * What is told of an alert: one change of its state with the whole explanation, made when the change is
 * stored and kept as it is, so that it can go out while the database is away.
 */
import { z } from "zod";
import { AlertExplanation, type AlertKind, type AlertView } from "../../contract/alert.ts";
import { AlertDraft, type AlertRevision } from "../alerts/alert-book.ts";
import { type Surroundings, explainAlert } from "../alerts/explain-alert.ts";

export const Notice = z.strictObject({
  /** `<alert>.<revision>`: never changes, whoever tells it again. */
  id: z.string(),
  alertId: z.string(),
  model: z.string(),
  revision: z.int(),
  state: z.enum(["firing", "resolved"]),
  /** Model time of the change, of the span, and of the moment it fired. */
  atMs: z.int(),
  fromMs: z.int(),
  toMs: z.int().nullable(),
  firedMs: z.int().nullable(),
  /** Wall time at which the analyzer knew. */
  noticedMs: z.int(),
  draft: AlertDraft,
  explanation: AlertExplanation,
  replayDigest: z.string(),
  owner: z.string().nullable(),
  runbook: z.string().nullable(),
});
export type Notice = z.infer<typeof Notice>;

export const noticeId = ({ id, revision }: Pick<AlertRevision, "id" | "revision">): string =>
  `${id}.${revision}`;

const NOTHING_AROUND = { changes: [], checks: [] };

/** @param around null when nobody could be asked: the notice then says so */
export function noticeOf(
  revision: AlertRevision,
  metadata: { readonly owner?: string | undefined; readonly runbook?: string | undefined },
  around: Pick<Surroundings, "changes" | "checks"> | null,
  noticedMs: number,
): Notice {
  const { draft, id, model, atMs, fromMs, toMs, firedMs, replayDigest } = revision;
  const view: AlertView = {
    ...{ id, model, kind: draft.kind, severity: draft.severity, state: revision.state },
    ...{ subject: draft.subject, cause: draft.cause, title: draft.title, text: draft.text },
    from: rfc3339(fromMs),
    to: toMs === null ? null : rfc3339(toMs),
    fired: firedMs === null ? null : rfc3339(firedMs),
    revision: revision.revision,
    acknowledged: null,
    silenced: null,
  };
  const stored = { ...draft, firedMs, replayDigest };
  const { explanation } = explainAlert(view, stored, {
    ...(around ?? NOTHING_AROUND),
    annotations: [],
  });
  return {
    ...{ id: noticeId(revision), alertId: id, model, revision: revision.revision },
    ...{ state: revision.state === "resolved" ? "resolved" : "firing" },
    ...{ atMs, fromMs, toMs, firedMs, noticedMs, draft, replayDigest },
    explanation:
      around === null
        ? { ...explanation, changes: ["unknown: the database did not answer"] }
        : explanation,
    owner: metadata.owner ?? null,
    runbook: metadata.runbook ?? null,
  };
}

/** Kinds that say that something fails now; the others are found by statistics, and have a budget. */
const FAILURES: ReadonlySet<AlertKind> = new Set([
  "error-share",
  "latency",
  "no-traffic",
  "blind-agent",
  "self",
]);

export const isStatistical = (kind: AlertKind): boolean => !FAILURES.has(kind);

const rfc3339 = (ms: number): string => new Date(ms).toISOString();
