/**
 * Names what happened to a feature that broke: a factor, a shift, missing values, a constant, new
 * categories, or unknown. Invariant: a name is given only where undoing it brings the distribution
 * back (or a share jumped beyond chance); else the best guess is reported as unknown, with its
 * numbers.
 */
import { chiSquareTest } from "./chi-square-test.ts";
import type { FactorEstimate } from "./estimate-factor.ts";
import { estimateFactor } from "./estimate-factor.ts";
import type { ShiftEstimate } from "./estimate-shift.ts";
import { estimateShift } from "./estimate-shift.ts";
import type { ShiftGroup, ShiftWithin } from "./estimate-shift-within.ts";
import { estimateShiftWithin } from "./estimate-shift-within.ts";
import type { ValueCounts } from "./value-counts.ts";
import { rowsOf } from "./value-counts.ts";

/** Clean and broken rows of one feature. */
export type BreakInput =
  | {
      readonly kind: "numeric";
      readonly clean: ValueCounts;
      readonly broken: ValueCounts;
      readonly cleanMissing: number;
      readonly brokenMissing: number;
      /** Values are integers on a circle of this many; only a shift can explain those. */
      readonly period?: number;
      /**
       * The same rows by a group whose shift may differ (origin airports); each a clean and broken
       * part.
       */
      readonly groups?: readonly ShiftGroup[];
    }
  | {
      readonly kind: "categorical";
      readonly clean: ReadonlyMap<string, number>;
      readonly broken: ReadonlyMap<string, number>;
      readonly cleanMissing: number;
      readonly brokenMissing: number;
    };

export type BreakExplanation =
  | ({ readonly kind: "factor"; readonly reason: "undoing_restores" } & FactorEstimate)
  | ({
      readonly kind: "shift";
      readonly reason: "undoing_restores";
      readonly within?: ShiftWithin;
    } & Omit<ShiftEstimate, "margin">)
  | {
      readonly kind: "missing";
      readonly reason: "missing_share_jumped";
      readonly shareBefore: number;
      readonly shareAfter: number;
      readonly pValue: number;
    }
  | {
      readonly kind: "constant";
      readonly reason: "one_value_took_over";
      readonly value: number | string;
      readonly shareBefore: number;
      readonly shareAfter: number;
    }
  | {
      readonly kind: "new-categories";
      readonly reason: "unseen_categories";
      readonly share: number;
      /** The most frequent ones, at most five. */
      readonly examples: readonly string[];
    }
  | {
      readonly kind: "unknown";
      readonly reason: "no_rows" | "no_distance" | "nothing_restores";
      /** The best share explained by any candidate. */
      readonly explained: number;
      readonly distanceBefore: number;
    };

/** A share must jump by this much to be the name of a break. */
const SHARE_JUMP_MIN = 0.1;
const P_VALUE_MAX = 0.001;
/** Undoing must take this share of the distance away. */
const EXPLAINED_MIN = 0.7;
/** Total variation beyond chance below which nothing broke. */
const DISTANCE_MIN = 0.05;
const CONSTANT_SHARE_MIN = 0.99;
/**
 * Groups with a clear shift must hold this share of the rows, and explain this much more than one
 * shift.
 */
const WITHIN_SHARE_MIN = 0.5;
const WITHIN_GAIN_MIN = 0.05;

/** @throws {RangeError} if a period is given and a value is no integer */
export function explainBreak(input: BreakInput): BreakExplanation {
  const { cleanMissing, brokenMissing } = input;
  const [clean, broken] =
    input.kind === "numeric"
      ? [rowsOf(input.clean), rowsOf(input.broken)]
      : [totalOf(input.clean), totalOf(input.broken)];
  if (clean + cleanMissing === 0 || broken + brokenMissing === 0) {
    return { kind: "unknown", reason: "no_rows", explained: 0, distanceBefore: Number.NaN };
  }
  const shareBefore = cleanMissing / (clean + cleanMissing);
  const shareAfter = brokenMissing / (broken + brokenMissing);
  const { pValue } = chiSquareTest([clean, cleanMissing], [broken, brokenMissing]);
  if (shareAfter - shareBefore >= SHARE_JUMP_MIN && pValue <= P_VALUE_MAX) {
    return { kind: "missing", reason: "missing_share_jumped", shareBefore, shareAfter, pValue };
  }
  return input.kind === "numeric" ? explainNumeric(input) : explainCategories(input);
}

type NumericInput = Extract<BreakInput, { kind: "numeric" }>;

function explainNumeric(input: NumericInput): BreakExplanation {
  const { clean, broken, period, groups = [] } = input;
  const constant = takenOver(entriesOf(clean), entriesOf(broken));
  if (constant !== undefined) {
    return constant;
  }
  const within = estimateShiftWithin(groups, period === undefined ? {} : { period });
  const shift = estimateShift(clean, broken, period === undefined ? {} : { period });
  const factor = period === undefined ? estimateFactor(clean, broken) : undefined;
  if (shift === undefined) {
    return { kind: "unknown", reason: "no_rows", explained: 0, distanceBefore: Number.NaN };
  }
  const named: { readonly explained: number; readonly as: () => BreakExplanation }[] = [];
  if (within !== undefined && within.share >= WITHIN_SHARE_MIN && within.min !== within.max) {
    // One shift for all is the simpler story: groups must explain clearly more.
    const explained = within.explained - WITHIN_GAIN_MIN;
    named.push({ explained, as: () => shiftWithin(shift, within) });
  }
  if (shift.shift !== 0 && !(shift.lower <= 0 && shift.upper >= 0)) {
    named.push({ explained: shift.explained, as: () => plainShift(shift) });
  }
  if (factor !== undefined && !(factor.lower <= 1 && factor.upper >= 1)) {
    named.push({
      explained: factor.explained,
      as: () => ({ kind: "factor", reason: "undoing_restores", ...factor }),
    });
  }
  const excess = Math.max(
    shift.distanceBefore - shift.distanceByChance,
    within === undefined ? 0 : within.distanceBefore - within.distanceByChance,
  );
  const best = named.reduce<(typeof named)[number] | undefined>(
    (winner, next) => (winner === undefined || next.explained > winner.explained ? next : winner),
    undefined,
  );
  const { distanceBefore } = shift;
  const explained = best?.explained ?? 0;
  if (excess < DISTANCE_MIN) {
    return { kind: "unknown", reason: "no_distance", explained, distanceBefore };
  }
  return best === undefined || explained < EXPLAINED_MIN
    ? { kind: "unknown", reason: "nothing_restores", explained, distanceBefore }
    : best.as();
}

function plainShift(estimate: ShiftEstimate): BreakExplanation {
  const { margin: _, ...numbers } = estimate;
  return { kind: "shift", reason: "undoing_restores", ...numbers };
}

/** The shift of the median group, its range, and the distances within groups. */
function shiftWithin(estimate: ShiftEstimate, within: ShiftWithin): BreakExplanation {
  return {
    kind: "shift",
    reason: "undoing_restores",
    shift: within.shift,
    lower: within.min,
    upper: within.max,
    rows: estimate.rows,
    method: estimate.method,
    distanceBefore: within.distanceBefore,
    distanceAfter: within.distanceAfter,
    distanceByChance: within.distanceByChance,
    explained: within.explained,
    within,
  };
}

type CategoryInput = Extract<BreakInput, { kind: "categorical" }>;

function explainCategories(input: CategoryInput): BreakExplanation {
  const { clean, broken } = input;
  const constant = takenOver([...clean], [...broken]);
  if (constant !== undefined) {
    return constant;
  }
  const total = totalOf(broken);
  const unseen = [...broken].filter(([category]) => (clean.get(category) ?? 0) === 0);
  const share = unseen.reduce((sum, [, rows]) => sum + rows, 0) / total;
  if (share >= SHARE_JUMP_MIN) {
    const examples = unseen
      .toSorted((a, b) => b[1] - a[1])
      .slice(0, 5)
      .map(([category]) => category);
    return { kind: "new-categories", reason: "unseen_categories", share, examples };
  }
  const cleanTotal = totalOf(clean);
  const distanceBefore =
    [...new Set([...clean.keys(), ...broken.keys()])].reduce((sum, category) => {
      const gap = (clean.get(category) ?? 0) / cleanTotal - (broken.get(category) ?? 0) / total;
      return sum + Math.abs(gap);
    }, 0) / 2;
  const reason = distanceBefore < DISTANCE_MIN ? "no_distance" : "nothing_restores";
  return { kind: "unknown", reason, explained: 0, distanceBefore };
}

function takenOver(
  clean: readonly (readonly [number | string, number])[],
  broken: readonly (readonly [number | string, number])[],
): BreakExplanation | undefined {
  const total = broken.reduce((sum, [, rows]) => sum + rows, 0);
  const cleanTotal = clean.reduce((sum, [, rows]) => sum + rows, 0);
  const ruler = broken.find(([, rows]) => rows >= CONSTANT_SHARE_MIN * total);
  if (ruler === undefined) {
    return undefined;
  }
  const [value, rows] = ruler;
  const before = (clean.find(([other]) => other === value)?.[1] ?? 0) / cleanTotal;
  // Where the clean rows have one ruler as well (a day's own weekday), it moved: that is a shift.
  const most = clean.reduce((largest, [, count]) => Math.max(largest, count), 0) / cleanTotal;
  return most >= CONSTANT_SHARE_MIN - SHARE_JUMP_MIN
    ? undefined
    : {
        kind: "constant",
        reason: "one_value_took_over",
        value,
        shareBefore: before,
        shareAfter: rows / total,
      };
}

function entriesOf(counts: ValueCounts): (readonly [number, number])[] {
  return Array.from(counts.values, (value, i) => [value, counts.counts[i]!] as const);
}

function totalOf(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const rows of counts.values()) {
    total += rows;
  }
  return total;
}
