/**
 * The factor between a clean and a broken feature: kilometres for miles, cents for euros.
 * Invariant: the true factor is found within 1 % from 1 000 rows where values repeat (distances of
 * routes), and the interval says how well where they do not.
 */
import { normalQuantile } from "./normal.ts";
import { alignAtoms } from "./align-atoms.ts";
import type { Undoing } from "./undoing.ts";
import { undoOnBins } from "./undoing.ts";
import type { ValueCounts } from "./value-counts.ts";
import { countValues, rowsOf, valueAt } from "./value-counts.ts";

export interface FactorEstimate extends Undoing {
  /** broken = clean · factor. */
  readonly factor: number;
  readonly lower: number;
  readonly upper: number;
  /** By values that fall on each other, or by quantiles where values do not repeat. */
  readonly method: "atoms" | "quantiles";
}

/**
 * @param clean rows per value before the break, or of unbroken segments at the same time
 * @param broken rows per value since
 * @param confidence of the interval; default 0.95
 * @returns undefined where either has fewer than 10 rows that are not 0, or where the signs differ
 */
export function estimateFactor(
  clean: ValueCounts,
  broken: ValueCounts,
  confidence: number = 0.95,
): FactorEstimate | undefined {
  const logsClean = logarithms(clean);
  const logsBroken = logarithms(broken);
  if (rowsOf(logsClean) < 10 || rowsOf(logsBroken) < 10 || signsDiffer(clean, broken)) {
    return undefined;
  }
  const rough = trimmedDifference(logsClean, logsBroken);
  const z = normalQuantile((1 + confidence) / 2);
  const byQuantiles = {
    factor: Math.exp(rough.difference),
    lower: Math.exp(rough.difference - z * rough.standardError),
    upper: Math.exp(rough.difference + z * rough.standardError),
    method: "quantiles" as const,
  };
  const finish = (found: Omit<FactorEstimate, keyof Undoing>): FactorEstimate => ({
    ...found,
    ...undoOnBins(clean, broken, (value) => value / found.factor),
  });
  const reach = Math.max(0.1, 5 * rough.standardError);
  const aligned = alignAtoms(
    clean,
    broken,
    { apply: (value, factor) => value * factor, parameterOf: (a, b) => (a === 0 ? 0 : b / a) },
    { from: Math.exp(rough.difference - reach), to: Math.exp(rough.difference + reach) },
  );
  if (aligned === undefined) {
    return finish(byQuantiles);
  }
  const { parameter: factor, lower, upper } = aligned;
  return finish({ factor, lower, upper, method: "atoms" });
}

function logarithms(counts: ValueCounts): ValueCounts {
  return countValues(
    counts.values.map((value) => (value === 0 ? Number.NaN : Math.log(Math.abs(value)))),
    counts.counts,
  );
}

function signsDiffer(a: ValueCounts, b: ValueCounts): boolean {
  return Math.abs(negativeShare(a) - negativeShare(b)) > 0.1;
}

function negativeShare(counts: ValueCounts): number {
  let negative = 0;
  counts.values.forEach((value, i) => {
    negative += value < 0 ? counts.counts[i]! : 0;
  });
  return negative / rowsOf(counts);
}

export interface LocationDifference {
  readonly difference: number;
  readonly standardError: number;
}

const TRIM = 0.1;

/**
 * Difference of 10 % trimmed means, broken − clean, with the standard error of winsorised samples.
 */
export function trimmedDifference(clean: ValueCounts, broken: ValueCounts): LocationDifference {
  const a = trimmedMean(clean);
  const b = trimmedMean(broken);
  return {
    difference: b.mean - a.mean,
    standardError: Math.hypot(a.standardError, b.standardError),
  };
}

function trimmedMean(counts: ValueCounts): { mean: number; standardError: number } {
  const rows = rowsOf(counts);
  const from = TRIM * rows;
  const to = (1 - TRIM) * rows;
  let below = 0;
  let sum = 0;
  counts.values.forEach((value, i) => {
    const next = below + counts.counts[i]!;
    sum += value * Math.max(0, Math.min(to, next) - Math.max(from, below));
    below = next;
  });
  const low = valueAt(counts, TRIM);
  const high = valueAt(counts, 1 - TRIM);
  const mean = sum / (to - from);
  let squares = 0;
  let winsorised = 0;
  counts.values.forEach((value, i) => {
    winsorised += counts.counts[i]! * Math.min(high, Math.max(low, value));
  });
  winsorised /= rows;
  counts.values.forEach((value, i) => {
    squares += counts.counts[i]! * (Math.min(high, Math.max(low, value)) - winsorised) ** 2;
  });
  return { mean, standardError: Math.sqrt(squares / rows / rows) / (1 - 2 * TRIM) };
}
