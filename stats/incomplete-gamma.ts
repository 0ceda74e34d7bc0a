/**
 * The regularised incomplete gamma function: tails of χ², Poisson and normal.
 * Invariant: the smaller of P and Q is computed directly, never as one minus the other.
 */
import { poissonTerm } from "./deviance.ts";

const TERMS_MAX = 200_000;
const EPSILON = 1e-16;
const TINY = 1e-300;

/**
 * Upper regularised incomplete gamma function Q(a, x) = Γ(a, x) / Γ(a).
 * @param a shape, > 0   @param x >= 0
 * @returns a probability in [0, 1]
 * @throws {RangeError} if a <= 0 or x < 0
 * @see scipy.special.gammaincc
 */
export function upperGamma(a: number, x: number): number {
  check(a, x);
  if (x === Number.POSITIVE_INFINITY) {
    return 0;
  }
  return x < a + 1 ? 1 - seriesOfP(a, x) : fractionOfQ(a, x);
}

/**
 * Lower regularised incomplete gamma function P(a, x) = γ(a, x) / Γ(a).
 * @see scipy.special.gammainc; arguments as for upperGamma
 */
export function lowerGamma(a: number, x: number): number {
  check(a, x);
  if (x === Number.POSITIVE_INFINITY) {
    return 1;
  }
  return x < a + 1 ? seriesOfP(a, x) : 1 - fractionOfQ(a, x);
}

function check(a: number, x: number): void {
  if (!(a > 0) || !(x >= 0)) {
    throw new RangeError(`Cannot take an incomplete gamma function: a is "${a}", x is "${x}"`);
  }
}

function seriesOfP(a: number, x: number): number {
  if (x === 0) {
    return 0;
  }
  let term = 1;
  let sum = 1;
  for (let n = 1; n < TERMS_MAX && term > sum * EPSILON; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return Math.min(1, sum * poissonTerm(a, x));
}

/** Modified Lentz evaluation of the continued fraction 1/(x+1−a− 1(1−a)/(x+3−a− …)). */
function fractionOfQ(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < TERMS_MAX; i++) {
    const an = -i * (i - a);
    b += 2;
    d = an * d + b;
    d = Math.abs(d) < TINY ? TINY : d;
    c = b + an / c;
    c = Math.abs(c) < TINY ? TINY : c;
    d = 1 / d;
    const step = d * c;
    h *= step;
    if (Math.abs(step - 1) < EPSILON * 2) {
      break;
    }
  }
  // poissonTerm(a, x) · a is x^a e^(−x) / Γ(a).
  return Math.min(1, h * poissonTerm(a, x) * a);
}
