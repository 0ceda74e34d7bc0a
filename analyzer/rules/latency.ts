/**
 * p95 latency over minutes: too many predictions slower than the document promises. "p95 ≤ 60 ms" means
 * that at most 5 % take longer, so this is a share, as errors are. But slow requests come together (a queue,
 * a pause, one cold worker), so rows do not count as independent: how unevenly the steps of a span are slow
 * says how many rows weigh as much as one.
 */
import { binomialUpperTail } from "../../stats/index.ts";
import { pValueText } from "../alerts/p-value-text.ts";
import { type Fault, faultOf } from "./recovery.ts";
import { SPANS_STEPS, stepsUpTo } from "./steps.ts";

/** What may be slower than a p95. */
export const SLOW_SHARE = 0.05;

/** Predictions with a known latency, and the slow ones, of one closed 5-minute step. */
export interface LatencyStep {
  readonly endMs: number;
  readonly rows: number;
  readonly slow: number;
}

export interface LatencyVerdict extends Fault {
  readonly breach: boolean;
  readonly rows: number;
  readonly slow: number;
  readonly share: number;
  readonly designEffect: number;
  readonly pValue: number;
  readonly reason: string;
}

/** As for errors; asked twice in a row. */
const P_MAX = 1e-3;
/** A p95 of fewer says nothing. */
const ROWS_MIN = 100;
/** One step does not show how unevenly slowness comes: what is then assumed. */
const SINGLE_STEP_EFFECT = 10;
const SINGLE_STEP_SHARE_MIN = 2 * SLOW_SHARE;

/**
 * @param steps closed steps in time order, the newest last; missing ones had no requests
 * @param promisedMs the p95 that the document promises, for the words
 */
export function judgeLatency(
  steps: readonly LatencyStep[],
  endMs: number,
  promisedMs: number,
): LatencyVerdict {
  const verdicts = SPANS_STEPS.map((span) => judgeSpan(steps, endMs, span, promisedMs));
  const worst = verdicts.reduce((a, b) => (b.pValue < a.pValue ? b : a));
  const counted = steps.map(({ endMs: at, rows, slow }) => ({ endMs: at, rows, bad: slow }));
  const rule = { promised: SLOW_SHARE, pMax: P_MAX, designEffect: SINGLE_STEP_EFFECT };
  const fault = faultOf(counted, endMs, rule);
  return { ...(verdicts.find(({ breach }) => breach) ?? worst), ...fault };
}

function judgeSpan(
  steps: readonly LatencyStep[],
  endMs: number,
  span: number,
  promisedMs: number,
): Omit<LatencyVerdict, keyof Fault> {
  const inside = stepsUpTo(steps, endMs, span);
  const rows = inside.reduce((sum, step) => sum + step.rows, 0);
  const slow = inside.reduce((sum, step) => sum + step.slow, 0);
  const share = rows === 0 ? 0 : slow / rows;
  const designEffect = span === 1 ? SINGLE_STEP_EFFECT : effectOf(inside, rows, slow);
  const pValue =
    rows === 0
      ? 1
      : binomialUpperTail(
          Math.floor(slow / designEffect),
          Math.max(1, Math.floor(rows / designEffect)),
          SLOW_SHARE,
        );
  const enough = rows >= ROWS_MIN && share > (span === 1 ? SINGLE_STEP_SHARE_MIN : SLOW_SHARE);
  return {
    breach: enough && pValue < P_MAX,
    ...{ rows, slow, share, designEffect, pValue },
    reason: `${slow} of ${rows} predictions took longer than ${promisedMs} ms in ${span * 5} minutes (${percent(share)}, a p95 allows ${percent(SLOW_SHARE)}; one in ${designEffect.toFixed(1)} counts, ${pValueText(pValue)})`,
  };
}

/** Variance of the steps' slow rows over that of independent ones, at least 1. */
function effectOf(steps: readonly LatencyStep[], rows: number, slow: number): number {
  const count = steps.length;
  const share = rows === 0 ? 0 : slow / rows;
  if (count < 2 || share <= 0 || share >= 1) return SINGLE_STEP_EFFECT;
  const squares = steps.reduce((sum, step) => sum + (step.slow - share * step.rows) ** 2, 0);
  return Math.max(1, (squares * count) / (count - 1) / (rows * share * (1 - share)));
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
