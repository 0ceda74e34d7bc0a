/**
 * p95 latency of every closed 5-minute step, where the document promises one: counted from the cells of the
 * rollups by the minute, or from raw rows where features are rolled up more coarsely, which is done where
 * there are few.
 */
import { DAY_MS, HOUR_MS, startOfDay, windowEndingAt, windowName } from "../../contract/window.ts";
import { CELL_PLUS_INFINITY, cellBounds, isNonFiniteCell } from "../../stats/index.ts";
import type { Store } from "../../store/client.ts";
import { latencyCells, latencyRaw } from "../../store/queries/model-traffic.ts";
import type { Evaluation } from "../evaluation.ts";
import type { FeatureGrid } from "../features/feature-window.ts";
import { STEP_MS } from "../rules/steps.ts";
import { type LatencyStep, SLOW_SHARE, judgeLatency } from "../rules/latency.ts";
import { countsAsBad } from "../rules/recovery.ts";
import { pValueText } from "../alerts/p-value-text.ts";
import { readServerLatency } from "./server-traffic.ts";

const FEATURE = "$latency";
const HYSTERESIS = { breachesToFire: 2, cleanToResolve: 3 };
/** Cells of values that are no latencies: missing and the like. */
const CELL_VALUES_MAX = 32_000;

/** Steps of the span and of the hour before it; none where no p95 is promised. */
export async function readLatency(
  evaluation: Evaluation,
  firstEndMs: number,
  lastEndMs: number,
  store: Store,
): Promise<readonly LatencyStep[]> {
  const { context } = evaluation;
  const { latency_p95: promisedMs } = context.document.service;
  if (promisedMs === undefined) return [];
  const span = { model: context.model, fromMs: firstEndMs - HOUR_MS, toMs: lastEndMs };
  const seconds = promisedMs / 1000;
  if ((context.document.rollup ?? "1m") === "1m") {
    const cells = stepsOf(
      await store.query(latencyCells, span),
      context.grids.get(FEATURE),
      seconds,
    );
    // Minutes are kept for days only: a replay of old data has raw rows.
    if (cells !== null && cells.length > 0) return cells;
  }
  const rows = await store.query(latencyRaw, { ...span, seconds });
  const steps = rows.map(({ end: endMs, n, slow }) => ({ endMs, rows: n, slow }));
  // Records without latency, or none at all: the server may know.
  return steps.length > 0 ? steps : readServerLatency(evaluation, span, seconds, store);
}

interface StepCells {
  readonly end: number;
  readonly grid: number;
  readonly cell: readonly number[];
  readonly n: readonly number[];
}

/** Null: some cells are of a grid that is not in force any more, and cannot be read. */
function stepsOf(
  cells: readonly StepCells[],
  known: FeatureGrid | undefined,
  seconds: number,
): readonly LatencyStep[] | null {
  const steps = new Map<number, { endMs: number; rows: number; slow: number }>();
  for (const { end: endMs, grid, cell, n } of cells) {
    if (grid !== 0 && grid !== known?.grid) return null;
    const scale = grid === 0 || known === undefined ? { center: 0, invScale: 0 } : known.scale;
    const step = steps.get(endMs) ?? { endMs, rows: 0, slow: 0 };
    cell.forEach((at, i) => {
      const rows = n[i] ?? 0;
      if (at === CELL_PLUS_INFINITY) step.slow += rows;
      else if (isNonFiniteCell(at) || at > CELL_VALUES_MAX) return;
      // A cell that the promise cuts counts as kept: it is narrow, and nobody is accused on a guess.
      else if (cellBounds(at, scale.center, scale.invScale).lower >= seconds) step.slow += rows;
      step.rows += rows;
    });
    steps.set(endMs, step);
  }
  return [...steps.values()];
}

export function evaluateLatency(
  evaluation: Evaluation,
  steps: readonly LatencyStep[],
  endMs: number,
): void {
  const promisedMs = evaluation.context.document.service.latency_p95;
  if (promisedMs === undefined) return;
  const lastHour = steps.filter((step) => step.endMs > endMs - HOUR_MS && step.endMs <= endMs);
  const verdict = judgeLatency(lastHour, endMs, promisedMs);
  const breach = countsAsBad(verdict, evaluation.isPending("latency/"));
  if (!breach && evaluation.memory.alerts["latency/"] === undefined) return;
  const { rows, slow, share, pValue, designEffect } = verdict;
  evaluation.observe(
    {
      kind: "latency",
      subject: "",
      severity: "page",
      cause: "unknown",
      title: `${(share * 100).toFixed(0)} % of the predictions take longer than ${promisedMs} ms`,
      text: verdict.reason,
      cost: `${Math.max(0, Math.round(slow - SLOW_SHARE * rows))} predictions came later than promised`,
      causeText: "the service is slow: its load, its machine, a new version, or what it waits for",
      where: "all rows that were answered",
      certainty: `exact binomial tail ${pValueText(pValue)} under the promise, at a design effect of ${designEffect.toFixed(1)}`,
      loop: "nothing: retraining does not mend a service; a canary of its own version is watched apart",
      numbers: { rows, slow, share, promisedMs, pValue, designEffect },
      finding: null,
      windows: [windowName(windowEndingAt("day", startOfDay(endMs - STEP_MS) + DAY_MS))],
    },
    { breach, fromMs: verdict.fromMs, toMs: verdict.toMs, openedMs: endMs },
    endMs,
    HYSTERESIS,
  );
}
