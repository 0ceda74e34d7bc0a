/**
 * Error share over minutes: too many failed predictions, beyond what the promised rate explains. Three
 * spans, so that an outage is seen in minutes and a steady 3 % within the hour.
 */
import { binomialUpperTail } from "../../stats/index.ts";
import { pValueText } from "../alerts/p-value-text.ts";
import { type Fault, faultOf } from "./recovery.ts";
import { SPANS_STEPS, stepsUpTo } from "./steps.ts";

/** Requests and failures of one closed 5-minute step. */
export interface StepCounts {
  readonly endMs: number;
  readonly rows: number;
  readonly errors: number;
}

/**
 * Evidence that one evaluation needs, twice in a row. An hour at three times the promised rate reaches it in
 * 96 of 100 cases at a thousand requests; a service that keeps its promise is far below the rate.
 */
const P_MAX = 1e-3;
/** One failed request is no share. */
const ERRORS_MIN = 5;

export interface ErrorShareVerdict extends Fault {
  readonly breach: boolean;
  readonly rows: number;
  readonly errors: number;
  readonly share: number;
  readonly pValue: number;
  readonly reason: string;
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
  const counted = steps.map(({ endMs: at, rows, errors }) => ({ endMs: at, rows, bad: errors }));
  const fault = faultOf(counted, endMs, { promised, pMax: P_MAX, designEffect: 1 });
  return { ...(verdicts.find(({ breach }) => breach) ?? worst), ...fault };
}

function judgeSpan(
  steps: readonly StepCounts[],
  endMs: number,
  span: number,
  promised: number,
): Omit<ErrorShareVerdict, keyof Fault> {
  const inside = stepsUpTo(steps, endMs, span);
  const rows = inside.reduce((sum, step) => sum + step.rows, 0);
  const errors = inside.reduce((sum, step) => sum + step.errors, 0);
  const share = rows === 0 ? 0 : errors / rows;
  const pValue = rows === 0 ? 1 : binomialUpperTail(errors, rows, promised);
  const breach = errors >= ERRORS_MIN && share > promised && pValue < P_MAX;
  return {
    breach,
    rows,
    errors,
    share,
    pValue,
    reason: `${errors} of ${rows} requests failed in ${span * 5} minutes (${percent(share)}, promised ${percent(promised)}, ${pValueText(pValue)})`,
  };
}

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`;
