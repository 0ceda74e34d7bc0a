/**
 * A model's time line: what its windows' figures are on one axis of time, realised and estimated side by
 * side, with the stretches whose labels are too few to mean anything.
 */
import type { MetricView, PerformanceView, PerformanceWindow } from "../../contract/views.ts";
import { COVERAGE_MIN } from "../../contract/label-coverage.ts";

export interface Point {
  readonly window: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly value: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
  readonly predictions: number;
  readonly labelled: number;
  readonly censored: number;
  /** Enough of the window's labels are there. */
  readonly mature: boolean;
}

export interface Panel {
  readonly id: "skill" | "calibration" | "log_loss";
  readonly title: string;
  readonly hint: string;
  readonly realised: readonly Point[];
  readonly estimated: readonly Point[];
  /** A value that means something, drawn as a line: no skill, no bias. */
  readonly level: { readonly value: number; readonly text: string } | null;
}

export function panelsOf(performance: PerformanceView): readonly Panel[] {
  const realised = performance.realised.filter(
    ({ version, segment }) => version === null && segment === null,
  );
  const estimated = mergeVersions(performance.estimated.filter(({ segment }) => segment === null));
  const line = (metric: string): readonly Point[] =>
    realised.map((window) => pointOf(window, window.metrics[metric]));
  return [
    {
      id: "skill",
      title: "Skill",
      hint: "1 − log-loss / entropy of the window's own base rate: 0 is no better than always saying the base rate",
      realised: line("skill"),
      estimated: estimated.map((window) => pointOf(window, estimatedSkill(window))),
      level: { value: 0, text: "no better than the base rate" },
    },
    {
      id: "calibration",
      title: "Calibration in the large",
      hint: "Mean prediction less share of positives: above 0 the model promises too much",
      realised: line("calibration"),
      estimated: [],
      level: { value: 0, text: "predictions are right on average" },
    },
    {
      id: "log_loss",
      title: "Log-loss",
      hint: "Mean negative logarithm of the probability that was given to what happened: less is better",
      realised: line("log_loss"),
      estimated: estimated.map((window) => pointOf(window, window.metrics["log_loss"])),
      level: null,
    },
  ];
}

function pointOf(window: PerformanceWindow, metric: MetricView | undefined): Point {
  return {
    window: window.window,
    fromMs: Date.parse(window.from),
    toMs: Date.parse(window.to),
    value: metric?.value ?? null,
    lower: metric?.lower ?? null,
    upper: metric?.upper ?? null,
    predictions: window.predictions,
    labelled: window.labelled,
    censored: window.censored,
    mature: (window.labelCoverage ?? 0) >= COVERAGE_MIN,
  };
}

/** Estimates are made per version; a window's is their mean by predictions. */
function mergeVersions(windows: readonly PerformanceWindow[]): readonly PerformanceWindow[] {
  return [...Map.groupBy(windows, ({ window }) => window).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const predictions = group.reduce((sum, window) => sum + window.predictions, 0);
    const names = Object.keys(first.metrics);
    const metrics = Object.fromEntries(names.map((name) => [name, meanOf(group, name)]));
    return [{ ...first, version: null, predictions, labelCoverage: 1, metrics }];
  });
}

function meanOf(group: readonly PerformanceWindow[], name: string): MetricView {
  const mean = (end: keyof MetricView): number | null => {
    let sum = 0;
    let rows = 0;
    for (const { metrics, predictions } of group) {
      const value = metrics[name]?.[end];
      if (value == null) return null;
      sum += value * predictions;
      rows += predictions;
    }
    return rows === 0 ? null : sum / rows;
  };
  return { value: mean("value"), lower: mean("lower"), upper: mean("upper") };
}

/** The skill that the estimated log-loss would be, at the base rate that the scores expect. */
function estimatedSkill({ metrics }: PerformanceWindow): MetricView | undefined {
  const loss = metrics["log_loss"];
  const share = metrics["positive_share"]?.value;
  if (loss === undefined || share == null || share <= 0 || share >= 1) return undefined;
  const entropy = -(share * Math.log(share) + (1 - share) * Math.log(1 - share));
  const skill = (value: number | null): number | null =>
    value === null ? null : 1 - value / entropy;
  return { value: skill(loss.value), lower: skill(loss.upper), upper: skill(loss.lower) };
}

/** Stretches whose labels are immature, joined where they touch. */
export function immatureSpans(
  points: readonly Point[],
): readonly { readonly fromMs: number; readonly toMs: number }[] {
  const spans: { fromMs: number; toMs: number }[] = [];
  for (const { mature, fromMs, toMs } of points) {
    if (mature) continue;
    const last = spans.at(-1);
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
    else spans.push({ fromMs, toMs });
  }
  return spans;
}

export const middleOf = ({ fromMs, toMs }: Pick<Point, "fromMs" | "toMs">): number =>
  (fromMs + toMs) / 2;

export interface PanelData {
  /** Middles of the windows in seconds, ascending. */
  readonly times: readonly number[];
  /** The windows at those times. */
  readonly at: readonly { readonly realised: Point | null; readonly estimated: Point | null }[];
  /** Lines in the order of drawing: estimated lower, upper, value; realised lower, upper, mature, immature. */
  readonly columns: readonly (readonly (number | null)[])[];
}

/** A panel's points as columns over one axis of time. */
export function panelData(panel: Panel): PanelData {
  const byTime = new Map<number, { realised: Point | null; estimated: Point | null }>();
  const entry = (point: Point) => {
    const time = middleOf(point) / 1000;
    const found = byTime.get(time) ?? { realised: null, estimated: null };
    byTime.set(time, found);
    return found;
  };
  for (const point of panel.realised) entry(point).realised = point;
  for (const point of panel.estimated) entry(point).estimated = point;
  const times = [...byTime.keys()].sort((a, b) => a - b);
  const at = times.map((time) => byTime.get(time) ?? { realised: null, estimated: null });
  const estimated = (end: "lower" | "upper" | "value") => at.map((w) => w.estimated?.[end] ?? null);
  const realised = (end: "lower" | "upper") => at.map((w) => w.realised?.[end] ?? null);
  const mature = at.map(({ realised: w }) => (w?.mature === true ? w.value : null));
  // An immature stretch begins and ends at its mature neighbours, so that the line does not break.
  const immature = at.map(({ realised: w }, i) => {
    const near = [at[i - 1]?.realised, at[i + 1]?.realised].some((n) => n?.mature === false);
    return w != null && (!w.mature || near) ? w.value : null;
  });
  return {
    times,
    at,
    columns: [
      estimated("lower"),
      estimated("upper"),
      estimated("value"),
      realised("lower"),
      realised("upper"),
      mature,
      immature,
    ],
  };
}
