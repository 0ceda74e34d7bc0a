/** Routes of the retrainer (INTERFACES §3): runs, versions, checks, the loop's switch, audit, the gate's verdict. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { Duration } from "../../contract/duration.ts";
import { LoopMode } from "../../contract/run.ts";
import { firstBrokenLink } from "../journal/audit-chain.ts";
import type { RunRow } from "../journal/run-table.ts";
import { approve, cancel, reject, rollback, startByHand, switchLoop } from "../loop/commands.ts";
import type { RetrainerDeps } from "../loop/deps.ts";
import { modeAt } from "../loop/finish-check.ts";
import type { ModelLoop } from "../loop/model-loop.ts";
import type { Retrainer } from "../loop/retrainer.ts";
import type { Projector } from "../projections/projector.ts";
import { versionStanding } from "../registry/version-status.ts";
import { canaryOf } from "./canary-view.ts";
import { auditView, checkView, runDetail, runView, time, versionView } from "./views.ts";

export interface RouteDeps extends RetrainerDeps {
  readonly retrainer: Retrainer;
  readonly projector: Projector;
}

const ACT = { config: { access: "act" } } as const;
export const By = z.object({
  by: z.string().min(1).max(200).prefault("api"),
  reason: z.string().min(1).max(2_000).prefault("no reason given"),
});
export const OfModel = z.object({ model: z.string() });
export const RollbackBody = By.extend({ to: z.string().nullish() });
export const AuditQuery = z.object({
  after: z
    .string()
    .regex(/^\d{1,15}$/, "expected the seq of an entry")
    .prefault("0")
    .transform(Number),
  model: z.string().optional(),
});
export const LoopBody = By.extend({
  mode: z.union([LoopMode, z.literal("resume")]),
  until: z.union([z.iso.datetime({ offset: true }), z.int()]).nullish(),
  for: Duration.optional(),
});
export const OfRun = z.object({ run: z.string() });
export const OfVersion = OfModel.extend({ version: z.string() });

export function addRoutes(app: FastifyInstance, deps: RouteDeps): void {
  addRunRoutes(app, deps);
  addActRoutes(app, deps);
  addRegistryRoutes(app, deps);
  addLoopRoutes(app, deps);
}

function addRunRoutes(app: FastifyInstance, deps: RouteDeps): void {
  const { journal } = deps;
  app.get("/api/v1/runs", () => ({ runs: journal.runs.list(null).map(runView) }));
  app.get("/api/v1/models/:model/runs", (request) => {
    const { model } = OfModel.parse(request.params);
    return { runs: journal.runs.list(model).map(runView) };
  });
  for (const prefix of ["/api/v1/runs", "/api/v1/models/:model/runs"]) {
    app.get(`${prefix}/:run`, (request) => {
      const { run } = OfRun.parse(request.params);
      return runDetail(foundRun(run, deps), journal.runs.events(run));
    });
  }
  for (const prefix of ["/api/v1/runs", "/api/v1/models/:model/runs"]) {
    app.get(`${prefix}/:run/canary`, (request) => {
      const { run } = OfRun.parse(request.params);
      return canaryOf(foundRun(run, deps), deps);
    });
  }
  app.get("/api/v1/models/:model/checks", (request) => {
    const { model } = OfModel.parse(request.params);
    return { checks: journal.runs.checks(model).map(checkView) };
  });
  app.get("/v1/analysis/:run", (request) => analysis(request.params, deps));
  // Flagger's webhooks post, and read the status alone.
  app.post("/v1/analysis/:run", { config: { access: "read" } }, async (request, reply) => {
    const answer = analysis(request.params, deps);
    return reply.code(answer.data.ok ? 200 : 412).send(answer);
  });
}

/** The gate's verdict in the shape that Argo Rollouts' web provider reads. */
function analysis(params: unknown, deps: RouteDeps) {
  const { run } = foundRun(OfRun.parse(params).run, deps);
  const judgement = "judgement" in run ? run.judgement : null;
  const verdict = judgement?.verdict ?? "INCONCLUSIVE";
  const bad = run.status === "rolled_back" || run.status === "failed" || run.status === "undoing";
  const reason = "reason" in run ? run.reason : (judgement?.reason ?? "not judged yet");
  return { data: { ok: verdict === "PASS" && !bad, verdict, status: run.status, reason } };
}

function addActRoutes(app: FastifyInstance, deps: RouteDeps): void {
  const { retrainer } = deps;
  app.post("/api/v1/models/:model/runs", ACT, (request, reply) => {
    const loop = knownLoop(OfModel.parse(request.params).model, deps);
    const run = startByHand(loop, By.parse(request.body ?? {}), deps);
    goOn(loop, deps);
    return reply.code(202).send(runView(foundRun(run.id, deps)));
  });
  const actions = { approve, reject, cancel };
  for (const [name, action] of Object.entries(actions)) {
    for (const prefix of ["/api/v1/runs", "/api/v1/models/:model/runs"]) {
      app.post(`${prefix}/:run/${name}`, ACT, async (request) => {
        const { run } = foundRun(OfRun.parse(request.params).run, deps);
        const loop = retrainer.loop(run.model);
        await action(loop, run.id, By.parse(request.body ?? {}), deps);
        if (name === "approve") goOn(loop, deps);
        await flushQuietly(deps);
        return runView(foundRun(run.id, deps));
      });
    }
  }
  app.post("/api/v1/models/:model/rollback", ACT, (request) => rollBack(request, deps));
  app.post("/api/v1/runs/rebuild", ACT, async () => ({ rows: await deps.projector.rebuild() }));
}

async function rollBack(request: FastifyRequest, deps: RouteDeps): Promise<object> {
  const loop = knownLoop(OfModel.parse(request.params).model, deps);
  const body = RollbackBody.parse(request.body ?? {});
  const done = await rollback(loop, body.to ?? null, body, deps);
  await flushQuietly(deps);
  return done;
}

function addRegistryRoutes(app: FastifyInstance, deps: RouteDeps): void {
  const { journal } = deps;
  app.get("/api/v1/models/:model/versions", (request) => {
    const { model } = OfModel.parse(request.params);
    const versions = journal.registry.versions(model);
    return {
      champion: journal.registry.champion(model)?.version ?? null,
      versions: versions.map((record) =>
        versionView(record, versionStanding(journal, model, record.version)),
      ),
    };
  });
  app.get("/api/v1/models/:model/versions/:version", (request) => {
    const { model, version } = OfVersion.parse(request.params);
    const record = journal.registry.version(model, version);
    if (record === null) throw notFound(`version "${version}" of "${model}"`);
    return versionView(record, versionStanding(journal, model, version));
  });
  app.get("/api/v1/audit", (request) => {
    const { after, model } = AuditQuery.parse(request.query);
    const entries = journal.log.audit(after, model ?? null);
    return { entries: entries.map(auditView), brokenAt: brokenLink(deps) };
  });
}

/** The first entry of the log that was tampered with; null where the chain holds. */
function brokenLink(deps: RouteDeps): number | null {
  const all = [];
  for (let page = deps.journal.log.audit(0); page.length > 0; ) {
    all.push(...page);
    page = deps.journal.log.audit(page.at(-1)?.seq ?? 0);
  }
  return firstBrokenLink(all);
}

function addLoopRoutes(app: FastifyInstance, deps: RouteDeps): void {
  const { journal, retrainer } = deps;
  const view = (loop: ModelLoop): object => {
    const override = journal.switches.loop(loop.model);
    const holds =
      override !== null && (override.untilMs === null || loop.nowMs() < override.untilMs);
    const untilMs = holds ? override.untilMs : null;
    return {
      model: loop.model,
      mode: loop.document === null ? null : modeAt(loop.context(), loop.nowMs(), deps),
      documentMode: loop.document?.retrain.mode ?? null,
      override: holds ? override.mode : null,
      until: untilMs === null ? null : time(untilMs),
      at: time(loop.nowMs()),
    };
  };
  app.get("/api/v1/models/:model/loop", (request) =>
    view(knownLoop(OfModel.parse(request.params).model, deps)),
  );
  app.post("/api/v1/models/:model/loop", ACT, (request) => {
    const loop = knownLoop(OfModel.parse(request.params).model, deps);
    const body = LoopBody.parse(request.body ?? {});
    const until = typeof body.until === "string" ? Date.parse(body.until) : (body.until ?? null);
    const untilMs = body.for === undefined ? until : loop.nowMs() + body.for;
    switchLoop(loop, body.mode === "resume" ? null : { mode: body.mode, untilMs }, body, deps);
    return view(loop);
  });
  app.delete("/api/v1/models/:model/loop", ACT, (request) => {
    const loop = knownLoop(OfModel.parse(request.params).model, deps);
    switchLoop(loop, null, By.parse({}), deps);
    return view(loop);
  });
  app.get("/api/v1/self", () => ({
    service: "retrainer",
    ready: retrainer.isReady(),
    models: retrainer.loops().map((loop) => ({
      ...view(loop),
      through: loop.throughMs === null ? null : time(loop.throughMs),
      settled: settledTime(loop, deps),
      champion: journal.registry.champion(loop.model)?.version ?? null,
      activeRun: journal.runs.active(loop.model)?.id ?? null,
    })),
  }));
}

function settledTime(loop: ModelLoop, deps: RouteDeps): string | null {
  const settledMs = deps.retrainer.settledMs(loop.model);
  return settledMs === null ? null : time(settledMs);
}

function foundRun(run: string, deps: RouteDeps): RunRow {
  const row = deps.journal.runs.find(run);
  if (row === null) throw notFound(`run "${run}"`);
  return row;
}

function knownLoop(model: string, deps: RouteDeps): ModelLoop {
  const loop = deps.retrainer.loops().find((candidate) => candidate.model === model);
  if (loop === undefined) throw notFound(`model "${model}"`);
  return loop;
}

const notFound = (what: string): DriftmendError =>
  new DriftmendError("not_found", {
    retry: "never",
    message: `Cannot find the ${what}`,
    next: '"driftmend status" lists models, "driftmend runs MODEL" its runs.',
  });

/** Drives the run in the background; what does not go on now is tried again with the analyzer's next word. */
function goOn(loop: ModelLoop, deps: RouteDeps): void {
  void loop
    .enqueue(() => loop.drive())
    .catch((error: unknown) => {
      deps.logger.warn({ err: error, model: loop.model }, "a run did not go on; it is tried again");
    });
}

async function flushQuietly(deps: RouteDeps): Promise<void> {
  await deps.projector.flush().catch((error: unknown) => {
    deps.logger.warn({ err: error }, "the tables are behind the journal");
  });
}
