/**
 * Isotonic regression by pooling adjacent violators: the best non-decreasing map from score to
 * probability. Invariant: works on counts per score, so it never needs the rows.
 */

/** Rows and positives per score, scores ascending and distinct. */
export interface ScoreCounts {
  readonly scores: Float64Array;
  readonly rows: Float64Array;
  readonly positives: Float64Array;
}

/** A piecewise linear, non-decreasing map: `y` at `x`, constant beyond both ends. */
export interface IsotonicMap {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/**
 * Rows and positives per distinct score.
 * @param labels 1 positive, anything else negative
 */
export function countScores(scores: ArrayLike<number>, labels: ArrayLike<number>): ScoreCounts {
  const order = Uint32Array.from(scores, (_, i) => i).sort((i, j) => scores[i]! - scores[j]!);
  const distinct = new Float64Array(order.length);
  const rows = new Float64Array(order.length);
  const positives = new Float64Array(order.length);
  let last = -1;
  for (const i of order) {
    const score = scores[i]!;
    if (last < 0 || distinct[last] !== score) {
      distinct[++last] = score;
    }
    rows[last] = rows[last]! + 1;
    positives[last] = positives[last]! + (labels[i] === 1 ? 1 : 0);
  }
  const end = last + 1;
  return {
    scores: distinct.subarray(0, end),
    rows: rows.subarray(0, end),
    positives: positives.subarray(0, end),
  };
}

/**
 * The isotonic fit of positives per row on scores.
 * @param counts at least one score with rows; scores without rows are left out
 * @throws {RangeError} if there are no rows
 * @see sklearn.isotonic.IsotonicRegression(out_of_bounds="clip")
 */
export function fitIsotonic(counts: ScoreCounts): IsotonicMap {
  const starts: number[] = [];
  const ends: number[] = [];
  const sums: number[] = [];
  const weights: number[] = [];
  for (let i = 0; i < counts.scores.length; i++) {
    if (counts.rows[i]! <= 0) {
      continue;
    }
    let sum = counts.positives[i]!;
    let weight = counts.rows[i]!;
    let start = counts.scores[i]!;
    // Pool with the blocks before while they are not below.
    while (sums.length > 0 && sums.at(-1)! * weight >= sum * weights.at(-1)!) {
      sum += sums.pop()!;
      weight += weights.pop()!;
      start = starts.pop()!;
      ends.pop();
    }
    starts.push(start);
    ends.push(counts.scores[i]!);
    sums.push(sum);
    weights.push(weight);
  }
  if (sums.length === 0) {
    throw new RangeError("Cannot fit an isotonic map: there are no rows");
  }
  const x: number[] = [];
  const y: number[] = [];
  starts.forEach((start, i) => {
    const level = sums[i]! / weights[i]!;
    x.push(start);
    y.push(level);
    if (ends[i]! > start) {
      x.push(ends[i]!);
      y.push(level);
    }
  });
  return { x: Float64Array.from(x), y: Float64Array.from(y) };
}

/** The map's value at a score: linear between its points, constant beyond them. */
export function isotonicAt(map: IsotonicMap, score: number): number {
  const { x, y } = map;
  const last = x.length - 1;
  if (score <= x[0]!) {
    return y[0]!;
  }
  if (score >= x[last]!) {
    return y[last]!;
  }
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (x[middle]! <= score) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const share = (score - x[low]!) / (x[high]! - x[low]!);
  return y[low]! + share * (y[high]! - y[low]!);
}
