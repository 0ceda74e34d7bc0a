/** Answers of the API as small as a test needs them, whole by their schemas. */
import { AlertView } from "../../contract/alert.ts";
import {
  DriftView,
  ModelView,
  PerformanceView,
  PerformanceWindow,
  RunDetailView,
} from "../../contract/views.ts";
import { OperationsView } from "../../contract/operations-view.ts";
import type { z } from "zod";

const DAY_MS = 86_400_000;

export const model = (over: Partial<ModelView>): ModelView =>
  ModelView.parse({
    ...{
      model: "m",
      status: "active",
      file: null,
      state: "ok",
      alerts: [],
      traffic: null,
      trafficHours: null,
    },
    ...{
      skill: null,
      logLoss: null,
      labelCoverage: null,
      figures: {},
      skillWeeks: [],
      drift: null,
    },
    ...{ lastChange: null, analyzed: null, watched: null, clock: "wall", revision: 1 },
    ...over,
  });

/** A week that begins on a day. */
export const window = (day: string, over: Partial<PerformanceWindow>): PerformanceWindow =>
  PerformanceWindow.parse({
    window: `week-${day}`,
    grain: "week",
    from: new Date(`${day}T00:00:00Z`).toISOString(),
    to: new Date(Date.parse(`${day}T00:00:00Z`) + 7 * DAY_MS).toISOString(),
    ...{
      version: null,
      segment: null,
      predictions: 100,
      labelled: 99,
      censored: 0,
      labelCoverage: 0.99,
      blocks: 7,
    },
    evaluated: `${day}T00:00:00.000Z`,
    revision: 1,
    replaces: null,
    metrics: { skill: { value: 0.08, lower: 0.05, upper: 0.11 } },
    ...over,
  });

export const performance = (realised: readonly PerformanceWindow[]): PerformanceView =>
  PerformanceView.parse({
    ...{ model: "m", from: "2026-08-03T00:00:00.000Z", to: "2026-08-24T00:00:00.000Z" },
    ...{ realised, estimated: [] },
  });

export const alert = (over: Partial<AlertView>): AlertView =>
  AlertView.parse({
    ...{ id: "a", model: "m", kind: "error-share", severity: "page", state: "firing", subject: "" },
    ...{ cause: "unknown", from: "2026-08-13T16:00:00.000Z", to: null },
    ...{
      fired: "2026-08-13T16:35:00.000Z",
      title: "3 % of the requests fail",
      text: "",
      revision: 1,
    },
    ...{ acknowledged: null, silenced: null },
    ...over,
  });

export const run = (over: Partial<z.input<typeof RunDetailView>>): RunDetailView =>
  RunDetailView.parse({
    ...{ id: "run-1", model: "m", at: "2026-08-17T00:00:00.000Z", trigger: "probe every 7 d" },
    ...{ decision: "RETRAIN", mode: "auto", status: "decided", champion: "1", version: null },
    ...{
      verdict: null,
      reason: null,
      code: null,
      promoted: false,
      promotedAt: null,
      endedAt: null,
    },
    ...{
      checkId: null,
      startedWall: "2026-11-28T13:00:00.000Z",
      updatedWall: "2026-11-28T13:00:00.000Z",
    },
    plan: { choice: "all", trainToMs: 0, knownMs: 0, blockFromMs: 0, blockToMs: 0 },
    steps: [
      { share: 0.1, lastsMs: DAY_MS },
      { share: 1, lastsMs: 0 },
    ],
    ...{ judgement: null, dataset: null, canary: null, events: [] },
    ...over,
  });

export const drifting = (
  features: readonly {
    readonly feature: string;
    readonly effect: number;
    readonly verdict?: "drift" | "no_drift";
    readonly segment?: { readonly tag: string; readonly value: string };
  }[],
): DriftView =>
  DriftView.parse({
    ...{ model: "m", from: "2026-08-03T00:00:00.000Z", to: "2026-08-10T00:00:00.000Z" },
    ...{ version: null, segment: null, rows: 100, errors: 0, drifted: 0 },
    reference: { name: "training_set/1", source: "x", rows: 1_000 },
    computed: { tier: "days", from: "2026-08-03T00:00:00.000Z", to: "2026-08-10T00:00:00.000Z" },
    features: features.map(({ feature, effect, verdict = "no_drift", segment = null }) => ({
      ...{ feature, segment, verdict, reason: "no_evidence", pValue: 0.5, alpha: 0.001 },
      ...{ psi: effect, jensenShannon: 0, ks: 0, wasserstein: null },
      effect: { psi: effect, jensenShannon: 0, wasserstein: null },
      threshold: { floors: { psi: 0.1, jensenShannon: 0.134, wasserstein: 0.1 } },
      rows: { reference: 1_000, current: 100 },
      rowsEffective: { reference: 900, current: 90 },
      ...{ designEffect: 1.1, smallestDetectableShift: 0.04 },
    })),
  });

/** Four minutes of two versions. */
export const operations = (): OperationsView => {
  const bucket = (minute: number, predictions: number, errors: number, latencySeconds: number) => ({
    at: `2026-08-13T16:0${minute}:00.000Z`,
    ...{ predictions, errors, latencySeconds },
  });
  return OperationsView.parse({
    ...{ model: "m", from: "2026-08-13T16:00:00.000Z", to: "2026-08-13T16:04:00.000Z" },
    ...{
      predictions: 100,
      kept: 100,
      errors: 3,
      errorShare: 0.03,
      perSecond: 0.4,
      latencySeconds: null,
    },
    ...{ bucketSeconds: 60, buckets: [], errorTypes: [], anomalies: [] },
    ...{ source: "records", server: null, resources: [] },
    versions: [
      {
        ...{ version: "1", predictions: 90, errors: 3, latencySeconds: null },
        buckets: [bucket(0, 60, 3, 0.001), bucket(3, 30, 0, 0.001)],
      },
      {
        ...{ version: "2", predictions: 10, errors: 0, latencySeconds: null },
        buckets: [bucket(1, 10, 0, 0.002)],
      },
    ],
  });
};
