/** Onboarding documents: stored, shown, listed with how their models fare, retired. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { AlertKind, AlertSeverity } from "../../contract/alert.ts";
import { parseDocument } from "../../contract/document-problems.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { ModelView, ModelsView, NewestFigure } from "../../contract/views.ts";
import { windowName } from "../../contract/window.ts";
import { lastChanges, listedFigures, newestDrift } from "../../store/queries/analysis-results.ts";
import { firingAlerts } from "../../store/queries/analyzer-state.ts";
import { lastWeekHours } from "../../store/queries/model-traffic.ts";
import { serverModels } from "../../store/queries/server-metrics.ts";
import { type KnownModel, unknownModel } from "../documents/model-documents.ts";
import { fileOf } from "../documents/who-may-change.ts";
import { namesAnother } from "./onboarding-routes.ts";
import { grainOf } from "./performance-routes.ts";
import { ACT, OfModel, type RouteDeps, finite, rfc3339 } from "./route-deps.ts";

export const By = z.object({ by: z.string().min(1).max(200).prefault("api") });
const ALERTS_MAX = 1_000;
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;
const LISTED_METRICS = ["skill", "log_loss", "calibration", "coverage"] as const;
/** `whole`: with who put it, when, and what holds once defaults are filled in. */
export const ShowQuery = z.object({ view: z.enum(["given", "whole"]).prefault("given") });

export function addModelRoutes(app: FastifyInstance, deps: RouteDeps): void {
  const { analyzer } = deps;
  app.get("/api/v1/models", () => listModels(deps));
  app.get("/api/v1/models/:model", (request) => {
    const { model } = OfModel.parse(request.params);
    const known = analyzer.documents.get(model);
    if (known === null) throw unknownModel(model);
    const { view } = ShowQuery.parse(request.query);
    return view === "given" ? known.given : { ...standing(known), given: known.given };
  });
  app.put("/api/v1/models/:model", ACT, async (request, reply) => {
    const { model } = OfModel.parse(request.params);
    const { by } = By.parse(request.query);
    const document = parseDocument(request.body, `the document of "${model}"`);
    if (document.metadata.name !== model) throw namesAnother(model, document.metadata.name);
    const isNew = analyzer.documents.get(model) === null;
    const { known, reference } = await analyzer.putDocument(document, request.body, by);
    return reply.code(isNew ? 201 : 200).send({
      model,
      revision: known.revision,
      reference:
        reference === null
          ? null
          : { name: reference.reference, rows: reference.rows, learnt: reference.learnt },
    });
  });
  app.delete("/api/v1/models/:model", ACT, (request) =>
    retire(OfModel.parse(request.params).model, By.parse(request.query).by, deps),
  );
}

/** Where a document comes from: who put it, or which file of the watched folder says so. */
function standing(known: KnownModel): object {
  const { model, revision, updatedMs, by, document } = known;
  return { model, revision, updated: rfc3339(updatedMs), by, file: fileOf(by), document };
}

async function retire(model: string, by: string, { analyzer }: RouteDeps): Promise<object> {
  const { status, revision } = await analyzer.retireDocument(model, by);
  return { model, status, revision };
}

/** Per model: state, traffic of its last day, skill, drift and the last change. */
async function listModels(deps: RouteDeps): Promise<ModelsView> {
  const { analyzer, store } = deps;
  const [hours, listed, drift, changes, firing, served] = await Promise.all([
    store.query(lastWeekHours, {}).then(byModel),
    store.query(listedFigures, { metrics: [...LISTED_METRICS], weeks: LIMITS.skillWeeksShown }),
    store.query(newestDrift, {}).then(byModel),
    store.query(lastChanges, {}).then(byModel),
    store.query(firingAlerts, { limit: ALERTS_MAX }),
    store.query(serverModels, {}),
  ]);
  const figures = Map.groupBy(listed, ({ model }) => model);
  const alertsByModel = Map.groupBy(firing, ({ model }) => model);
  const names = new Set(
    [...served, ...analyzer.documents.list()].map(({ model }) => model).concat([...hours.keys()]),
  );
  const models = [...names].sort().map((model) =>
    modelView(
      model,
      {
        alerts: alertsByModel.get(model) ?? [],
        hours: hours.get(model),
        figures: figures.get(model) ?? [],
        drift: drift.get(model),
        change: changes.get(model),
      },
      deps,
    ),
  );
  return { models };
}

const byModel = <T extends { readonly model: string }>(rows: readonly T[]): Map<string, T> =>
  new Map(rows.map((row) => [row.model, row]));

interface ModelFacts {
  readonly alerts: readonly z.output<typeof firingAlerts.row>[];
  readonly hours: z.output<typeof lastWeekHours.row> | undefined;
  readonly figures: readonly z.output<typeof listedFigures.row>[];
  readonly drift: z.output<typeof newestDrift.row> | undefined;
  readonly change: z.output<typeof lastChanges.row> | undefined;
}

function modelView(model: string, facts: ModelFacts, deps: RouteDeps): ModelView {
  const { analyzer } = deps;
  const { drift, change } = facts;
  const traffic = facts.hours === undefined ? null : trafficOf(facts.hours);
  const skill = facts.figures.find(({ metric }) => metric === "skill");
  const figures = Object.fromEntries(facts.figures.map((row) => [row.metric, figureView(row)]));
  const [analyzedMs, watchedMs] = [analyzer.analyzedMs(model), analyzer.watchedMs(model)];
  return {
    model,
    status: statusOf(model, deps),
    file: fileOf(analyzer.documents.get(model)?.by ?? ""),
    state: stateOf(facts.alerts.map(({ severity }) => severity)),
    alerts: facts.alerts.map(({ id, kind, severity, title }) => ({
      ...{ id, title },
      kind: AlertKind.parse(kind),
      severity: AlertSeverity.parse(severity),
    })),
    traffic: traffic?.day ?? null,
    trafficHours: traffic?.hours ?? null,
    skill: figures["skill"]?.value ?? null,
    logLoss: figures["log_loss"]?.value ?? null,
    labelCoverage: figures["coverage"]?.value ?? null,
    figures,
    skillWeeks: (skill?.weekTo ?? []).map((to, i) => ({
      to: rfc3339(to),
      value: finite(skill?.weekValue[i] ?? Number.NaN),
    })),
    drift:
      drift === undefined
        ? null
        : { drifted: drift.drifted, features: drift.looked, to: rfc3339(drift.last) },
    lastChange: change === undefined ? null : { at: rfc3339(change.at), what: change.what },
    analyzed: analyzedMs === null ? null : rfc3339(analyzedMs),
    watched: watchedMs === null ? null : rfc3339(watchedMs),
    clock: analyzer.isReplayed(model) ? "replay" : "wall",
    revision: analyzer.documents.revisionOf(model),
  };
}

function figureView(row: z.output<typeof listedFigures.row>): NewestFigure {
  const { from: fromMs, to: toMs, value, lower, upper, n, labelled, censored } = row;
  return {
    window: windowName({ grain: grainOf(row), fromMs, toMs }),
    ...{ from: rfc3339(fromMs), to: rfc3339(toMs), predictions: n, labelled, censored },
    ...{ value: finite(value), lower: finite(lower), upper: finite(upper) },
  };
}

/** The last day that had requests, and every hour of the week up to the last such hour. */
function trafficOf({ hour, n, errors }: z.output<typeof lastWeekHours.row>) {
  const last = hour.at(-1) ?? 0;
  const day = last - (last % DAY_SECONDS);
  const first = hour.find((seconds) => seconds > last - 7 * DAY_SECONDS) ?? last;
  const predictions = Array.from({ length: (last - first) / HOUR_SECONDS + 1 }, () => 0);
  const ofDay = { predictions: 0, errors: 0 };
  hour.forEach((seconds, i) => {
    if (seconds >= first) predictions[(seconds - first) / HOUR_SECONDS] = n[i] ?? 0;
    if (seconds < day) return;
    ofDay.predictions += n[i] ?? 0;
    ofDay.errors += errors[i] ?? 0;
  });
  return {
    day: { day: rfc3339(day * 1000), ...ofDay },
    hours: { from: rfc3339(first * 1000), predictions },
  };
}

function statusOf(model: string, { analyzer }: RouteDeps): "active" | "retired" | "undocumented" {
  if (analyzer.documents.get(model) !== null) return "active";
  return analyzer.documents.revisionOf(model) > 0 ? "retired" : "undocumented";
}

function stateOf(severities: readonly string[]): "page" | "ticket" | "info" | "ok" {
  if (severities.includes("page")) return "page";
  if (severities.includes("ticket")) return "ticket";
  return severities.length > 0 ? "info" : "ok";
}
