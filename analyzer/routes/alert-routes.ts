/** Alerts: listed, explained with the rows behind them, acknowledged, silenced. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { AlertState, type AlertTest, AlertView } from "../../contract/alert.ts";
import { LIMITS } from "../../contract/limits.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { Duration } from "../../contract/duration.ts";
import type { AlertRowsView, RowView } from "../../contract/views.ts";
import {
  type StoredAlert,
  alertActions,
  alertById,
  alertsListed,
} from "../../store/queries/analyzer-state.ts";
import {
  type PredictionRow,
  predictionsBefore,
  predictionsBehind,
} from "../../store/queries/last-predictions.ts";
import { rowsBehind } from "../alerts/rows-behind.ts";
import { type Surroundings, StoredDraft, explainAlert } from "../alerts/explain-alert.ts";
import { type AlertAction, storeAlertAction } from "../alerts/store-alerts.ts";
import { surroundingsOf } from "../alerts/surroundings.ts";
import { ACT, OfModel, type RouteDeps, finite, rfc3339, time } from "./route-deps.ts";
import { explainNotice, isUnreachable, viewOfNotice } from "./told-alerts.ts";

const ALERTS_MAX = 1_000;

export const ListQuery = z.object({
  model: z.string().prefault(""),
  state: AlertState.optional(),
  limit: z.coerce.number().int().min(1).max(ALERTS_MAX).prefault(ALERTS_MAX),
});
export const RowsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(LIMITS.alertRowsMax).prefault(20),
});
export const OfAlert = z.object({ id: z.string().min(1) });
const text = z.string().min(1).max(1_000);
export const Acknowledge = z.object({ by: text.prefault("api") });
export const Silence = z
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
  app.get("/api/v1/alerts/:id/rows", (request) =>
    rowsOf(idOf(request.params), RowsQuery.parse(request.query).limit, deps),
  );
  app.post("/api/v1/models/:model/alerts/test", ACT, (request) =>
    testChannels(OfModel.parse(request.params).model, deps),
  );
  app.post("/api/v1/alerts/:id/acknowledge", ACT, (request) => {
    const { by } = Acknowledge.parse(request.body ?? {});
    return act(idOf(request.params), { action: "acknowledge", by, until: null, reason: "" }, deps);
  });
  app.post("/api/v1/alerts/:id/silence", ACT, (request) => {
    const { until, for: forMs = 0, by, reason } = Silence.parse(request.body);
    const untilMs = until ?? deps.clock.nowMs() + forMs;
    return act(idOf(request.params), { action: "silence", by, until: untilMs, reason }, deps);
  });
}

/** What fires first: the maximum must never cut it off. While the database is away, what people were told of. */
async function list(query: z.output<typeof ListQuery>, deps: RouteDeps): Promise<object> {
  const { model, state, limit } = query;
  const states = state === undefined ? [] : [state];
  try {
    const rows = await deps.store.query(alertsListed, { model, states, limit });
    return { alerts: await viewsOf(rows, deps), total: rows[0]?.total ?? 0 };
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    const told = deps.analyzer.notifications
      .firingNotices()
      .filter((notice) => model === "" || notice.model === model)
      .filter((notice) => state === undefined || notice.state === state);
    return { alerts: told.map((notice) => viewOfNotice(notice)), total: told.length };
  }
}

async function explain(id: string, deps: RouteDeps): Promise<object> {
  const notice = deps.analyzer.notifications.newestNotice(id);
  try {
    return await explainStored(id, deps);
  } catch (error) {
    if (!isUnreachable(error) || notice === null) throw error;
    return explainNotice(notice, deps);
  }
}

async function explainStored(id: string, deps: RouteDeps): Promise<object> {
  const row = await requireAlert(id, deps);
  const [view] = await viewsOf([row], deps);
  if (view === undefined) throw unknownAlert(row.id);
  return explainAlert(view, StoredDraft.parse(row.detail), await surroundings(row, deps));
}

async function rowsOf(id: string, rowsMax: number, deps: RouteDeps): Promise<AlertRowsView> {
  const row = await requireAlert(id, deps);
  const { model, title, from: fromMs, to: toMs } = row;
  const { kind, numbers, finding } = StoredDraft.parse(row.detail);
  // An alert that lasts goes to where the model's time is.
  const nowMs = deps.analyzer.watchedMs(model) ?? deps.clock.nowMs();
  const behind = rowsBehind({ kind, fromMs, toMs, numbers, finding }, nowMs);
  if (behind === null) {
    const at = rfc3339(fromMs);
    return { alert: id, model, title, from: at, to: at, which: "rows: it has none", rows: [] };
  }
  const { which, newestFirst, tag, values, failed, seconds } = behind;
  const rows = await deps.store.query(newestFirst ? predictionsBefore : predictionsBehind, {
    ...{ model, fromMs: behind.fromMs, toMs: behind.toMs, tag, values: [...values] },
    ...{ failed, seconds, rowsMax },
  });
  const [from, to] = [rfc3339(behind.fromMs), rfc3339(behind.toMs)];
  return { alert: row.id, model, title, from, to, which, rows: rows.map(rowView) };
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

async function testChannels(model: string, { analyzer }: RouteDeps): Promise<AlertTest> {
  const document = await analyzer.requireModel(model);
  const answers = await analyzer.notifications.test(model, document.alerts);
  return {
    model,
    answers: answers.map((answer) => ({ ...answer, severities: [...answer.severities] })),
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

async function surroundings(row: StoredAlert, deps: RouteDeps): Promise<Surroundings> {
  const { store } = deps;
  const { model, from } = row;
  const around = await surroundingsOf({ model, fromMs: from, toMs: row.to ?? row.at }, store);
  const actions = await store.query(alertActions, { ids: [row.id] });
  const annotations = actions.map(({ at, action, by, reason }) => ({
    at: rfc3339(at),
    text: `${action} by ${by}${reason === "" ? "" : `: ${reason}`}`,
  }));
  const told = deps.analyzer.notifications.storyOf(row.id).map(({ atMs, text }) => ({
    ...{ at: rfc3339(atMs), text },
  }));
  return { ...around, annotations, told };
}

async function act(
  id: string,
  action: AlertAction,
  deps: RouteDeps,
): Promise<AlertView | undefined> {
  const { notifications, lateActions } = deps.analyzer;
  const atMs = deps.clock.nowMs();
  try {
    const row = await requireAlert(id, deps);
    await storeAlertAction(row, action, atMs, deps);
    notifications.noteAction(row.id, action.action, action.until, atMs);
    const [view] = await viewsOf([await requireAlert(row.id, deps)], deps);
    return view;
  } catch (error) {
    const notice = notifications.newestNotice(id);
    if (!isUnreachable(error) || notice === null) throw error;
    // Whoever was woken by the database's absence must be able to say so meanwhile.
    notifications.noteAction(id, action.action, action.until, atMs);
    lateActions.add({ alertId: id, action, atMs });
    return viewOfNotice(notice, { action, atMs });
  }
}
