/**
 * Shifts that differ by group: UTC for local hours is another shift at every airport. Invariant: a
 * group speaks only where its own rows make its shift clear, so small groups cannot widen the
 * range.
 */
import type { ShiftEstimate, ShiftOptions } from "./estimate-shift.ts";
import { estimateShift } from "./estimate-shift.ts";
import type { ValueCounts } from "./value-counts.ts";

export interface ShiftGroup {
  readonly name: string;
  readonly clean: ValueCounts;
  readonly broken: ValueCounts;
}

export interface ShiftWithin {
  /**
   * Median over groups, weighted by broken rows; on a circle, counted around the largest group's.
   */
  readonly shift: number;
  readonly min: number;
  readonly max: number;
  /** Mean share of the distance beyond chance that is undone within groups, weighted by rows. */
  readonly explained: number;
  /** The same weights over the groups' distances. */
  readonly distanceBefore: number;
  readonly distanceAfter: number;
  readonly distanceByChance: number;
  /** Groups whose shift is clear, and the share of broken rows that they hold. */
  readonly groups: number;
  readonly share: number;
}

/** A shift is clear when it makes the rows e³ times likelier than the next best one. */
const MARGIN_MIN = 3;
const ROWS_MIN = 30;

/**
 * @param groups clean and broken rows of each group (say origin airport)
 * @returns undefined where no group has 30 broken rows and a clear shift
 */
export function estimateShiftWithin(
  groups: readonly ShiftGroup[],
  options: ShiftOptions = {},
): ShiftWithin | undefined {
  let total = 0;
  const found = groups.flatMap((group) => {
    const estimate = estimateShift(group.clean, group.broken, options);
    total += estimate?.rows ?? 0;
    return estimate === undefined ? [] : [estimate];
  });
  const clear = found.filter((estimate) => {
    return estimate.rows >= ROWS_MIN && !(estimate.margin < MARGIN_MIN);
  });
  if (clear.length === 0) {
    return undefined;
  }
  const rows = clear.reduce((sum, estimate) => sum + estimate.rows, 0);
  const weigh = (pick: (estimate: (typeof clear)[number]) => number): number =>
    clear.reduce((sum, estimate) => sum + pick(estimate) * estimate.rows, 0) / rows;
  const sorted = unwrapped(clear, options.period).toSorted((a, b) => a.shift - b.shift);
  let below = 0;
  const median = sorted.find((estimate) => {
    below += estimate.rows;
    return below * 2 >= rows;
  });
  const distanceBefore = weigh((estimate) => estimate.distanceBefore);
  const distanceAfter = weigh((estimate) => estimate.distanceAfter);
  const distanceByChance = weigh((estimate) => estimate.distanceByChance);
  const excess = distanceBefore - distanceByChance;
  const left = Math.max(0, distanceAfter - distanceByChance);
  return {
    shift: median!.shift,
    min: sorted[0]!.shift,
    max: sorted.at(-1)!.shift,
    explained: excess > 0 ? Math.min(1, Math.max(0, 1 - left / excess)) : 0,
    distanceBefore,
    distanceAfter,
    distanceByChance,
    groups: clear.length,
    share: rows / total,
  };
}

/** On a circle 12 and −11 are neighbours: shifts are counted around that of the largest group. */
function unwrapped(estimates: readonly ShiftEstimate[], period?: number): ShiftEstimate[] {
  if (period === undefined) {
    return [...estimates];
  }
  const center = estimates.reduce((a, b) => (b.rows > a.rows ? b : a)).shift;
  return estimates.map((estimate) => {
    const turns = Math.round((estimate.shift - center) / period);
    return { ...estimate, shift: estimate.shift - turns * period };
  });
}
