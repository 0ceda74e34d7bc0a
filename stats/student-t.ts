/** Student's t distribution: the interval of everything that is clustered by few blocks. */
import { binomialTerm } from "./deviance.ts";
import { regularizedBeta } from "./incomplete-beta.ts";
import { invertSurvival } from "./invert-survival.ts";
import { normalQuantile, normalSurvival } from "./normal.ts";

/**
 * P(T > t).
 * @param degreesOfFreedom > 0, may be fractional; Infinity gives the normal distribution
 * @throws {RangeError} if degreesOfFreedom is not positive
 * @see scipy.stats.t.sf
 */
export function studentSurvival(t: number, degreesOfFreedom: number): number {
  const v = degreesOfFreedom;
  if (!(v > 0)) {
    throw new RangeError(`Cannot take a tail of Student's t: degrees of freedom are "${v}"`);
  }
  if (v === Number.POSITIVE_INFINITY) {
    return normalSurvival(t);
  }
  if (!Number.isFinite(t)) {
    return t > 0 ? 0 : 1;
  }
  const square = t * t;
  const x = v / (v + square);
  const y = square / (v + square);
  const tail = regularizedBeta(x, v / 2, 0.5, y) / 2;
  return t >= 0 ? tail : 1 - tail;
}

/**
 * The t with P(T <= t) = p.
 * @param p in (0, 1)
 * @throws {RangeError} if p is outside (0, 1)
 * @see scipy.stats.t.ppf
 */
export function studentQuantile(p: number, degreesOfFreedom: number): number {
  if (!(p > 0 && p < 1)) {
    throw new RangeError(`Cannot take a quantile of Student's t: p is "${p}"`);
  }
  if (degreesOfFreedom === Number.POSITIVE_INFINITY) {
    return normalQuantile(p);
  }
  if (p === 0.5) {
    return 0;
  }
  if (p < 0.5) {
    return -studentIsf(p, degreesOfFreedom);
  }
  return studentIsf(1 - p, degreesOfFreedom);
}

function studentIsf(tail: number, v: number): number {
  const z = normalQuantile(1 - tail);
  return invertSurvival(
    { survival: (t) => studentSurvival(t, v), density: (t) => studentDensity(t, v) },
    tail,
    z * (1 + (z * z + 1) / (4 * v)),
  );
}

function studentDensity(t: number, v: number): number {
  // With x = v/(v+t²): f(t) = x^(v/2) (1−x)^(1/2) / (|t| B(v/2, 1/2)).
  const square = t * t;
  const x = v / (v + square);
  const y = square / (v + square);
  const a = v / 2;
  return (binomialTerm(a, 0.5, x, y) * a * 0.5) / (a + 0.5) / Math.abs(t);
}
