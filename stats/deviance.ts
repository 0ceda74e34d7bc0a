/**
 * Loader's saddle-point form of binomial and Poisson probabilities for real arguments. Invariant:
 * no difference of large logarithms, so relative accuracy holds for counts of a billion as for ten.
 */
import { stirlingError } from "./log-gamma.ts";

const TWO_PI = 2 * Math.PI;

/**
 * x ln(x / mean) + mean − x without cancellation.
 * @param x positive   @param mean positive
 */
export function deviance(x: number, mean: number): number {
  const gap = x - mean;
  if (Math.abs(gap) >= 0.1 * (x + mean)) {
    return x * Math.log(x / mean) - gap;
  }
  const v = gap / (x + mean);
  let sum = gap * v;
  let term = 2 * x * v;
  const square = v * v;
  for (let j = 1; j < 1000; j++) {
    term *= square;
    const next = sum + term / (2 * j + 1);
    if (next === sum) {
      break;
    }
    sum = next;
  }
  return sum;
}

/** x^a e^(−x) / Γ(a + 1) for real a ≥ 0, x ≥ 0: the Poisson probability of a at mean x. */
export function poissonTerm(a: number, x: number): number {
  if (x === 0) {
    return a === 0 ? 1 : 0;
  }
  if (a === 0) {
    return Math.exp(-x);
  }
  return Math.exp(-stirlingError(a) - deviance(a, x)) / Math.sqrt(TWO_PI * a);
}

/**
 * Γ(a+b+1) / (Γ(a+1) Γ(b+1)) x^a y^b for real a, b ≥ 0: the binomial probability of a in a + b
 * trials.
 * @param x success probability   @param y 1 − x, handed in because 1 − x may have lost its digits
 */
export function binomialTerm(a: number, b: number, x: number, y: number): number {
  if (x === 0 || y === 0) {
    return (x === 0 ? a : b) === 0 ? 1 : 0;
  }
  const n = a + b;
  if (a === 0) {
    return Math.exp(b * (x < 0.5 ? Math.log1p(-x) : Math.log(y)));
  }
  if (b === 0) {
    return Math.exp(a * (y < 0.5 ? Math.log1p(-y) : Math.log(x)));
  }
  const exponent =
    stirlingError(n) -
    stirlingError(a) -
    stirlingError(b) -
    deviance(a, n * x) -
    deviance(b, n * y);
  return Math.exp(exponent) * Math.sqrt(n / (TWO_PI * a * b));
}
