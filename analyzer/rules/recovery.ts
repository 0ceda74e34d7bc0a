/**
 * Whether a fault of the last hour is over, so that an alert ends when the fault does and not an hour
 * later: the newest steps would hardly be so good if it went on as the bad ones before them were.
 */
import { binomialLowerTail, binomialUpperTail } from "../../stats/index.ts";

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
  /** Rows that weigh as much as one, since bad ones come together; at least 1. */
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
  for (let cut = first + 1; cut < steps.length; cut++) {
    // Good steps of the fault belong to it: the bad ones alone would make it worse than it is.
    const last = steps.findLastIndex((step, i) => i < cut && isBadStep(step));
    const fault = total(steps.slice(first, last + 1), rule.designEffect);
    const newest = total(steps.slice(cut), rule.designEffect);
    const goesOn = binomialLowerTail(newest.bad, newest.rows, fault.bad / fault.rows);
    if (goesOn < P_GOES_ON_MAX && !isBad(newest, rule)) return true;
  }
  return false;
}

interface Counts {
  readonly rows: number;
  readonly bad: number;
}

const isBad = ({ rows, bad }: Counts, { promised, pMax }: RecoveryRule): boolean =>
  bad > rows * promised && binomialUpperTail(bad, rows, promised) < pMax;

function total(steps: readonly CountedStep[], designEffect: number): Counts {
  const sum = (of: (step: CountedStep) => number): number =>
    Math.floor(steps.reduce((all, step) => all + of(step), 0) / designEffect);
  return {
    rows: Math.max(
      1,
      sum(({ rows }) => rows),
    ),
    bad: sum(({ bad }) => bad),
  };
}
