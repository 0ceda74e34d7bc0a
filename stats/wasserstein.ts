/**
 * The Wasserstein-1 (earth mover's) distance: how far the mass has to be carried, in the feature's
 * unit. Invariant: ∫ |F − G| over the merged points, whatever they are: rows, or cells at their
 * means.
 */

/**
 * Exact distance of two samples.
 * @param a sorted ascending, finite, length >= 1   @param b likewise
 * @throws {RangeError} if either sample is empty
 * @see scipy.stats.wasserstein_distance
 */
export function wassersteinDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length === 0 || b.length === 0) {
    throw new RangeError(
      `Cannot compare two samples: they have ${a.length} and ${b.length} values`,
    );
  }
  let i = 0;
  let j = 0;
  let previous = Math.min(a[0]!, b[0]!);
  let sum = 0;
  while (i < a.length || j < b.length) {
    const takeA = j >= b.length || (i < a.length && a[i]! <= b[j]!);
    const value = takeA ? a[i]! : b[j]!;
    sum += Math.abs(i / a.length - j / b.length) * (value - previous);
    previous = value;
    if (takeA) {
      i++;
    } else {
      j++;
    }
  }
  return sum;
}

/** Mass at points: `values` ascending, `weights` >= 0 of the same length. */
export interface PointMasses {
  readonly values: ArrayLike<number>;
  readonly weights: ArrayLike<number>;
}

/**
 * Distance of two weighted sets of points, such as cells at their means.
 * @returns NaN where a set has no weight
 * @see scipy.stats.wasserstein_distance(u, v, u_weights, v_weights)
 */
export function wassersteinOfPoints(a: PointMasses, b: PointMasses): number {
  const totalA = total(a.weights);
  const totalB = total(b.weights);
  if (totalA === 0 || totalB === 0) {
    return Number.NaN;
  }
  let i = 0;
  let j = 0;
  let sumA = 0;
  let sumB = 0;
  let previous = Math.min(a.values[0]!, b.values[0]!);
  let sum = 0;
  while (i < a.values.length || j < b.values.length) {
    const takeA = j >= b.values.length || (i < a.values.length && a.values[i]! <= b.values[j]!);
    const value = takeA ? a.values[i]! : b.values[j]!;
    sum += Math.abs(sumA / totalA - sumB / totalB) * (value - previous);
    previous = value;
    if (takeA) {
      sumA += a.weights[i++]!;
    } else {
      sumB += b.weights[j++]!;
    }
  }
  return sum;
}

function total(weights: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i]!;
  }
  return sum;
}
