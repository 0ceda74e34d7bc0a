/**
 * Rows per distinct value: what a break is named from. Raw values, not grid cells, keep their
 * atoms.
 */
export interface ValueCounts {
  /** Distinct, finite, ascending. */
  readonly values: Float64Array;
  readonly counts: Float64Array;
}

/**
 * Counts of raw values; values that are not finite are left out.
 * @param weights rows of each value, default 1
 */
export function countValues(values: ArrayLike<number>, weights?: ArrayLike<number>): ValueCounts {
  const order: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i]!) && (weights === undefined || weights[i]! > 0)) {
      order.push(i);
    }
  }
  order.sort((i, j) => values[i]! - values[j]!);
  const distinct = new Float64Array(order.length);
  const counts = new Float64Array(order.length);
  let last = -1;
  for (const i of order) {
    if (last < 0 || distinct[last] !== values[i]!) {
      distinct[++last] = values[i]!;
    }
    counts[last] = counts[last]! + (weights === undefined ? 1 : weights[i]!);
  }
  return { values: distinct.subarray(0, last + 1), counts: counts.subarray(0, last + 1) };
}

/** Number of rows. */
export function rowsOf(counts: ValueCounts): number {
  let rows = 0;
  for (let i = 0; i < counts.counts.length; i++) {
    rows += counts.counts[i]!;
  }
  return rows;
}

/** The value at a share of rows, without interpolation; NaN where there are none. */
export function valueAt(counts: ValueCounts, share: number): number {
  const target = share * rowsOf(counts);
  let below = 0;
  for (let i = 0; i < counts.values.length; i++) {
    below += counts.counts[i]!;
    if (below >= target) {
      return counts.values[i]!;
    }
  }
  return counts.values.at(-1) ?? Number.NaN;
}
