/**
 * Realised performance of closed windows from outcomes: days with intervals clustered by hour, weeks and
 * fortnights by day, per version and declared segment, each with its label coverage. Days whose labels
 * came late are issued again.
 */
import { DAY_MS, type Window, windowEndingAt } from "../../contract/window.ts";
import { trafficDays } from "../../store/queries/model-traffic.ts";
import {
  type OutcomeSums,
  type OutcomeSumsParams,
  outcomeCounts,
  outcomeSumsByDay,
  outcomeSumsByHour,
  outcomeSumsOfSpan,
} from "../../store/queries/outcome-sums.ts";
import type { Evaluation, StageDeps } from "../evaluation.ts";
import { LATE_DAYS } from "../memory.ts";
import { type BlockSums, type WindowMetrics, windowMetrics } from "../performance/metrics.ts";
import {
  type PerformanceOf,
  performanceRows,
  realisedFigures,
  storePerformance,
} from "../results/store-performance.ts";

/** Is performance of this kind of task computed from outcomes of scores? */
export const hasScores = (evaluation: Evaluation): boolean =>
  evaluation.context.document.task.type === "binary";

/** Days in [through − LATE_DAYS, through) whose outcomes changed since they were last looked at. */
export async function evaluateChangedDays(
  evaluation: Evaluation,
  throughMs: number,
  deps: StageDeps,
): Promise<void> {
  if (!hasScores(evaluation)) return;
  const { model } = evaluation.context;
  const counts = await deps.store.query(outcomeCounts, {
    model,
    fromMs: throughMs - LATE_DAYS * DAY_MS,
    toMs: throughMs,
    knownMs: throughMs,
  });
  const seen = evaluation.memory.dayOutcomes;
  const changed = counts.filter(({ day, n }) => seen[String(day)] !== n).map(({ day }) => day);
  const first = changed[0];
  const last = changed.at(-1);
  if (first === undefined || last === undefined) return;
  const days = new Set(changed);
  const span = { ...params(evaluation, first, last + DAY_MS, throughMs), ...NOTHING_LEFT_OUT };
  const [byDay, byHour, predictions] = [
    await deps.store.query(outcomeSumsByDay, span),
    await deps.store.query(outcomeSumsByHour, span),
    await predictionsBy(model, first, last + DAY_MS, deps),
  ];
  const rows = [...days].flatMap((dayMs) => {
    const window = windowEndingAt("day", dayMs + DAY_MS);
    const own = byDay.filter(({ block }) => block === dayMs);
    const hours = byHour.filter(({ block }) => Math.floor(block / DAY_MS) * DAY_MS === dayMs);
    return performanceRows(model, window, dayResults(own, hours, window, predictions));
  });
  await storePerformance(rows, throughMs, deps);
  evaluation.memory = {
    ...evaluation.memory,
    dayOutcomes: {
      ...seen,
      ...Object.fromEntries(counts.map(({ day, n }) => [String(day), n])),
    },
  };
}

/**
 * The week or fortnight that ends at `window.toMs`, on the labels known at `knownMs`.
 * @returns the figures of all rows; null without labels
 */
export async function evaluateSpan(
  evaluation: Evaluation,
  window: Window,
  knownMs: number,
  deps: StageDeps,
): Promise<PerformanceOf | null> {
  if (!hasScores(evaluation)) return null;
  const { model } = evaluation.context;
  const span = {
    ...params(evaluation, window.fromMs, window.toMs, knownMs),
    ...NOTHING_LEFT_OUT,
  };
  const [byDay, whole, predictions] = [
    await deps.store.query(outcomeSumsByDay, span),
    await deps.store.query(outcomeSumsOfSpan, span),
    await predictionsBy(model, window.fromMs, window.toMs, deps),
  ];
  const results = whole.map((sums) =>
    realised(
      sums,
      byDay.filter((block) => isSame(block, sums)),
      window,
      predictions,
    ),
  );
  await storePerformance(performanceRows(model, window, results), knownMs, deps);
  return results.find(({ tag, version }) => tag === "" && version === "") ?? null;
}

/** Sums by day of a span, all rows of all versions, without quarantined rows: what alerts judge. */
export async function soundDays(
  evaluation: Evaluation,
  span: { readonly fromMs: number; readonly toMs: number },
  knownMs: number,
  exclusions: typeof NOTHING_LEFT_OUT,
  deps: StageDeps,
): Promise<readonly BlockSums[]> {
  const sums = await deps.store.query(outcomeSumsByDay, {
    ...params(evaluation, span.fromMs, span.toMs, knownMs),
    ...exclusions,
  });
  return sums.filter((block) => block.version === "" && block.segment_tag === "").map(blockSums);
}

const NOTHING_LEFT_OUT = {
  outTag: [] as string[],
  outValue: [] as string[],
  outFromMs: [] as number[],
  outToMs: [] as number[],
};

function params(
  evaluation: Evaluation,
  fromMs: number,
  toMs: number,
  knownMs: number,
): Omit<OutcomeSumsParams, keyof typeof NOTHING_LEFT_OUT> {
  const { model, document } = evaluation.context;
  const { positive = "1", threshold } = document.task;
  return { model, fromMs, toMs, knownMs, positive, threshold };
}

type Predictions = (dayMs: number, tag: string, value: string, version: string) => number;

/** Answered predictions by day, segment and version ("" for all). */
async function predictionsBy(
  model: string,
  fromMs: number,
  toMs: number,
  deps: StageDeps,
): Promise<Predictions> {
  const counts = new Map<string, number>();
  for (const row of await deps.store.query(trafficDays, { model, fromMs, toMs })) {
    for (const version of ["", row.version]) {
      const key = [row.day, row.segment_tag, row.segment_value, version].join("\u0000");
      counts.set(key, (counts.get(key) ?? 0) + row.n - row.errors);
    }
  }
  return (dayMs, tag, value, version) =>
    counts.get([dayMs, tag, value, version].join("\u0000")) ?? 0;
}

function dayResults(
  own: readonly OutcomeSums[],
  hours: readonly OutcomeSums[],
  window: Window,
  predictions: Predictions,
): readonly PerformanceOf[] {
  return own.map((sums) => {
    // Only all rows are read by hour; segments of a day have no interval.
    const blocks = hours.filter((hour) => isSame(hour, sums));
    return realised(sums, blocks.length > 0 ? blocks : [sums], window, predictions);
  });
}

const isSame = (a: OutcomeSums, b: OutcomeSums): boolean =>
  a.version === b.version && a.segment_tag === b.segment_tag && a.segment_value === b.segment_value;

function realised(
  sums: OutcomeSums,
  blocks: readonly OutcomeSums[],
  window: Window,
  predictions: Predictions,
): PerformanceOf {
  const { segment_tag: tag, segment_value: value, version } = sums;
  let asked = 0;
  for (let day = window.fromMs; day < window.toMs; day += DAY_MS) {
    asked += predictions(day, tag, value, version);
  }
  const metrics: WindowMetrics = windowMetrics(blocks.map(blockSums), sums.auc);
  const coverage = asked === 0 ? Number.NaN : metrics.labelled / asked;
  const figures = {
    ...realisedFigures(metrics),
    coverage: { value: coverage, lower: Number.NaN, upper: Number.NaN },
  };
  const { n, log_loss, brier, score, positives, correct } = sums;
  return {
    kind: "realised",
    ...{ tag, value, version, predictions: asked, labelled: metrics.labelled },
    blocks: metrics.blocks,
    figures,
    detail: { n, log_loss, brier, score, positives, correct },
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
