/**
 * Whether a fault of the last hour is over, so that an alert ends when the fault does and not an hour
 * later: the newest steps would hardly be so good if it went on as the bad ones before them were.
 */
import { binomialLowerTail, binomialUpperTail } from "../../stats/index.ts";
import { HOUR_STEPS, STEP_MS, stepsUpTo } from "./steps.ts";

/**
 * Whether a step counts as bad for its alert. What is over neither begins an alert nor keeps it; only one
 * that waits for its second step is told of all the same, since a burst of minutes is a fault too.
 */
export const countsAsBad = (
  { breach, recovered }: { readonly breach: boolean; readonly recovered: boolean },
  isPending: boolean,
): boolean => breach && (isPending || !recovered);

/** What one closed 5-minute step counted: requests, and those that failed or came late. */
export interface CountedStep {
  readonly endMs: number;
  readonly rows: number;
  readonly bad: number;
}

export interface RecoveryRule {
  /** Share of bad rows that is allowed. */
  readonly promised: number;
  /** Chance below which newest steps are bad themselves: as the rule that fires. */
  readonly pMax: number;
  /** Rows that weigh as much as one in what speaks for recovery, since bad ones come together; at least 1. */
  readonly designEffect: number;
}

/**
 * Chance, at most, of newest steps this good under a fault that goes on. So small since many cuts are looked at,
 * every five minutes: at 1e-3 one in ten weak faults became two alerts; thus it is as seldom as without this
 * rule (3 in 100), and what is plain ends within a quarter of an hour.
 */
const P_GOES_ON_MAX = 1e-9;

/** @param steps closed steps of the last hour in time order, the newest last */
export function isRecovered(steps: readonly CountedStep[], rule: RecoveryRule): boolean {
  const isBadStep = ({ rows, bad }: CountedStep): boolean => bad > rows * rule.promised;
  const first = steps.findIndex(isBadStep);
  if (first === -1) return false;
  // From the newest back: once the steps after a cut are bad themselves, so they are after every earlier one.
  for (let cut = steps.length - 1; cut > first; cut--) {
    const newest = steps.slice(cut);
    if (isBad(total(newest), rule)) return false;
    // Good steps of the fault belong to it: the bad ones alone would make it worse than it is.
    const last = steps.findLastIndex((step, i) => i < cut && isBadStep(step));
    const fault = total(steps.slice(first, last + 1));
    if (goesOn(fault, total(newest), rule.designEffect) < P_GOES_ON_MAX) return true;
  }
  return false;
}

export interface Fault {
  /** From its first bad step to its last; of none, the newest step. */
  readonly fromMs: number;
  readonly toMs: number;
  /** The newest steps show that it is over. */
  readonly recovered: boolean;
}

/**
 * The fault that the hour before `endMs` shows: one that was over before it began is another one, and was told.
 * @param steps closed steps in time order; missing ones had no requests
 */
export function faultOf(steps: readonly CountedStep[], endMs: number, rule: RecoveryRule): Fault {
  const hour = stepsUpTo(steps, endMs, HOUR_STEPS);
  const settled = settledMs(hour, rule);
  const bad = hour.filter((step) => step.bad > step.rows * rule.promised);
  const newer = bad.filter((step) => settled === null || step.endMs > settled);
  const shown = newer.length === 0 ? bad : newer;
  return {
    fromMs: (shown[0]?.endMs ?? endMs) - STEP_MS,
    toMs: shown.at(-1)?.endMs ?? endMs,
    recovered: settled !== null && settled === hour.at(-1)?.endMs,
  };
}

/** End of the newest step by which all that was bad before it was over; null where there is none. */
function settledMs(steps: readonly CountedStep[], rule: RecoveryRule): number | null {
  for (let end = steps.length; end > 1; end--) {
    if (isRecovered(steps.slice(0, end), rule)) return steps[end - 1]?.endMs ?? null;
  }
  return null;
}

interface Counts {
  readonly rows: number;
  readonly bad: number;
}

const isBad = ({ rows, bad }: Counts, { promised, pMax }: RecoveryRule): boolean =>
  bad > rows * promised && binomialUpperTail(bad, rows, promised) < pMax;

function goesOn(fault: Counts, newest: Counts, designEffect: number): number {
  const worth = (count: number): number => Math.floor(count / designEffect);
  return binomialLowerTail(worth(newest.bad), worth(newest.rows), fault.bad / fault.rows);
}

const total = (steps: readonly CountedStep[]): Counts => ({
  rows: steps.reduce((sum, { rows }) => sum + rows, 0),
  bad: steps.reduce((sum, { bad }) => sum + bad, 0),
});
