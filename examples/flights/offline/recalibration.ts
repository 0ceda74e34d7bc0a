/**
 * Platt scaling: what two parameters on top of the old model would have given. Fitted by Newton's method
 * on the log-odds of its scores.
 */
export interface Platt {
  readonly intercept: number;
  readonly slope: number;
}

const ITERATIONS_MAX = 25;
const logOdds = (p: number): number => Math.log(p / (1 - p));

/** @param rows indices into both columns */
export function fitPlatt(
  scores: Float64Array,
  late: ArrayLike<number>,
  rows: Iterable<number>,
): Platt {
  const chosen = [...rows];
  const x = Float64Array.from(chosen, (row) => logOdds(scores[row]!));
  let a = 0;
  let b = 1;
  for (let iteration = 0; iteration < ITERATIONS_MAX; iteration++) {
    let [g0, g1, h00, h01, h11] = [0, 0, 0, 0, 0];
    for (let i = 0; i < chosen.length; i++) {
      const p = 1 / (1 + Math.exp(-(a + b * x[i]!)));
      const residual = p - late[chosen[i]!]!;
      const w = p * (1 - p);
      g0 += residual;
      g1 += residual * x[i]!;
      h00 += w;
      h01 += w * x[i]!;
      h11 += w * x[i]! * x[i]!;
    }
    const determinant = h00 * h11 - h01 * h01;
    const stepA = (h11 * g0 - h01 * g1) / determinant;
    const stepB = (h00 * g1 - h01 * g0) / determinant;
    a -= stepA;
    b -= stepB;
    if (Math.abs(stepA) + Math.abs(stepB) < 1e-10) break;
  }
  return { intercept: a, slope: b };
}

export const recalibrated = (platt: Platt, score: number): number =>
  1 / (1 + Math.exp(-(platt.intercept + platt.slope * logOdds(score))));
