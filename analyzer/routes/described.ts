/** The analyzer's routes for who calls them: requests by the handlers' own schemas, answers as they come. */
import { z } from "zod";
import { AlertDetail, AlertTest, AlertView } from "../../contract/alert.ts";
import { LabelsView } from "../../contract/label-views.ts";
import { OnboardingDocument } from "../../contract/onboarding-document.ts";
import {
  AlertRowsView,
  ChangesView,
  DriftView,
  ModelsView,
  PerformanceView,
  QualityView,
} from "../../contract/views.ts";
import { OperationsView } from "../../contract/operations-view.ts";
import type { DescribedRoute } from "../../runtime/described-route.ts";
import { Acknowledge, ListQuery, OfAlert, RowsQuery, Silence } from "./alert-routes.ts";
import { Change, ChangesQuery } from "./change-routes.ts";
import { DriftQuery } from "./drift-routes.ts";
import { By, ShowQuery } from "./model-routes.ts";
import { PreviewQuery } from "./onboarding-routes.ts";
import { PerformanceQuery } from "./performance-routes.ts";
import { OfEntry, QuarantineQuery } from "./quarantine-routes.ts";
import { ReferenceBody } from "./reference-routes.ts";
import { OfModel, SpanQuery } from "./route-deps.ts";
import { OfWindow } from "./window-routes.ts";

const at = z.iso.datetime();
const text = z.string();
const maybe = z.number().nullable();
const entry = z.looseObject;

const Stored = entry({
  model: text,
  revision: z.int(),
  reference: entry({ name: text, rows: z.int(), learnt: z.boolean() }).nullable(),
});
const Seen = entry({ rows: z.int(), from: at, to: at, rowsPerDay: z.number() });
const Preview = entry({
  model: text,
  refusal: entry({ code: text, message: text, next: text.nullable() }).nullable(),
  revision: z.int().nullable(),
  changes: z.array(entry({ path: text, from: z.unknown(), to: z.unknown() })),
  traffic: Seen.nullable(),
  findings: z.array(entry({ kind: text, subject: text, text })),
  watched: z.array(entry({ rule: text, state: z.enum(["on", "waits", "off"]), text })),
  shifts: z.array(
    entry({
      feature: text,
      shift: maybe,
      rows: z.int(),
      rowsEffective: maybe,
      dependenceKnown: z.boolean(),
    }),
  ),
  past: entry({
    from: at,
    to: at,
    alerts: z.array(entry({ id: text, kind: text, severity: text, title: text, fired: at })),
  }).nullable(),
  notes: z.array(text),
});
const Reference = entry({
  reference: text,
  source: text,
  rows: z.int(),
  created: at,
  inForce: z.boolean(),
});
const Quarantine = entry({
  id: text,
  model: text,
  tag: text,
  values: z.array(text),
  from: at,
  to: at.nullable(),
  columns: z.array(text),
  reason: text,
  rows: z.int(),
  created: at,
  released: at.nullable(),
});

const models: readonly DescribedRoute[] = [
  {
    ...{ method: "GET", path: "/api/v1/models", access: "read", tag: "models" },
    summary: "Every model that is known, with how it fares",
    answers: { 200: ModelsView },
  },
  {
    ...{ method: "GET", path: "/api/v1/models/:model", access: "read", tag: "models" },
    summary: "The onboarding document as it was given, or with where it comes from",
    params: OfModel,
    query: ShowQuery,
    answers: { 200: entry({}) },
  },
  {
    ...{ method: "PUT", path: "/api/v1/models/:model", access: "act", tag: "models" },
    summary: "Put a document in force",
    params: OfModel,
    query: By,
    body: OnboardingDocument,
    answers: { 200: Stored, 201: Stored },
  },
  {
    ...{ method: "DELETE", path: "/api/v1/models/:model", access: "act", tag: "models" },
    summary: "Stop watching a model; its data stays",
    params: OfModel,
    query: By,
    answers: { 200: entry({ model: text, status: z.literal("retired"), revision: z.int() }) },
  },
  {
    ...{ method: "GET", path: "/api/v1/models/:model/proposal", access: "read", tag: "models" },
    summary: "A document proposed from the traffic seen, with why",
    params: OfModel,
    answers: {
      200: entry({
        model: text,
        seen: Seen,
        document: entry({}),
        notes: z.array(entry({ path: z.array(text), text })),
      }),
    },
  },
  {
    ...{ method: "POST", path: "/api/v1/models/:model/preview", access: "read", tag: "models" },
    summary: "What a document would do: nothing is stored",
    params: OfModel,
    query: PreviewQuery,
    body: OnboardingDocument,
    answers: { 200: Preview },
  },
  {
    ...{ method: "GET", path: "/api/v1/models/:model/references", access: "read", tag: "models" },
    summary: "What windows were and are compared with, newest first",
    params: OfModel,
    answers: { 200: entry({ references: z.array(Reference) }) },
  },
  {
    ...{ method: "POST", path: "/api/v1/models/:model/references", access: "act", tag: "models" },
    summary: "Compare with a span of the traffic, or with a file, from now on",
    params: OfModel,
    body: ReferenceBody,
    answers: { 201: entry({ model: text, reference: text, rows: z.int(), learnt: z.boolean() }) },
  },
];

const analysis: readonly DescribedRoute[] = [
  {
    ...{ method: "GET", path: "/api/v1/labels", access: "read", tag: "analysis" },
    summary: "Labels: what was pulled last, and how far absence was seen to",
    answers: { 200: LabelsView },
  },
  {
    ...{ method: "GET", path: "/api/v1/models/:model/drift", access: "read", tag: "analysis" },
    summary: "Drift of a span against the reference, computed now",
    params: OfModel,
    query: DriftQuery,
    answers: { 200: DriftView },
  },
  {
    ...{ method: "GET", path: "/api/v1/models/:model/performance", access: "read" },
    tag: "analysis",
    summary:
      "Performance by window: realised with interval and label coverage, estimated with band",
    params: OfModel,
    query: PerformanceQuery,
    answers: { 200: PerformanceView },
  },
  {
    ...{ method: "GET", path: "/api/v1/models/:model/quality", access: "read", tag: "analysis" },
    summary: "Missing values, declared ranges, new categories",
    params: OfModel,
    query: SpanQuery,
    answers: { 200: QualityView },
  },
  {
    ...{ method: "GET", path: "/api/v1/models/:model/operations", access: "read" },
    tag: "analysis",
    summary: "Rate, errors and latency of the model's service",
    params: OfModel,
    query: SpanQuery,
    answers: { 200: OperationsView },
  },
  {
    ...{ method: "GET", path: "/api/v1/models/:model/windows/:window", access: "read" },
    tag: "analysis",
    summary: "Everything needed to compute a window's verdicts again",
    params: OfWindow,
    answers: { 200: entry({ model: text, window: text, from: at, to: at }) },
  },
];

const alerts: readonly DescribedRoute[] = [
  {
    ...{ method: "GET", path: "/api/v1/alerts", access: "read", tag: "alerts" },
    summary: "Alerts, newest first",
    query: ListQuery,
    answers: { 200: entry({ alerts: z.array(entry(AlertView.shape)), total: z.int() }) },
  },
  {
    ...{ method: "GET", path: "/api/v1/alerts/:id", access: "read", tag: "alerts" },
    summary: "The whole explanation of an alert",
    params: OfAlert,
    answers: { 200: entry(AlertDetail.shape) },
  },
  {
    ...{ method: "GET", path: "/api/v1/alerts/:id/rows", access: "read", tag: "alerts" },
    summary: "Predictions behind an alert",
    params: OfAlert,
    query: RowsQuery,
    answers: { 200: AlertRowsView },
  },
  {
    ...{ method: "POST", path: "/api/v1/models/:model/alerts/test", access: "act", tag: "alerts" },
    summary: "Send a test through every channel of the model",
    params: OfModel,
    answers: { 200: entry(AlertTest.shape) },
  },
  {
    ...{ method: "POST", path: "/api/v1/alerts/:id/acknowledge", access: "act", tag: "alerts" },
    summary: "Say that somebody looks after it",
    params: OfAlert,
    body: Acknowledge,
    bodyOptional: true,
    answers: { 200: entry(AlertView.shape) },
  },
  {
    ...{ method: "POST", path: "/api/v1/alerts/:id/silence", access: "act", tag: "alerts" },
    summary: "Mute it for a while of wall time",
    params: OfAlert,
    body: Silence,
    answers: { 200: entry(AlertView.shape) },
  },
  {
    ...{ method: "POST", path: "/api/v1/changes", access: "act", tag: "alerts" },
    summary: "Note a change made elsewhere, to stand beside the curves",
    body: Change,
    answers: { 201: entry({ id: text, model: text, time: at, kind: text, title: text }) },
  },
  {
    ...{ method: "GET", path: "/api/v1/changes", access: "read", tag: "alerts" },
    summary: "Changes made elsewhere, newest first",
    query: ChangesQuery,
    answers: { 200: ChangesView },
  },
  {
    ...{ method: "GET", path: "/api/v1/quarantine", access: "read", tag: "alerts" },
    summary: "Rows that are kept out of data sets",
    query: QuarantineQuery,
    answers: { 200: entry({ quarantine: z.array(Quarantine) }) },
  },
  {
    ...{ method: "POST", path: "/api/v1/quarantine/:id/release", access: "act", tag: "alerts" },
    summary: "Let them in again",
    params: OfEntry,
    answers: { 200: Quarantine },
  },
];

export const analyzerRoutes: readonly DescribedRoute[] = [...models, ...analysis, ...alerts];
