/**
 * Answers of the HTTP API as the page reads them (INTERFACES §3): what the services promise to send, checked
 * in their tests. Times are RFC 3339 in UTC; numbers that could not be computed are null. Alerts have their
 * own file, `alert.ts`.
 */
import { z } from "zod";
import { AlertKind, AlertSeverity } from "./alert.ts";
import {
  Check,
  DatasetRef,
  Decision,
  Gate,
  Judgement,
  LoopMode,
  RunStatus,
  Verdict,
} from "./run.ts";
import { WindowGrain } from "./window.ts";

const rfc3339 = z.iso.datetime();
const figure = z.number().nullable();

/** `GET /api/v1/access`: what the caller's token allows. */
export const AccessView = z.object({ access: z.enum(["act", "read"]) });
export type AccessView = z.infer<typeof AccessView>;

/** A metric with its 95 % interval. */
export const MetricView = z.object({ value: figure, lower: figure, upper: figure });
export type MetricView = z.infer<typeof MetricView>;

export const SegmentView = z.object({ tag: z.string(), value: z.string() });

/** The newest figure of a metric, with the window that it is of. */
export const NewestFigure = MetricView.extend({
  window: z.string(),
  from: rfc3339,
  to: rfc3339,
  predictions: z.int(),
  labelled: z.int(),
  /** Of the predictions those whose outcome is never seen. */
  censored: z.int(),
});
export type NewestFigure = z.infer<typeof NewestFigure>;

/** One model in `GET /api/v1/models`. */
export const ModelView = z.object({
  model: z.string(),
  status: z.enum(["active", "retired", "undocumented"]),
  /** Of the watched folder, whose document it is; null: somebody put it. */
  file: z.string().nullable(),
  state: z.enum(["page", "ticket", "info", "ok"]),
  alerts: z.array(
    z.object({ id: z.string(), kind: AlertKind, severity: AlertSeverity, title: z.string() }),
  ),
  /** Of its last day with requests. */
  traffic: z.object({ day: rfc3339, predictions: z.int(), errors: z.int() }).nullable(),
  /** Predictions of each hour of its last week, ending with its last hour. */
  trafficHours: z.object({ from: rfc3339, predictions: z.array(z.int()) }).nullable(),
  skill: figure,
  logLoss: figure,
  labelCoverage: figure,
  figures: z.record(z.string(), NewestFigure),
  /** Skill of its last weeks, oldest first. */
  skillWeeks: z.array(z.object({ to: rfc3339, value: figure })),
  drift: z.object({ drifted: z.int(), features: z.int(), to: rfc3339 }).nullable(),
  lastChange: z.object({ at: rfc3339, what: z.string() }).nullable(),
  /** Up to when its windows are evaluated, in its own time; null before the first one. */
  /** Days and weeks are judged through here. */
  analyzed: rfc3339.nullable(),
  /** Minutes are: the model's time now, as far as it is stored. */
  watched: rfc3339.nullable(),
  clock: z.enum(["wall", "replay"]),
  revision: z.int(),
});
export type ModelView = z.infer<typeof ModelView>;
export const ModelsView = z.object({ models: z.array(ModelView) });
export type ModelsView = z.infer<typeof ModelsView>;

/** One window, version and segment in `GET …/performance`. */
export const PerformanceWindow = z.object({
  window: z.string(),
  grain: WindowGrain,
  from: rfc3339,
  to: rfc3339,
  version: z.string().nullable(),
  segment: SegmentView.nullable(),
  predictions: z.int(),
  labelled: z.int(),
  /** Of its predictions those whose outcome is never seen; coverage leaves them out. */
  censored: z.int(),
  labelCoverage: figure,
  blocks: z.int(),
  evaluated: rfc3339,
  revision: z.int(),
  /** The revision that this one replaced, as late labels came; null: it is the first. */
  replaces: z.int().nullable(),
  metrics: z.record(z.string(), MetricView),
});
export type PerformanceWindow = z.infer<typeof PerformanceWindow>;
export const PerformanceView = z.object({
  model: z.string(),
  from: rfc3339,
  to: rfc3339,
  realised: z.array(PerformanceWindow),
  estimated: z.array(PerformanceWindow),
});
export type PerformanceView = z.infer<typeof PerformanceView>;

/** Reference and window on the same cells; the arrays of counts are parallel to `cells`. */
export const HistogramView = z.object({
  kind: z.enum(["numeric", "categorical"]),
  cells: z.array(
    z.object({
      label: z.string(),
      /** Borders of a numeric bin; null where it is open, and for what is no bin. */
      from: figure,
      to: figure,
    }),
  ),
  reference: z.array(z.number()),
  current: z.array(z.number()),
});
export type HistogramView = z.infer<typeof HistogramView>;

export const DriftFeature = z.object({
  feature: z.string(),
  segment: SegmentView.nullable(),
  verdict: z.enum(["drift", "no_drift", "insufficient_data"]),
  reason: z.string(),
  pValue: figure,
  alpha: z.number(),
  psi: figure,
  jensenShannon: figure,
  ks: figure,
  wasserstein: figure,
  effect: z.object({ psi: figure, jensenShannon: figure, wasserstein: figure }),
  threshold: z.object({
    floors: z.object({ psi: z.number(), jensenShannon: z.number(), wasserstein: z.number() }),
  }),
  rows: z.object({ reference: z.number(), current: z.number() }),
  rowsEffective: z.object({ reference: figure, current: figure }),
  designEffect: figure,
  smallestDetectableShift: figure,
  /** With `histograms`; null where another window would be needed. */
  histogram: HistogramView.nullish(),
});
export type DriftFeature = z.infer<typeof DriftFeature>;
export const DriftView = z.object({
  model: z.string(),
  from: rfc3339,
  to: rfc3339,
  version: z.string().nullable(),
  segment: SegmentView.nullable(),
  rows: z.int(),
  errors: z.int(),
  reference: z.object({ name: z.string(), source: z.string(), rows: z.int() }).nullable(),
  computed: z.object({ tier: z.string(), from: rfc3339, to: rfc3339 }),
  drifted: z.int(),
  features: z.array(DriftFeature),
});
export type DriftView = z.infer<typeof DriftView>;

export const QualityView = z.object({
  model: z.string(),
  from: rfc3339,
  to: rfc3339,
  features: z.array(
    z.object({
      feature: z.string(),
      kind: z.enum(["numeric", "categorical"]),
      rows: z.number(),
      missing: z.number(),
      checks: z.array(
        z.object({
          check: z.enum(["missing", "range", "new-categories"]),
          breach: z.boolean(),
          share: z.number(),
          usual: z.number(),
          rows: z.number(),
          pValue: z.number(),
        }),
      ),
    }),
  ),
});
export type QualityView = z.infer<typeof QualityView>;

export const ChangeView = z.object({
  id: z.string(),
  model: z.string(),
  time: rfc3339,
  kind: z.string(),
  title: z.string(),
  url: z.string(),
  by: z.string(),
});
export type ChangeView = z.infer<typeof ChangeView>;
export const ChangesView = z.object({ changes: z.array(ChangeView) });
export type ChangesView = z.infer<typeof ChangesView>;

/** One prediction as it was decoded. */
export const RowView = z.object({
  time: rfc3339,
  id: z.string(),
  version: z.string(),
  label: z.string(),
  score: figure,
  value: figure,
  latencySeconds: figure,
  error: z.string(),
  features: z.record(z.string(), z.union([z.number(), z.string()]).nullable()),
  tags: z.record(z.string(), z.string()),
});
export type RowView = z.infer<typeof RowView>;
/** `GET /api/v1/alerts/{id}/rows`: what a person looks at first. */
export const AlertRowsView = z.object({
  alert: z.string(),
  model: z.string(),
  title: z.string(),
  from: rfc3339,
  to: rfc3339,
  /** Which rows of the span, in words. */
  which: z.string(),
  rows: z.array(RowView),
});
export type AlertRowsView = z.infer<typeof AlertRowsView>;

export const RunView = z.object({
  id: z.string(),
  model: z.string(),
  at: rfc3339,
  trigger: z.string(),
  decision: Decision,
  mode: z.enum(["propose", "auto"]),
  status: RunStatus,
  champion: z.string(),
  version: z.string().nullable(),
  verdict: Verdict.nullable(),
  reason: z.string().nullable(),
  code: z.string().nullable(),
  promoted: z.boolean(),
  promotedAt: rfc3339.nullable(),
  endedAt: rfc3339.nullable(),
  checkId: z.string().nullable(),
  startedWall: rfc3339,
  updatedWall: rfc3339,
});
export type RunView = z.infer<typeof RunView>;
export const RunsView = z.object({ runs: z.array(RunView) });
export type RunsView = z.infer<typeof RunsView>;

export const RunDetailView = RunView.extend({
  plan: z.object({
    choice: z.string(),
    trainToMs: z.int(),
    knownMs: z.int(),
    blockFromMs: z.int(),
    blockToMs: z.int(),
  }),
  steps: z.array(z.object({ share: z.number(), lastsMs: z.number() })),
  judgement: Judgement.nullable(),
  dataset: DatasetRef.nullable(),
  canary: z.object({ step: z.int(), from: rfc3339, until: rfc3339 }).nullable(),
  events: z.array(z.looseObject({ at: rfc3339, kind: z.string() })),
});
export type RunDetailView = z.infer<typeof RunDetailView>;

export const ArmHourView = z.object({
  hour: rfc3339,
  requests: z.int(),
  errors: z.int(),
  missing: z.int(),
  /** Means; null where nothing is known. */
  latencySeconds: figure,
  loss: figure,
  labelled: z.int(),
});
export type ArmHourView = z.infer<typeof ArmHourView>;
/** `GET /api/v1/runs/{run}/canary`: every step of the roll-out with a share, both arms side by side. */
export const CanaryView = z.object({
  run: z.string(),
  champion: z.string(),
  challenger: z.string().nullable(),
  steps: z.array(
    z.object({
      step: z.int(),
      share: z.number(),
      from: rfc3339,
      until: rfc3339,
      verdict: Verdict,
      reason: z.string(),
      gates: z.array(Gate),
      arms: z.object({ champion: z.array(ArmHourView), challenger: z.array(ArmHourView) }),
    }),
  ),
});
export type CanaryView = z.infer<typeof CanaryView>;

export const VersionView = z.looseObject({
  model: z.string(),
  version: z.string(),
  origin: z.enum(["run", "recalibrated", "adopted"]),
  runId: z.string().nullable(),
  parentVersion: z.string().nullable(),
  status: z.string(),
  registered: rfc3339,
  promoted: rfc3339.nullable(),
  retired: rfc3339.nullable(),
});
export type VersionView = z.infer<typeof VersionView>;
export const VersionsView = z.object({
  champion: z.string().nullable(),
  versions: z.array(VersionView),
});
export type VersionsView = z.infer<typeof VersionsView>;

export const CheckView = Check.omit({ atMs: true, block: true }).extend({ at: rfc3339 });
export type CheckView = z.infer<typeof CheckView>;
export const ChecksView = z.object({ checks: z.array(CheckView) });
export type ChecksView = z.infer<typeof ChecksView>;

export const LoopView = z.object({
  model: z.string(),
  mode: LoopMode.nullable(),
  documentMode: z.string().nullable(),
  override: LoopMode.nullable(),
  until: rfc3339.nullable(),
  at: rfc3339,
});
export type LoopView = z.infer<typeof LoopView>;

/** A problem document of RFC 9457. */
export const ProblemView = z.object({
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  next: z.string().nullable(),
});
export type ProblemView = z.infer<typeof ProblemView>;
