/** Onboarding documents: stored, shown, listed with how their models fare, retired. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { parseDocument } from "../../contract/document-problems.ts";
import { DAY_MS } from "../../contract/window.ts";
import { lastChanges, newestDrift, newestFigures } from "../../store/queries/analysis-results.ts";
import { alertsOf } from "../../store/queries/analyzer-state.ts";
import { modelsSeen, trafficDays } from "../../store/queries/model-traffic.ts";
import { type KnownModel, unknownModel } from "../documents/model-documents.ts";
import { fileOf } from "../documents/who-may-change.ts";
import { namesAnother } from "./onboarding-routes.ts";
import { ACT, OfModel, type RouteDeps, finite, rfc3339 } from "./route-deps.ts";

export const By = z.object({ by: z.string().min(1).max(200).prefault("api") });
const ALERTS_MAX = 1_000;
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
async function listModels(deps: RouteDeps): Promise<object> {
  const { analyzer, store } = deps;
  const seen = new Map((await store.query(modelsSeen, {})).map((row) => [row.model, row]));
  const figures = await store.query(newestFigures, { metrics: ["skill", "log_loss", "coverage"] });
  const drift = await store.query(newestDrift, {});
  const changes = await store.query(lastChanges, {});
  const firing = await store.query(alertsOf, { model: "", states: ["firing"], limit: ALERTS_MAX });
  const names = new Set([...seen.keys(), ...analyzer.documents.list().map(({ model }) => model)]);
  const models = [];
  for (const model of [...names].sort()) {
    const alerts = firing.filter((alert) => alert.model === model);
    const figure = (metric: string): number | null =>
      finite(figures.find((row) => row.model === model && row.metric === metric)?.figure ?? null);
    const drifted = drift.find((row) => row.model === model);
    const change = changes.find((row) => row.model === model);
    models.push({
      model,
      status: statusOf(model, deps),
      file: fileOf(analyzer.documents.get(model)?.by ?? ""),
      state: stateOf(alerts.map(({ severity }) => severity)),
      alerts: alerts.map(({ id, kind, severity, title }) => ({ id, kind, severity, title })),
      traffic: await trafficOf(model, seen.get(model)?.last ?? null, deps),
      skill: figure("skill"),
      logLoss: figure("log_loss"),
      labelCoverage: figure("coverage"),
      drift:
        drifted === undefined
          ? null
          : { drifted: drifted.drifted, features: drifted.looked, to: rfc3339(drifted.last) },
      lastChange: change === undefined ? null : { at: rfc3339(change.at), what: change.what },
      revision: analyzer.documents.revisionOf(model),
    });
  }
  return { models };
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

async function trafficOf(
  model: string,
  lastDayMs: number | null,
  { store }: RouteDeps,
): Promise<object | null> {
  if (lastDayMs === null) return null;
  // Days, not minutes: those of a replay of the past may be gone already.
  const span = { model, fromMs: lastDayMs, toMs: lastDayMs + DAY_MS };
  const all = (await store.query(trafficDays, span)).filter(({ segment_tag: tag }) => tag === "");
  return {
    day: rfc3339(lastDayMs),
    predictions: all.reduce((sum, { n }) => sum + n, 0),
    errors: all.reduce((sum, { errors }) => sum + errors, 0),
  };
}
