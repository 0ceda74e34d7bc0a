/**
 * The regularised incomplete beta function: tails of binomial, Student's t and F.
 * Invariant: the smaller side is computed directly, so small tails keep their digits.
 */
import { binomialTerm } from "./deviance.ts";

const TERMS_MAX = 200_000;
const TINY = 1e-300;

/**
 * I_x(a, b), the distribution function of Beta(a, b) at x.
 * @param x in [0, 1]   @param a > 0   @param b > 0
 * @param y 1 − x; hand it in where it is known with more digits than 1 − x has
 * @throws {RangeError} if x is outside [0, 1], a <= 0 or b <= 0
 * @see scipy.special.betainc
 */
export function regularizedBeta(x: number, a: number, b: number, y: number = 1 - x): number {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) {
    throw new RangeError(`Cannot take an incomplete beta function: x "${x}", a "${a}", b "${b}"`);
  }
  if (x === 0 || y === 0) {
    return x === 0 ? 0 : 1;
  }
  if (x <= (a + 1) / (a + b + 2)) {
    return Math.min(1, (prefactor(x, y, a, b) * fraction(x, a, b)) / a);
  }
  return Math.max(0, 1 - (prefactor(x, y, a, b) * fraction(y, b, a)) / b);
}

/** x^a y^b / B(a, b). */
function prefactor(x: number, y: number, a: number, b: number): number {
  return (binomialTerm(a, b, x, y) * (a * b)) / (a + b);
}

/** Modified Lentz evaluation of the continued fraction (Numerical Recipes §6.4). */
function fraction(x: number, a: number, b: number): number {
  const ab = a + b;
  let c = 1;
  let d = clear(1 - (ab * x) / (a + 1));
  d = 1 / d;
  let h = d;
  for (let m = 1; m < TERMS_MAX; m++) {
    const even = (m * (b - m) * x) / ((a - 1 + 2 * m) * (a + 2 * m));
    d = 1 / clear(1 + even * d);
    c = clear(1 + even / c);
    h *= d * c;
    const odd = (-(a + m) * (ab + m) * x) / ((a + 2 * m) * (a + 1 + 2 * m));
    d = 1 / clear(1 + odd * d);
    c = clear(1 + odd / c);
    const step = d * c;
    h *= step;
    if (Math.abs(step - 1) < 3e-16) {
      break;
    }
  }
  return h;
}

function clear(value: number): number {
  return Math.abs(value) < TINY ? TINY : value;
}
