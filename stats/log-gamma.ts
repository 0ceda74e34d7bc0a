/**
 * ln Γ(x) and the error of Stirling's formula: the base of every probability here.
 * Invariant: 14 digits over the whole positive axis, so that tails can be trusted to 1e-12.
 */

/** Lanczos coefficients for g = 607/128 (Godfrey), error below 1e-15 for x > 0. */
const LANCZOS = [
  0.9999999999999971, 57.15623566586292, -59.59796035547549, 14.136097974741746,
  -0.4919138160976202, 0.00003399464998481189, 0.00004652362892704858, -0.00009837447530487956,
  0.0001580887032249125, -0.00021026444172410488, 0.00021743961811521265, -0.0001643181065367639,
  0.00008441822398385275, -0.000026190838401581408, 0.0000036899182659531625,
] as const;
const HALF_LOG_TWO_PI = 0.9189385332046728;

/**
 * Natural logarithm of the gamma function.
 * @param x positive, finite
 * @throws {RangeError} if x is not positive
 * @see scipy.special.gammaln
 */
export function logGamma(x: number): number {
  if (!(x > 0)) {
    throw new RangeError(`Cannot take ln gamma as a real number: x is "${x}"`);
  }
  if (x < 0.5) {
    return logGamma(x + 1) - Math.log(x);
  }
  if (x > 16) {
    return (x - 0.5) * Math.log(x) - x + HALF_LOG_TWO_PI + stirlingSeries(x);
  }
  const base = x + 607 / 128 - 0.5;
  let sum: number = LANCZOS[0];
  for (let i = 1; i < LANCZOS.length; i++) {
    sum += LANCZOS[i]! / (x - 1 + i);
  }
  return (x - 0.5) * Math.log(base) - base + HALF_LOG_TWO_PI + Math.log(sum);
}

/**
 * ln Γ(x + 1) minus Stirling's ½ ln(2πx) + x ln x − x.
 * @param x positive
 * @see Loader (2000), "Fast and accurate computation of binomial probabilities"
 */
export function stirlingError(x: number): number {
  if (x > 16) {
    return stirlingSeries(x);
  }
  return logGamma(x + 1) - (x + 0.5) * Math.log(x) + x - HALF_LOG_TWO_PI;
}

function stirlingSeries(x: number): number {
  const r = 1 / (x * x);
  const tail = 1 / 1680 - r * (1 / 1188 - r * (691 / 360360 - r / 156));
  return (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * tail))) / x;
}
