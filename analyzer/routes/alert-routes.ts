/** Alerts: listed, explained with the rows behind them, acknowledged, silenced. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { AlertState, AlertView } from "../../contract/alert.ts";
import { LIMITS } from "../../contract/limits.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { Duration } from "../../contract/onboarding-document.ts";
import type { AlertRowsView, RowView } from "../../contract/views.ts";
import {
  type StoredAlert,
  alertActions,
  alertById,
  alertsOf,
} from "../../store/queries/analyzer-state.ts";
import { type PredictionRow, predictionsBehind } from "../../store/queries/last-predictions.ts";
import { type Surroundings, StoredDraft, explainAlert } from "../alerts/explain-alert.ts";
import { surroundingsOf } from "../alerts/surroundings.ts";
import { ACT, type RouteDeps, finite, rfc3339, time } from "./route-deps.ts";

const ALERTS_MAX = 1_000;

const ListQuery = z.object({
  model: z.string().prefault(""),
  state: AlertState.optional(),
  limit: z.coerce.number().int().min(1).max(ALERTS_MAX).prefault(ALERTS_MAX),
});
const OfAlert = z.object({ id: z.string().min(1) });
const RowsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(LIMITS.alertRowsMax).prefault(50),
});
const text = z.string().min(1).max(1_000);
const Acknowledge = z.object({ by: text.prefault("api") });
const Silence = z
  .object({
    until: time.optional(),
    for: Duration.optional(),
    reason: text,
    by: text.prefault("api"),
  })
  .refine((body) => (body.until === undefined) !== (body.for === undefined), {
    message: 'expected either "until" or "for"',
  });

export function addAlertRoutes(app: FastifyInstance, deps: RouteDeps): void {
  const idOf = (params: unknown): string => OfAlert.parse(params).id;
  app.get("/api/v1/alerts", (request) => list(ListQuery.parse(request.query), deps));
  app.get("/api/v1/alerts/:id", (request) => explain(idOf(request.params), deps));
  app.post("/api/v1/alerts/:id/acknowledge", ACT, (request) => {
    const { by } = Acknowledge.parse(request.body ?? {});
    return act(idOf(request.params), { action: "acknowledge", by, until: null, reason: "" }, deps);
  });
  app.post("/api/v1/alerts/:id/silence", ACT, (request) => {
    const { until, for: forMs = 0, by, reason } = Silence.parse(request.body);
    const untilMs = until ?? deps.clock.nowMs() + forMs;
    return act(idOf(request.params), { action: "silence", by, until: untilMs, reason }, deps);
  });
  app.get("/api/v1/alerts/:id/rows", (request) =>
    rowsBehind(idOf(request.params), RowsQuery.parse(request.query).limit, deps),
  );
}

async function list(query: z.output<typeof ListQuery>, deps: RouteDeps): Promise<object> {
  const { model, state, limit } = query;
  const states = state === undefined ? [] : [state];
  const views = await viewsOf(await deps.store.query(alertsOf, { model, states, limit }), deps);
  // Pending that did not last told nobody, and is no alert.
  return { alerts: views.filter((view) => view.state !== "resolved" || view.fired !== null) };
}

async function explain(id: string, deps: RouteDeps): Promise<object> {
  const row = await requireAlert(id, deps);
  const [view] = await viewsOf([row], deps);
  if (view === undefined) throw unknownAlert(row.id);
  return explainAlert(view, StoredDraft.parse(row.detail), await surroundings(row, deps));
}

/** The first rows of the alert's span, of its segment where the finding names one. */
async function rowsBehind(id: string, rowsMax: number, deps: RouteDeps): Promise<AlertRowsView> {
  const row = await requireAlert(id, deps);
  const segment = StoredDraft.parse(row.detail).finding?.segment ?? null;
  const toMs = row.to ?? deps.analyzer.analyzedMs(row.model) ?? deps.clock.nowMs();
  const rows = await deps.store.query(predictionsBehind, {
    ...{ model: row.model, fromMs: row.from, toMs, rowsMax, failed: row.kind === "error-share" },
    ...{ tag: segment?.tag ?? "", values: segment?.values ?? [] },
  });
  return {
    ...{ id: row.id, model: row.model, from: rfc3339(row.from), to: rfc3339(toMs), segment },
    rows: rows.map(rowView),
  };
}

function rowView(row: PredictionRow): RowView {
  const { ts, id, version, label, score, value, latency, error, num, cat, tags } = row;
  const numbers = Object.entries(num).map(([name, number]) => [name, finite(number)] as const);
  return {
    ...{ time: rfc3339(ts), id, version, label, score, value, error, tags },
    latencySeconds: latency,
    features: { ...Object.fromEntries(numbers), ...cat },
  };
}

async function requireAlert(id: string, { store }: RouteDeps): Promise<StoredAlert> {
  const [row] = await store.query(alertById, { id });
  if (row === undefined) throw unknownAlert(id);
  return row;
}

function unknownAlert(id: string): DriftmendError {
  return new DriftmendError("not_found", {
    retry: "never",
    message: `Cannot find the alert "${id}"`,
    next: '"driftmend alerts --all" (GET /api/v1/alerts) lists them.',
  });
}

async function viewsOf(rows: readonly StoredAlert[], deps: RouteDeps): Promise<AlertView[]> {
  const ids = rows.map(({ id }) => id);
  const actions = ids.length === 0 ? [] : await deps.store.query(alertActions, { ids });
  const now = deps.clock.nowMs();
  return rows.map((row) => {
    const own = actions.filter(({ alert_id: id }) => id === row.id);
    const acknowledged = own.findLast(({ action }) => action === "acknowledge");
    const silenced = own.findLast(
      ({ action, until }) => action === "silence" && (until ?? 0) > now,
    );
    const draft = StoredDraft.parse(row.detail);
    return AlertView.parse({
      id: row.id,
      model: row.model,
      kind: row.kind,
      severity: row.severity,
      state: row.state,
      subject: draft.subject,
      cause: row.cause,
      from: rfc3339(row.from),
      to: row.to === null ? null : rfc3339(row.to),
      fired: draft.firedMs === null ? null : rfc3339(draft.firedMs),
      title: row.title,
      text: row.text,
      revision: row.revision,
      acknowledged:
        acknowledged === undefined ? null : { by: acknowledged.by, at: rfc3339(acknowledged.at) },
      silenced:
        silenced === undefined
          ? null
          : {
              by: silenced.by,
              until: rfc3339(silenced.until ?? 0),
              reason: silenced.reason,
            },
    });
  });
}

async function surroundings(row: StoredAlert, { store }: RouteDeps): Promise<Surroundings> {
  const { model, from } = row;
  const around = await surroundingsOf({ model, fromMs: from, toMs: row.to ?? row.at }, store);
  const actions = await store.query(alertActions, { ids: [row.id] });
  const annotations = actions.map(({ at, action, by, reason }) => ({
    at: rfc3339(at),
    text: `${action} by ${by}${reason === "" ? "" : `: ${reason}`}`,
  }));
  return { ...around, annotations };
}

async function act(
  id: string,
  action: {
    readonly action: "acknowledge" | "silence";
    readonly by: string;
    readonly until: number | null;
    readonly reason: string;
  },
  deps: RouteDeps,
): Promise<AlertView | undefined> {
  const row = await requireAlert(id, deps);
  const known = await deps.store.query(alertActions, { ids: [row.id] });
  const seq = Math.max(0, ...known.map((entry) => entry.seq)) + 1;
  const at = deps.clock.nowMs();
  await deps.store.insert("alert_actions", [{ alert_id: row.id, seq, ...action, at }]);
  const { detail, ...columns } = row;
  const silencedUntil = known.findLast((entry) => entry.action === "silence")?.until ?? null;
  const acknowledgedMs = known.findLast((entry) => entry.action === "acknowledge")?.at ?? null;
  await deps.store.insert("alerts", [
    {
      ...columns,
      acknowledged: action.action === "acknowledge" ? at : acknowledgedMs,
      silenced_until: action.action === "silence" ? action.until : silencedUntil,
      revision: row.revision + 1,
      detail: JSON.stringify(detail),
    },
  ]);
  const [view] = await viewsOf([await requireAlert(row.id, deps)], deps);
  return view;
}
