/**
 * How well undoing a supposed change brings a distribution back: the total variation to the clean
 * one before and after, on bins of the clean one. Invariant: bin borders lie midway between clean
 * values, so that undoing a rounded value does not throw it into the neighbouring bin.
 */
import type { ValueCounts } from "./value-counts.ts";
import { rowsOf } from "./value-counts.ts";

export interface Undoing {
  /** Total variation between broken and clean. */
  readonly distanceBefore: number;
  /** After the change is undone. */
  readonly distanceAfter: number;
  /** What two samples of one distribution have at these sizes. */
  readonly distanceByChance: number;
  /** Share of the distance beyond chance that undoing takes away, in [0, 1]. */
  readonly explained: number;
}

/** The share explained, from distances. */
export function undoing(before: number, after: number, byChance: number): Undoing {
  const excess = before - byChance;
  const left = Math.max(0, after - byChance);
  return {
    distanceBefore: before,
    distanceAfter: after,
    distanceByChance: byChance,
    explained: excess > 0 ? Math.min(1, Math.max(0, 1 - left / excess)) : 0,
  };
}

const BINS = 24;

/** Undoing on bins of equal clean share. `undo` takes a broken value back. */
export function undoOnBins(
  clean: ValueCounts,
  broken: ValueCounts,
  undo: (value: number) => number,
): Undoing {
  const borders = middleBorders(clean);
  const expected = binned(clean, borders, (value) => value);
  const before = distance(
    expected,
    binned(broken, borders, (value) => value),
  );
  const after = distance(expected, binned(broken, borders, undo));
  return undoing(before, after, distanceByChance(expected, rowsOf(broken)));
}

/** ½ Σ √(2/π) √(p(1 − p)(1/n + 1/m)): the mean total variation under no change. */
export function distanceByChance(clean: ArrayLike<number>, brokenRows: number): number {
  let rows = 0;
  for (let i = 0; i < clean.length; i++) {
    rows += clean[i]!;
  }
  let sum = 0;
  for (let i = 0; i < clean.length; i++) {
    const p = clean[i]! / rows;
    sum += Math.sqrt(p * (1 - p));
  }
  return 0.5 * Math.sqrt(2 / Math.PI) * sum * Math.sqrt(1 / rows + 1 / brokenRows);
}

function middleBorders(clean: ValueCounts): Float64Array {
  const perBin = rowsOf(clean) / BINS;
  const borders: number[] = [];
  let inBin = 0;
  for (let i = 0; i + 1 < clean.values.length; i++) {
    inBin += clean.counts[i]!;
    if (inBin >= perBin) {
      borders.push((clean.values[i]! + clean.values[i + 1]!) / 2);
      inBin = 0;
    }
  }
  return Float64Array.from(borders);
}

function binned(
  counts: ValueCounts,
  borders: Float64Array,
  map: (value: number) => number,
): Float64Array {
  const out = new Float64Array(borders.length + 1);
  for (let i = 0; i < counts.values.length; i++) {
    const value = map(counts.values[i]!);
    let low = 0;
    let high = borders.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (borders[middle]! <= value) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    out[low] = out[low]! + counts.counts[i]!;
  }
  return out;
}

function distance(a: Float64Array, b: Float64Array): number {
  const totalA = a.reduce((sum, count) => sum + count, 0);
  const totalB = b.reduce((sum, count) => sum + count, 0);
  return a.reduce((sum, count, i) => sum + Math.abs(count / totalA - b[i]! / totalB), 0) / 2;
}
