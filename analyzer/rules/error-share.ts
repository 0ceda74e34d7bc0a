/**
 * Error share over minutes: too many failed predictions, beyond what the promised rate explains. Three
 * spans, so that an outage is seen in minutes and a steady 3 % within the hour.
 */
import { binomialUpperTail } from "../../stats/index.ts";
import { pValueText } from "../alerts/p-value-text.ts";
import { settledMs } from "./recovery.ts";

export const STEP_MS = 5 * 60_000;

/** Requests and failures of one closed 5-minute step. */
export interface StepCounts {
  readonly endMs: number;
  readonly rows: number;
  readonly errors: number;
}

/** Spans in steps, shortest first: 5 minutes, half an hour, one hour. */
const HOUR_STEPS = 12;
const SPANS_STEPS = [1, 6, HOUR_STEPS] as const;

/**
 * Evidence that one evaluation needs, twice in a row. An hour at three times the promised rate reaches it in
 * 96 of 100 cases at a thousand requests; a service that keeps its promise is far below the rate.
 */
const P_MAX = 1e-3;
/** One failed request is no share. */
const ERRORS_MIN = 5;

export interface ErrorShareVerdict {
  readonly breach: boolean;
  readonly fromMs: number;
  readonly toMs: number;
  readonly rows: number;
  readonly errors: number;
  readonly share: number;
  readonly pValue: number;
  readonly reason: string;
  /** The hour was bad, and its newest steps show that it is over. */
  readonly recovered: boolean;
}

/**
 * Judges the newest step with those before it.
 * @param steps closed steps in time order, the newest last; missing ones had no requests
 * @param promised the share of errors that the document allows
 */
export function judgeErrorShare(
  steps: readonly StepCounts[],
  endMs: number,
  promised: number,
): ErrorShareVerdict {
  const verdicts = SPANS_STEPS.map((span) => judgeSpan(steps, endMs, span, promised));
  const worst = verdicts.reduce((a, b) => (b.pValue < a.pValue ? b : a));
  const verdict = verdicts.find(({ breach }) => breach) ?? worst;
  const counted = steps
    .filter((step) => step.endMs > endMs - HOUR_STEPS * STEP_MS && step.endMs <= endMs)
    .map(({ errors, ...step }) => ({ ...step, bad: errors }));
  const settled = settledMs(counted, { promised, pMax: P_MAX, designEffect: 1 });
  // A fault before that was another one, which was told.
  const bad = counted.filter(
    (step) => step.endMs > (settled ?? 0) && step.bad > step.rows * promised,
  );
  return {
    ...verdict,
    fromMs: (bad[0]?.endMs ?? verdict.fromMs + STEP_MS) - STEP_MS,
    recovered: verdict.breach && settled !== null && settled === counted.at(-1)?.endMs,
  };
}

function judgeSpan(
  steps: readonly StepCounts[],
  endMs: number,
  span: number,
  promised: number,
): Omit<ErrorShareVerdict, "recovered"> {
  const startMs = endMs - span * STEP_MS;
  const inside = steps.filter((step) => step.endMs > startMs && step.endMs <= endMs);
  const rows = inside.reduce((sum, step) => sum + step.rows, 0);
  const errors = inside.reduce((sum, step) => sum + step.errors, 0);
  const share = rows === 0 ? 0 : errors / rows;
  const pValue = rows === 0 ? 1 : binomialUpperTail(errors, rows, promised);
  const breach = errors >= ERRORS_MIN && share > promised && pValue < P_MAX;
  // It began with the first bad step of the hour, whichever span made it evident.
  const hourMs = endMs - HOUR_STEPS * STEP_MS;
  const bad = steps.filter(
    (step) => step.endMs > hourMs && step.endMs <= endMs && step.errors > step.rows * promised,
  );
  return {
    breach,
    fromMs: (bad[0]?.endMs ?? endMs) - STEP_MS,
    toMs: bad.at(-1)?.endMs ?? endMs,
    rows,
    errors,
    share,
    pValue,
    reason: `${errors} of ${rows} requests failed in ${span * 5} minutes (${percent(share)}, promised ${percent(promised)}, ${pValueText(pValue)})`,
  };
}

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`;
