/** Changes made elsewhere (deploys, schemas, upstream): noted, and listed to stand beside the curves. */
import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { LIMITS } from "../../contract/limits.ts";
import type { ChangesView } from "../../contract/views.ts";
import { WEEK_MS } from "../../contract/window.ts";
import { changesBetween } from "../../store/queries/analyzer-state.ts";
import { ACT, type RouteDeps, rfc3339, time } from "./route-deps.ts";

const WEEKS_SHOWN = 13;

export const Change = z.strictObject({
  model: z.string().prefault(""),
  time,
  kind: z.string().min(1).max(100),
  title: z.string().min(1).max(500),
  url: z.url().optional(),
  by: z.string().max(200).prefault(""),
});
export const ChangesQuery = z.object({
  model: z.string().prefault(""),
  from: time.optional(),
  to: time.optional(),
});

export function addChangeRoutes(app: FastifyInstance, deps: RouteDeps): void {
  app.post("/api/v1/changes", ACT, async (request, reply) =>
    reply.code(201).send(await noteChange(request.body, deps)),
  );
  app.get("/api/v1/changes", (request) => list(ChangesQuery.parse(request.query), deps));
}

async function noteChange(body: unknown, { store, clock }: RouteDeps): Promise<object> {
  const change = Change.parse(body);
  const id = randomUUID();
  const created = clock.nowMs();
  const { model, time: at, kind, title, url = "", by } = change;
  await store.insert("changes", [
    { id, model, time: at, kind, title, url, by, created, revision: created, detail: "" },
  ]);
  return { id, model, time: rfc3339(at), kind, title, url, by };
}

/** Those of a model and of all models, or every one; the newest where there are too many. */
async function list(query: z.output<typeof ChangesQuery>, deps: RouteDeps): Promise<ChangesView> {
  const { model } = query;
  const toMs = query.to ?? deps.analyzer.watchedMs(model) ?? deps.clock.nowMs();
  const fromMs = query.from ?? toMs - WEEKS_SHOWN * WEEK_MS;
  const limit = LIMITS.changesShownMax;
  const rows = await deps.store.query(changesBetween, { model, fromMs, toMs, limit });
  return { changes: rows.map(({ time: at, ...row }) => ({ ...row, time: rfc3339(at) })) };
}
