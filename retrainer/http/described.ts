/** The retrainer's routes for who calls them: requests by the handlers' own schemas, answers as they come. */
import { z } from "zod";
import { RunStatus, Verdict } from "../../contract/run.ts";
import {
  CanaryView,
  ChecksView,
  LoopView,
  RunDetailView,
  RunView,
  RunsView,
  VersionView,
  VersionsView,
} from "../../contract/views.ts";
import type { DescribedRoute } from "../../runtime/described-route.ts";
import { AuditQuery, By, LoopBody, OfModel, OfRun, OfVersion, RollbackBody } from "./routes.ts";

const at = z.iso.datetime();
const text = z.string();
const entry = z.looseObject;

const Analysis = entry({
  data: entry({ ok: z.boolean(), verdict: Verdict, status: RunStatus, reason: text }),
});
const Audit = entry({ seq: z.int(), at, time: at, model: text, actor: text, action: text });
const OfModelsRun = OfModel.extend(OfRun.shape);

const runs: readonly DescribedRoute[] = [
  {
    ...{ method: "GET", path: "/api/v1/runs", access: "read", tag: "retraining" },
    summary: "Runs of every model, newest first",
    answers: { 200: RunsView },
  },
  {
    ...{ method: "GET", path: "/api/v1/models/:model/runs", access: "read", tag: "retraining" },
    summary: "Runs of a model, newest first",
    params: OfModel,
    answers: { 200: RunsView },
  },
  {
    ...{ method: "POST", path: "/api/v1/models/:model/runs", access: "act", tag: "retraining" },
    summary: "Start a run by hand",
    params: OfModel,
    body: By,
    bodyOptional: true,
    answers: { 202: RunView },
  },
  ...(["/api/v1/runs", "/api/v1/models/:model/runs"] as const).flatMap((prefix) => {
    const params = prefix === "/api/v1/runs" ? OfRun : OfModelsRun;
    const words = {
      approve: "Let a proposed run go on",
      reject: "End a proposed run",
      cancel: "End a run",
    };
    return [
      {
        ...{ method: "GET", path: `${prefix}/:run`, access: "read", tag: "retraining" },
        summary: "One run: steps, judgement, numbers",
        params,
        answers: { 200: RunDetailView },
      },
      {
        ...{ method: "GET", path: `${prefix}/:run/canary`, access: "read", tag: "retraining" },
        summary: "Every step of the roll-out with a share, both arms side by side",
        params,
        answers: { 200: CanaryView },
      },
      ...Object.entries(words).map(([name, summary]) => ({
        ...{ method: "POST", path: `${prefix}/:run/${name}`, access: "act", tag: "retraining" },
        ...{ summary, params, body: By, bodyOptional: true, answers: { 200: RunView } },
      })),
    ] as DescribedRoute[];
  }),
  {
    ...{ method: "POST", path: "/api/v1/runs/rebuild", access: "act", tag: "retraining" },
    summary: "Write the tables again from the journal",
    answers: { 200: entry({ rows: z.unknown() }) },
  },
  {
    ...{ method: "GET", path: "/v1/analysis/:run", access: "read", tag: "retraining" },
    summary: "The gate's verdict as Argo Rollouts' web provider reads it",
    params: OfRun,
    answers: { 200: Analysis },
  },
  {
    ...{ method: "POST", path: "/v1/analysis/:run", access: "read", tag: "retraining" },
    summary: "The gate's verdict as Flagger's webhooks read it: 412 where it is not well",
    params: OfRun,
    answers: { 200: Analysis, 412: Analysis },
  },
];

const registry: readonly DescribedRoute[] = [
  {
    ...{ method: "GET", path: "/api/v1/models/:model/checks", access: "read", tag: "retraining" },
    summary: "Each look at whether to retrain, with its numbers",
    params: OfModel,
    answers: { 200: ChecksView },
  },
  {
    ...{ method: "GET", path: "/api/v1/models/:model/versions", access: "read", tag: "retraining" },
    summary: "The registry of a model",
    params: OfModel,
    answers: { 200: VersionsView },
  },
  {
    ...{ method: "GET", path: "/api/v1/models/:model/versions/:version", access: "read" },
    tag: "retraining",
    summary: "One version with its lineage",
    params: OfVersion,
    answers: { 200: VersionView },
  },
  {
    ...{ method: "POST", path: "/api/v1/models/:model/rollback", access: "act", tag: "retraining" },
    summary: "Take a version back, proven by what the server answers",
    params: OfModel,
    body: RollbackBody,
    bodyOptional: true,
    answers: { 200: entry({ version: text.nullable(), from: text.nullable() }) },
  },
  {
    ...{ method: "GET", path: "/api/v1/models/:model/loop", access: "read", tag: "retraining" },
    summary: "The mode in force and why",
    params: OfModel,
    answers: { 200: LoopView },
  },
  {
    ...{ method: "POST", path: "/api/v1/models/:model/loop", access: "act", tag: "retraining" },
    summary: "Pause automatic action, or set another mode, for a while",
    params: OfModel,
    body: LoopBody,
    answers: { 200: LoopView },
  },
  {
    ...{ method: "DELETE", path: "/api/v1/models/:model/loop", access: "act", tag: "retraining" },
    summary: "As the document says again",
    params: OfModel,
    answers: { 200: LoopView },
  },
  {
    ...{ method: "GET", path: "/api/v1/audit", access: "read", tag: "retraining" },
    summary: "The append-only log of what was done, and whether its chain holds",
    query: AuditQuery,
    answers: { 200: entry({ entries: z.array(Audit), brokenAt: z.int().nullable() }) },
  },
];

export const retrainerRoutes: readonly DescribedRoute[] = [...runs, ...registry];
