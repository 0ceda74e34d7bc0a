/**
 * What is judged when an ISO week has closed: drift, the week's and the fortnight's performance, the
 * estimate without labels, calibration, declared thresholds, and whether labels still come.
 */
import { immatureLabels } from "../../contract/label-coverage.ts";
import { isBeyond, parseThreshold } from "../../contract/threshold.ts";
import { WEEK_MS, type Window, windowEndingAt, windowName } from "../../contract/window.ts";
import { trafficDays } from "../../store/queries/model-traffic.ts";
import { outcomeCounts } from "../../store/queries/outcome-sums.ts";
import type { Evaluation, StageDeps } from "../evaluation.ts";
import type { PerformanceOf } from "../results/store-performance.ts";
import { judgeCalibration } from "../rules/calibration.ts";
import { type LabelledWeek, judgeLabels } from "../rules/no-labels.ts";
import { baselineOf } from "./baseline.ts";
import { evaluateDrift } from "./drift.ts";
import { evaluateEstimates } from "./estimated.ts";
import {
  type SpanPerformance,
  evaluateSpans,
  hasScores,
  isMeasured,
  soundDays,
} from "./performance.ts";

const LABEL_WEEKS_BEFORE = 8;
const NO_LABELS: SpanPerformance = { figures: null, days: [] };

export async function evaluateWeek(
  evaluation: Evaluation,
  week: Window,
  deps: StageDeps,
): Promise<void> {
  const { reference } = evaluation.context;
  const atMs = week.toMs;
  if (reference !== null) await evaluateDrift(evaluation, reference, week, atMs, deps);
  const spans = [week, windowEndingAt("fortnight", atMs)];
  const performances = await evaluateSpans(evaluation, spans, atMs, deps);
  await evaluateEstimates(evaluation, week, atMs, deps);
  if (hasScores(evaluation)) {
    evaluateCalibration(evaluation, week, performances.get("fortnight") ?? NO_LABELS);
  }
  if (isMeasured(evaluation)) {
    const figures = performances.get("week")?.figures ?? null;
    await evaluateThresholds(evaluation, week, figures, deps);
  }
  await evaluateLabels(evaluation, week, deps);
}

function evaluateCalibration(
  evaluation: Evaluation,
  week: Window,
  fortnight: SpanPerformance,
): void {
  const days = soundDays(fortnight.days, evaluation.memory.quarantined);
  const verdict = judgeCalibration(days, fortnight.figures ?? { predictions: 0, labelled: 0 });
  // Where nobody named the positive label and "1" never came, the labels have other words for it.
  const isKnown =
    evaluation.context.document.task.positive !== undefined ||
    days.some(({ positives }) => positives > 0);
  const { gap, lower, upper, t, tMin, rows, coverage, reason } = verdict;
  evaluation.observe(
    {
      kind: "calibration",
      subject: "",
      severity: "ticket",
      cause: "world",
      title: `Predictions are ${gap >= 0 ? "too high" : "too low"} by ${Math.abs(gap).toFixed(3)}`,
      text: reason,
      cost: `${Math.round(Math.abs(gap) * rows)} outcomes of ${rows} were expected that did not come, or came unexpected`,
      causeText:
        "the world or the model: what is predicted and what happens differ while the inputs may be the same",
      where: "all rows that are not quarantined",
      certainty: `t = ${t.toFixed(2)} with ${days.length - 1} degrees of freedom, clustered by day; |t| ≥ ${tMin} is asked for`,
      loop: "the next check looks whether a refit would be better; an alert starts no run by itself",
      numbers: { gap, lower, upper, t, tMin, rows, coverage, days: days.length },
      finding: null,
      windows: [windowName(windowEndingAt("fortnight", week.toMs))],
    },
    { breach: verdict.breach && isKnown, fromMs: week.fromMs, toMs: week.toMs },
    week.toMs,
  );
}

async function evaluateThresholds(
  evaluation: Evaluation,
  week: Window,
  performance: PerformanceOf | null,
  deps: StageDeps,
): Promise<void> {
  for (const trigger of evaluation.context.document.retrain.when) {
    const text = "threshold" in trigger ? trigger.threshold : null;
    const threshold = text === null ? null : parseThreshold(text);
    const figure = performance?.figures[threshold?.metric ?? ""];
    if (text === null || threshold === null || figure === undefined) continue;
    const baseline = threshold.ofBaseline
      ? await baselineOf(evaluation, week, threshold.metric, deps)
      : Number.NaN;
    const { value, lower, upper } = figure;
    const immature = immatureLabels(performance ?? { predictions: 0, labelled: 0 }, "the week");
    evaluation.observe(
      {
        kind: "performance",
        subject: text,
        severity: "ticket",
        cause: "model",
        title: `${threshold.metric} is ${value.toFixed(4)}: "${text}"`,
        text: `${threshold.metric} ${value.toFixed(4)} [${lower.toFixed(4)}, ${upper.toFixed(4)}] on ${performance?.labelled ?? 0} labels${threshold.ofBaseline ? `, baseline ${baseline.toFixed(4)}` : ""}`,
        cost: "answers are worse than the document allows",
        causeText: "the model or the world: realised labels say so",
        where: "all rows",
        certainty: "95 % interval clustered by day in brackets",
        loop: `the trigger "${text}" asks for a run when it holds for ${threshold.windows} windows`,
        numbers: { value, lower, upper, baseline: threshold.ofBaseline ? baseline : null },
        finding: null,
        windows: [windowName(week)],
      },
      {
        breach: immature === null && isBeyond(threshold, value, baseline),
        fromMs: week.fromMs,
        toMs: week.toMs,
      },
      week.toMs,
      { breachesToFire: threshold.windows, cleanToResolve: 1 },
    );
  }
}

async function evaluateLabels(
  evaluation: Evaluation,
  week: Window,
  deps: StageDeps,
): Promise<void> {
  const { model, document } = evaluation.context;
  // The newest whole week whose labels should be known by now.
  const due = Math.floor((week.toMs - document.labels.expected_within - week.toMs) / WEEK_MS);
  const endMs = week.toMs + due * WEEK_MS;
  const fromMs = endMs - (LABEL_WEEKS_BEFORE + 1) * WEEK_MS;
  const span = { model, fromMs, toMs: endMs };
  const traffic = await deps.store.query(trafficDays, span);
  const outcomes = await deps.store.query(outcomeCounts, { ...span, knownMs: week.toMs });
  const weeks: LabelledWeek[] = [];
  for (let from = endMs - WEEK_MS; from >= fromMs; from -= WEEK_MS) {
    const inside = ({ day }: { readonly day: number }): boolean =>
      day >= from && day < from + WEEK_MS;
    const rows = traffic.filter((row) => row.segment_tag === "" && inside(row));
    weeks.push({
      // Nobody waits for the labels of predictions whose outcome is never seen.
      predictions:
        rows.reduce((sum, { n, errors }) => sum + n - errors, 0) -
        outcomes.filter(inside).reduce((sum, { censored }) => sum + censored, 0),
      labelled: outcomes.filter(inside).reduce((sum, { n }) => sum + n, 0),
    });
  }
  const [newest, ...before] = weeks;
  if (newest === undefined) return;
  const verdict = judgeLabels(newest, before);
  const { coverage, usual, reason } = verdict;
  evaluation.observe(
    {
      kind: "no-labels",
      subject: "",
      severity: "ticket",
      cause: "unknown",
      title: "Labels stopped coming",
      text: reason,
      cost: "performance is unknown, and no run can be judged",
      causeText: "whoever sends the labels, or the ids by which they are joined",
      where: "all rows",
      certainty: `${newest.labelled} of ${newest.predictions} predictions have a label`,
      loop: "checks say WAIT while there are too few labels",
      numbers: { coverage, usual, predictions: newest.predictions, labelled: newest.labelled },
      finding: null,
      windows: [windowName(windowEndingAt("week", endMs))],
    },
    { breach: verdict.breach, fromMs: endMs - WEEK_MS, toMs: endMs },
    week.toMs,
  );
}
