/**
 * Quantiles by inverting a survival function: Newton steps on ln p, kept inside a bracket.
 * Invariant: the bracket always holds the answer, so a bad step costs a bisection, not the result.
 */
export interface SurvivalFunction {
  readonly survival: (x: number) => number;
  readonly density: (x: number) => number;
}

const STEPS_MAX = 300;

/**
 * The x >= 0 with survival(x) = p.
 * @param p in (0, 1)   @param start a first guess, > 0
 */
export function invertSurvival(f: SurvivalFunction, p: number, start: number): number {
  let lower = 0;
  let upper = Number.POSITIVE_INFINITY;
  let x = start > 0 && Number.isFinite(start) ? start : 1;
  const target = Math.log(p);
  for (let i = 0; i < STEPS_MAX; i++) {
    const survival = f.survival(x);
    if (survival >= p) {
      lower = x;
    } else {
      upper = x;
    }
    // Newton on ln S(x) − ln p; where S underflows, halve.
    const step =
      survival > 0 ? ((Math.log(survival) - target) * survival) / f.density(x) : Number.NaN;
    let next = x + step;
    if (!(next > lower && next < upper)) {
      next = upper === Number.POSITIVE_INFINITY ? 2 * x + 1 : (lower + upper) / 2;
    }
    if (Math.abs(next - x) <= 2e-16 * Math.abs(x)) {
      return next;
    }
    x = next;
  }
  return x;
}
