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
  /** Those that are stored. */
  readonly rows: number;
  readonly errors: number;
  /** What they stand for where somebody sampled; as many where nobody did. */
  readonly requests?: number;
  readonly failed?: number;
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
  /** Failed requests by estimate: as many as `errors` where nobody sampled. */
  readonly failed: number;
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
  const kept = keptPromise(steps, promised);
  const verdicts = SPANS_STEPS.map((span) => judgeSpan(steps, endMs, span, promised, kept));
  const worst = verdicts.reduce((a, b) => (b.pValue < a.pValue ? b : a));
  const counted = steps.map(({ endMs: at, rows, errors }) => ({ endMs: at, rows, bad: errors }));
  const fault = faultOf(counted, endMs, { promised: kept, pMax: P_MAX, designEffect: 1 });
  return { ...(verdicts.find(({ breach }) => breach) ?? worst), ...fault };
}

/**
 * The share of errors among stored rows under the promise: where errors are kept and other rows sampled, errors are
 * more of what is stored than of what came. Exact: a row that is stored is one that came, times the chance that it
 * was kept.
 */
function keptPromise(steps: readonly StepCounts[], promised: number): number {
  const { rows, errors, requests, failed } = totalOf(steps);
  if (requests === rows) return promised;
  const overall = rows / requests;
  const ofErrors = failed > 0 ? errors / failed : overall;
  const ofOthers = requests > failed ? (rows - errors) / (requests - failed) : overall;
  const kept = promised * ofErrors;
  return kept / (kept + (1 - promised) * ofOthers);
}

function totalOf(steps: readonly StepCounts[]): Required<Omit<StepCounts, "endMs">> {
  const sum = (of: (step: StepCounts) => number): number =>
    steps.reduce((total, step) => total + of(step), 0);
  return {
    rows: sum(({ rows }) => rows),
    errors: sum(({ errors }) => errors),
    requests: sum(({ rows, requests = rows }) => requests),
    failed: sum(({ errors, failed = errors }) => failed),
  };
}

function judgeSpan(
  steps: readonly StepCounts[],
  endMs: number,
  span: number,
  promised: number,
  kept: number,
): Omit<ErrorShareVerdict, keyof Fault> {
  const { rows, errors, requests, failed } = totalOf(stepsUpTo(steps, endMs, span));
  const share = rows === 0 ? 0 : failed / requests;
  const pValue = rows === 0 ? 1 : binomialUpperTail(errors, rows, kept);
  const breach = errors >= ERRORS_MIN && share > promised && pValue < P_MAX;
  const counted =
    requests === rows
      ? `${errors} of ${rows} requests`
      : `about ${Math.round(failed)} of ${Math.round(requests)} requests (stored: ${errors} of ${rows})`;
  return {
    ...{ breach, rows, errors, failed, share, pValue },
    reason: `${counted} failed in ${span * 5} minutes (${percent(share)}, promised ${percent(promised)}, ${pValueText(pValue)})`,
  };
}

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`;
