/**
 * The shift between a clean and a broken feature: UTC for local hours (on a circle of 24), an
 * offset. Invariant: on a circle every shift is tried, and the reported distances are those of the
 * chosen one.
 */
import { alignAtoms, roundingStep } from "./align-atoms.ts";
import { trimmedDifference } from "./estimate-factor.ts";
import { normalQuantile } from "./normal.ts";
import type { Undoing } from "./undoing.ts";
import { distanceByChance, undoing, undoOnBins } from "./undoing.ts";
import { totalVariation } from "./total-variation.ts";
import type { ValueCounts } from "./value-counts.ts";
import { rowsOf } from "./value-counts.ts";

export interface ShiftEstimate extends Undoing {
  /** broken = clean + shift; on a circle in (−period/2, period/2]. */
  readonly shift: number;
  readonly lower: number;
  readonly upper: number;
  /**
   * ln of how much likelier the shift makes the broken rows than the next best one; circle only.
   */
  readonly margin: number;
  /** Rows of the broken sample. */
  readonly rows: number;
  readonly method: "circle" | "atoms" | "quantiles";
}

export interface ShiftOptions {
  /** Values are integers on a circle of this many (24 hours, 7 days). */
  readonly period?: number;
  /** Of the interval off the circle; default 0.95. */
  readonly confidence?: number;
}

/**
 * @param clean rows per value before the break, or of unbroken segments at the same time
 * @param broken rows per value since
 * @returns undefined where either has no rows
 * @throws {RangeError} if a period is given and a value is no integer
 */
export function estimateShift(
  clean: ValueCounts,
  broken: ValueCounts,
  options: ShiftOptions = {},
): ShiftEstimate | undefined {
  if (clean.values.length === 0 || broken.values.length === 0) {
    return undefined;
  }
  return options.period === undefined
    ? onLine(clean, broken, options.confidence ?? 0.95)
    : onCircle(clean, broken, options.period);
}

function onCircle(clean: ValueCounts, broken: ValueCounts, period: number): ShiftEstimate {
  const expected = wrapped(clean, period);
  const seen = wrapped(broken, period);
  const cleanRows = rowsOf(clean);
  let best = 0;
  let bestLikelihood = Number.NEGATIVE_INFINITY;
  let nextLikelihood = Number.NEGATIVE_INFINITY;
  for (let shift = 0; shift < period; shift++) {
    let likelihood = 0;
    for (let i = 0; i < period; i++) {
      // Half a row per cell: an hour never seen is unlikely, not impossible.
      const share = (expected[(i - shift + period) % period]! + 0.5) / (cleanRows + period / 2);
      likelihood += seen[i]! * Math.log(share);
    }
    if (likelihood > bestLikelihood) {
      nextLikelihood = bestLikelihood;
      bestLikelihood = likelihood;
      best = shift;
    } else if (likelihood > nextLikelihood) {
      nextLikelihood = likelihood;
    }
  }
  const undone = seen.map((_, i) => seen[(i + best) % period]!);
  const rows = rowsOf(broken);
  const shift = best > period / 2 ? best - period : best;
  return {
    shift,
    lower: shift,
    upper: shift,
    margin: bestLikelihood - nextLikelihood,
    rows,
    method: "circle",
    ...undoing(
      totalVariation(expected, seen),
      totalVariation(expected, undone),
      distanceByChance(expected, rows),
    ),
  };
}

function wrapped(counts: ValueCounts, period: number): Float64Array {
  const out = new Float64Array(period);
  counts.values.forEach((value, i) => {
    if (!Number.isInteger(value)) {
      throw new RangeError(`Cannot shift on a circle of ${period}: value is "${value}"`);
    }
    const cell = ((value % period) + period) % period;
    out[cell] = out[cell]! + counts.counts[i]!;
  });
  return out;
}

function onLine(clean: ValueCounts, broken: ValueCounts, confidence: number): ShiftEstimate {
  const rough = trimmedDifference(clean, broken);
  const reach = normalQuantile((1 + confidence) / 2) * rough.standardError;
  const rows = rowsOf(broken);
  const aligned = alignAtoms(
    clean,
    broken,
    { apply: (value, shift) => value + shift, parameterOf: (a, b) => b - a },
    {
      from: rough.difference - 5 * rough.standardError - 1,
      to: rough.difference + 5 * rough.standardError + 1,
    },
  );
  const found =
    aligned === undefined
      ? {
          shift: onStep(rough.difference, clean, broken),
          lower: rough.difference - reach,
          upper: rough.difference + reach,
        }
      : { shift: aligned.parameter, lower: aligned.lower, upper: aligned.upper };
  return {
    ...found,
    margin: Number.NaN,
    rows,
    method: aligned === undefined ? "quantiles" : "atoms",
    ...undoOnBins(clean, broken, (value) => value - found.shift),
  };
}

/** Integers that stay integers were shifted by one. */
function onStep(shift: number, clean: ValueCounts, broken: ValueCounts): number {
  const isWhole = roundingStep(clean.values) === 1 && roundingStep(broken.values) === 1;
  return isWhole ? Math.round(shift) : shift;
}
