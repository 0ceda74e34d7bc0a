/**
 * Realised performance of closed windows from outcomes: days with intervals clustered by hour, weeks and
 * fortnights by day, per version and declared segment, each with its label coverage. Days whose labels
 * came late are issued again here, weeks and fortnights by late-labels.ts.
 */
import {
  DAY_MS,
  type Window,
  type WindowGrain,
  startOfDay,
  startOfWeek,
  windowEndingAt,
} from "../../contract/window.ts";
import { trafficDays } from "../../store/queries/model-traffic.ts";
import {
  type OutcomeSums,
  censoredDays,
  outcomeCounts,
  outcomeSumsByDay,
  outcomeSumsByHour,
  outcomeSumsOfSpan,
  scoreShift,
} from "../../store/queries/outcome-sums.ts";
import {
  type ValueSums,
  valueSumsByDay,
  valueSumsByHour,
  valueSumsOfSpan,
} from "../../store/queries/value-sums.ts";
import type { Evaluation, StageDeps } from "../evaluation.ts";
import { END_MS, type Quarantined, lateDays } from "../memory.ts";
import { type BlockSums, windowMetrics } from "../performance/metrics.ts";
import { regressionMetrics } from "../performance/regression-metrics.ts";
import {
  type PerformanceOf,
  performanceRows,
  realisedFigures,
  storePerformance,
} from "../results/store-performance.ts";

/** Is performance of this kind of task computed from outcomes of scores? */
export const hasScores = (evaluation: Evaluation): boolean =>
  evaluation.context.document.task.type === "binary";

/** Has the kind of task metrics at all? */
export const isMeasured = (evaluation: Evaluation): boolean =>
  hasScores(evaluation) || evaluation.context.document.task.type === "regression";

/** Of scores, or of values where the task is a regression. */
type Sums = OutcomeSums | ValueSums;
const isOfScores = (sums: Sums): sums is OutcomeSums => "log_loss" in sums;

/** How far back a day looks for labels that came late; a week's end looks back `lateDays`. */
const DAILY_LATE_DAYS = 10;

/**
 * Days whose outcomes changed since they were last looked at.
 * @returns starts of these days, oldest first
 */
export async function evaluateChangedDays(
  evaluation: Evaluation,
  throughMs: number,
  deps: StageDeps,
): Promise<readonly number[]> {
  if (!isMeasured(evaluation)) return [];
  const { model } = evaluation.context;
  const { labels } = evaluation.context.document;
  const lookBack = startOfWeek(throughMs) === throughMs ? lateDays(labels) : DAILY_LATE_DAYS;
  const counts = await deps.store.query(outcomeCounts, {
    model,
    fromMs: throughMs - lookBack * DAY_MS,
    toMs: throughMs,
    knownMs: throughMs,
  });
  const seen = evaluation.memory.dayOutcomes;
  const changed = counts
    .filter(({ day, fingerprint }) => seen[String(day)] !== fingerprint)
    .map(({ day }) => day);
  const first = changed[0];
  const last = changed.at(-1);
  if (first === undefined || last === undefined) return [];
  const span = { fromMs: first, toMs: last + DAY_MS, knownMs: throughMs };
  const predictions = await predictionsBy(model, span, deps);
  const [byDay, byHour] = await Promise.all([
    readSums(evaluation, "day", span, predictions, deps),
    readHours(evaluation, span, deps),
  ]);
  const rows = changed.flatMap((dayMs) => {
    const window = windowEndingAt("day", dayMs + DAY_MS);
    const own = byDay.filter(({ block }) => block === dayMs);
    const hours = byHour.filter(({ block }) => startOfDay(block) === dayMs);
    return performanceRows(model, window, dayResults(own, hours, window, predictions));
  });
  await storePerformance(rows, throughMs, deps);
  evaluation.memory = {
    ...evaluation.memory,
    dayOutcomes: {
      ...seen,
      ...Object.fromEntries(counts.map(({ day, fingerprint }) => [String(day), fingerprint])),
    },
  };
  return changed;
}

export interface SpanPerformance {
  /** Figures of all rows; null without labels. */
  readonly figures: PerformanceOf | null;
  /** Sums by day of the span: all rows, versions and segments; none of a regression. */
  readonly days: readonly OutcomeSums[];
}

/**
 * Weeks and fortnights that end at one moment.
 * @param windows all ending at the same time; the longest is read
 * @param atMs model time of the evaluation: labels known then count, and it is the revision
 * @returns by grain
 */
export async function evaluateSpans(
  evaluation: Evaluation,
  windows: readonly Window[],
  atMs: number,
  deps: StageDeps,
): Promise<ReadonlyMap<WindowGrain, SpanPerformance>> {
  const performances = new Map<WindowGrain, SpanPerformance>();
  const fromMs = Math.min(...windows.map((window) => window.fromMs));
  const toMs = Math.max(...windows.map((window) => window.toMs));
  if (!isMeasured(evaluation)) return performances;
  const { model } = evaluation.context;
  const all = { fromMs, toMs, knownMs: atMs };
  const predictions = await predictionsBy(model, all, deps);
  const [days, ...wholes] = await Promise.all([
    readSums(evaluation, "day", all, predictions, deps),
    ...windows.map((window) => {
      const span = { fromMs: window.fromMs, toMs: window.toMs, knownMs: atMs };
      return readSums(evaluation, "span", span, predictions, deps);
    }),
  ]);
  const rows = [];
  for (const [i, window] of windows.entries()) {
    const whole = wholes[i] ?? [];
    const own = days.filter(({ block }) => block >= window.fromMs);
    const results = whole.map((sums) => {
      const blocks = own.filter((block) => isSame(block, sums));
      return realised(sums, blocks, window, predictions);
    });
    rows.push(...performanceRows(model, window, results));
    const figures = results.find(({ tag, version }) => tag === "" && version === "") ?? null;
    performances.set(window.grain, { figures, days: own.filter(isOfScores) });
  }
  await storePerformance(rows, atMs, deps);
  return performances;
}

/**
 * Sums by day of all rows less those of quarantined segment values: what alerts judge. A day that is
 * quarantined whole has none.
 */
export function soundDays(
  days: readonly OutcomeSums[],
  quarantined: readonly Quarantined[],
): readonly BlockSums[] {
  const isOut = (sums: OutcomeSums): boolean =>
    quarantined.some(
      ({ tag, values, fromMs, toMs }) =>
        sums.block >= fromMs &&
        sums.block < (toMs ?? END_MS) &&
        (tag === "" || (sums.segment_tag === tag && values.includes(sums.segment_value))),
    );
  const all = days.filter(({ version, segment_tag: tag }) => version === "" && tag === "");
  const out = days.filter(({ segment_tag: tag }) => tag !== "").filter(isOut);
  return all
    .filter((sums) => !isOut(sums))
    .map((sums) =>
      out
        .filter(({ block }) => block === sums.block)
        .map(blockSums)
        .reduce(withoutBlock, blockSums(sums)),
    )
    .filter(({ n }) => n > 0);
}

const withoutBlock = (from: BlockSums, out: BlockSums): BlockSums => ({
  fromMs: from.fromMs,
  n: from.n - out.n,
  logLoss: from.logLoss - out.logLoss,
  brier: from.brier - out.brier,
  score: from.score - out.score,
  positives: from.positives - out.positives,
  correct: from.correct - out.correct,
  auc: Number.NaN,
});

interface KnownSpan {
  readonly fromMs: number;
  readonly toMs: number;
  readonly knownMs: number;
}

function params(evaluation: Evaluation, span: KnownSpan) {
  const { model, document } = evaluation.context;
  const { positive = "1", threshold } = document.task;
  const [tag1 = "", tag2 = ""] = document.segments;
  return { model, ...span, positive, threshold, tag1, tag2 };
}

async function readSums(
  evaluation: Evaluation,
  block: "day" | "span",
  span: KnownSpan,
  predictions: Predictions,
  deps: StageDeps,
): Promise<readonly Sums[]> {
  const { positive, threshold, ...ofRows } = params(evaluation, span);
  if (!hasScores(evaluation)) {
    return deps.store.query(block === "day" ? valueSumsByDay : valueSumsOfSpan, ofRows);
  }
  const { answered } = predictionsIn(span, predictions, { tag: "", value: "", version: "" });
  const query = block === "day" ? outcomeSumsByDay : outcomeSumsOfSpan;
  return deps.store.query(query, {
    ...ofRows,
    positive,
    threshold,
    scoreShift: scoreShift(answered),
  });
}

/** Blocks for the interval of a day, of all rows and of versions. */
async function readHours(
  evaluation: Evaluation,
  span: KnownSpan,
  deps: StageDeps,
): Promise<readonly Sums[]> {
  const { tag1: _1, tag2: _2, positive, threshold, ...ofRows } = params(evaluation, span);
  return hasScores(evaluation)
    ? deps.store.query(outcomeSumsByHour, { ...ofRows, positive, threshold })
    : deps.store.query(valueSumsByHour, { ...ofRows, tag1: "", tag2: "" });
}

interface Rows {
  readonly tag: string;
  readonly value: string;
  readonly version: string;
}

function predictionsIn(
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  predictions: Predictions,
  rows: Rows,
): Answered {
  let answered = 0;
  let censored = 0;
  for (let day = fromMs; day < toMs; day += DAY_MS) {
    const own = predictions(day, rows);
    answered += own.answered;
    censored += own.censored;
  }
  return { answered, censored };
}

/** Predictions that were answered, and of these the ones whose outcome is never seen. */
interface Answered {
  readonly answered: number;
  readonly censored: number;
}
type Predictions = (dayMs: number, rows: Rows) => Answered;

/** By day, segment and version ("" for all). */
async function predictionsBy(
  model: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  deps: StageDeps,
): Promise<Predictions> {
  const counts = new Map<string, Answered>();
  const add = (row: DayRows, answered: number, censored: number): void => {
    for (const version of ["", row.version]) {
      const key = [row.day, row.segment_tag, row.segment_value, version].join("\u0000");
      const before = counts.get(key) ?? NOBODY;
      counts.set(key, {
        answered: before.answered + answered,
        censored: before.censored + censored,
      });
    }
  };
  const span = { model, fromMs, toMs };
  for (const row of await deps.store.query(trafficDays, span)) add(row, row.n - row.errors, 0);
  for (const row of await deps.store.query(censoredDays, span)) add(row, 0, row.n);
  return (dayMs, { tag, value, version }) =>
    counts.get([dayMs, tag, value, version].join("\u0000")) ?? NOBODY;
}

const NOBODY: Answered = { answered: 0, censored: 0 };

interface DayRows {
  readonly day: number;
  readonly version: string;
  readonly segment_tag: string;
  readonly segment_value: string;
}

function dayResults(
  own: readonly Sums[],
  hours: readonly Sums[],
  window: Window,
  predictions: Predictions,
): readonly PerformanceOf[] {
  return own.map((sums) => {
    // Only all rows are read by hour; segments of a day have no interval.
    const blocks = hours.filter((hour) => isSame(hour, sums));
    return realised(sums, blocks.length > 0 ? blocks : [sums], window, predictions);
  });
}

const isSame = (a: Sums, b: Sums): boolean =>
  a.version === b.version && a.segment_tag === b.segment_tag && a.segment_value === b.segment_value;

function realised(
  sums: Sums,
  blocks: readonly Sums[],
  window: Window,
  predictions: Predictions,
): PerformanceOf {
  const { segment_tag: tag, segment_value: value, version } = sums;
  const asked = predictionsIn(window, predictions, { tag, value, version });
  const measured = isOfScores(sums) ? measureScores(sums, blocks) : measureValues(sums, blocks);
  const { answered, censored } = asked;
  const coverage = answered === censored ? Number.NaN : measured.labelled / (answered - censored);
  return {
    kind: "realised",
    ...{ tag, value, version, predictions: answered, censored },
    ...measured,
    figures: {
      ...measured.figures,
      coverage: { value: coverage, lower: Number.NaN, upper: Number.NaN },
    },
  };
}

type Measured = Pick<PerformanceOf, "figures" | "labelled" | "blocks" | "detail">;

function measureScores(sums: OutcomeSums, blocks: readonly Sums[]): Measured {
  const metrics = windowMetrics(blocks.filter(isOfScores).map(blockSums), sums.auc);
  const { n, log_loss, brier, score, positives, correct } = sums;
  return {
    ...{ labelled: metrics.labelled, blocks: metrics.blocks },
    figures: realisedFigures(metrics),
    detail: { n, log_loss, brier, score, positives, correct },
  };
}

function measureValues(sums: ValueSums, blocks: readonly Sums[]): Measured {
  const values = blocks.flatMap((block) =>
    isOfScores(block) ? [] : [{ ...block, actualSquared: block.actual_squared }],
  );
  const { labelled, blocks: filled, ...figures } = regressionMetrics(values);
  const { n, error, absolute, squared, actual, actual_squared } = sums;
  return {
    ...{ labelled, blocks: filled, figures },
    detail: { n, error, absolute, squared, actual, actual_squared },
  };
}

function blockSums(sums: OutcomeSums): BlockSums {
  return {
    fromMs: sums.block,
    n: sums.n,
    logLoss: sums.log_loss,
    brier: sums.brier,
    score: sums.score,
    positives: sums.positives,
    correct: sums.correct,
    auc: sums.auc,
  };
}
