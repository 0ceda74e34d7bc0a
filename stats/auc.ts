/**
 * Area under the ROC curve: the share of (positive, negative) pairs in the right order, ties half.
 * Invariant: ties count one half (mid-ranks), whatever the order of rows.
 */

/**
 * AUC from rows.
 * @param scores finite   @param labels 1 positive, anything else negative; same length
 * @param weights optional, >= 0, same length
 * @returns in [0, 1]; NaN where one class is missing
 * @throws {RangeError} if the lengths differ
 * @see sklearn.metrics.roc_auc_score
 */
export function auc(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  weights?: ArrayLike<number>,
): number {
  if (scores.length !== labels.length) {
    throw new RangeError(
      `Cannot pair scores with labels: lengths are ${scores.length} and ${labels.length}`,
    );
  }
  return weights === undefined ? plainAuc(scores, labels) : weightedAuc(scores, labels, weights);
}

/** Sorting typed arrays of numbers is five times faster than sorting indices by them. */
function plainAuc(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  let positiveCount = 0;
  for (let i = 0; i < labels.length; i++) {
    positiveCount += labels[i] === 1 ? 1 : 0;
  }
  const positives = new Float64Array(positiveCount);
  const negatives = new Float64Array(labels.length - positiveCount);
  let p = 0;
  let q = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 1) {
      positives[p++] = scores[i]!;
    } else {
      negatives[q++] = scores[i]!;
    }
  }
  return aucOfSorted(positives.sort(), negatives.sort());
}

/**
 * AUC of two samples of scores, each sorted ascending.
 * @returns NaN where one is empty
 */
export function aucOfSorted(positives: Float64Array, negatives: Float64Array): number {
  let below = 0;
  let upTo = 0;
  let wins = 0;
  for (let i = 0; i < positives.length; i++) {
    const score = positives[i]!;
    while (below < negatives.length && negatives[below]! < score) {
      below++;
    }
    upTo = Math.max(upTo, below);
    while (upTo < negatives.length && negatives[upTo]! <= score) {
      upTo++;
    }
    wins += (below + upTo) / 2;
  }
  return wins / (positives.length * negatives.length);
}

function weightedAuc(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  weights: ArrayLike<number>,
): number {
  const cells = distinct(Float64Array.from(scores).sort());
  const positives = new Float64Array(cells.length);
  const negatives = new Float64Array(cells.length);
  for (let i = 0; i < scores.length; i++) {
    const cell = placeIn(cells, scores[i]!);
    const side = labels[i] === 1 ? positives : negatives;
    side[cell] = side[cell]! + weights[i]!;
  }
  return aucOfCounts(positives, negatives);
}

function distinct(sorted: Float64Array): Float64Array {
  let count = 0;
  for (let i = 0; i < sorted.length; i++) {
    if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[count++] = sorted[i]!;
  }
  return sorted.subarray(0, count);
}

/** Where `value`, which is among them, stands in ascending numbers. */
function placeIn(ascending: Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * AUC from counts per cell of score, cells ascending; rows of one cell are ties.
 * @param positives weight of positives per cell   @param negatives likewise, same length
 * @returns NaN where one class is missing
 */
export function aucOfCounts(positives: ArrayLike<number>, negatives: ArrayLike<number>): number {
  let negativesBelow = 0;
  let positiveTotal = 0;
  let wins = 0;
  for (let i = 0; i < positives.length; i++) {
    wins += positives[i]! * (negativesBelow + negatives[i]! / 2);
    negativesBelow += negatives[i]!;
    positiveTotal += positives[i]!;
  }
  return wins / (positiveTotal * negativesBelow);
}
