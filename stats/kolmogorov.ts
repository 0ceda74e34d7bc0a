/** Kolmogorov's limiting distribution of √n · sup |F_n − F|. */

/**
 * P(K > x).
 * @returns a probability in [0, 1]; 1 for x <= 0
 * @see scipy.special.kolmogorov
 */
export function kolmogorovSurvival(x: number): number {
  if (!(x > 0)) {
    return 1;
  }
  if (x < 1) {
    // The theta form converges fast where the alternating one does not.
    const exponent = -(Math.PI * Math.PI) / (8 * x * x);
    let sum = 0;
    for (let k = 1; k <= 9; k += 2) {
      sum += Math.exp(exponent * k * k);
    }
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum;
  }
  let sum = 0;
  for (let k = 1; k <= 8; k++) {
    const term = Math.exp(-2 * k * k * x * x);
    sum += k % 2 === 1 ? term : -term;
  }
  return Math.min(1, 2 * sum);
}

/**
 * The x with P(K > x) = alpha.
 * @param alpha in (0, 1)
 * @see scipy.special.kolmogi
 */
export function kolmogorovQuantile(alpha: number): number {
  if (!(alpha > 0 && alpha < 1)) {
    throw new RangeError(`Cannot take a Kolmogorov quantile: alpha is "${alpha}"`);
  }
  let lower = 0;
  let upper = 30;
  for (let i = 0; i < 200 && upper - lower > 1e-15 * upper; i++) {
    const middle = (lower + upper) / 2;
    if (kolmogorovSurvival(middle) > alpha) {
      lower = middle;
    } else {
      upper = middle;
    }
  }
  return (lower + upper) / 2;
}
