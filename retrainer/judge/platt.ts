/**
 * Platt scaling: sigmoid(a · logit(score) + b), fitted by Newton's method. What recalibration alone would
 * give is known before a training is paid for.
 */
import { PROBABILITY_MIN, rowLogLoss } from "../../stats/index.ts";

export interface PlattScale {
  readonly a: number;
  readonly b: number;
}

const ITERATIONS_MAX = 50;
const TOLERANCE = 1e-10;
/** Scores nearer to 0 and 1 than this are Float32 rounding, not information. */
const SCORE_MIN = 1e-6;

export function logit(score: number): number {
  const p = Math.min(Math.max(score, SCORE_MIN), 1 - SCORE_MIN);
  return Math.log(p / (1 - p));
}

export function scaled(scale: PlattScale, score: number): number {
  return 1 / (1 + Math.exp(-(scale.a * logit(score) + scale.b)));
}

/**
 * The scale of least log-loss on these rows.
 * @returns null where rows of both classes are not there, or the fit does not settle
 */
export function fitPlatt(scores: ArrayLike<number>, labels: ArrayLike<number>): PlattScale | null {
  const n = scores.length;
  let positives = 0;
  for (let i = 0; i < n; i++) positives += labels[i]!;
  if (positives === 0 || positives === n) return null;
  const x = Float64Array.from(scores, logit);
  let [a, b] = [1, 0];
  for (let iteration = 0; iteration < ITERATIONS_MAX; iteration++) {
    let [ga, gb, haa, hab, hbb] = [0, 0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const p = 1 / (1 + Math.exp(-(a * x[i]! + b)));
      const error = p - labels[i]!;
      const weight = Math.max(p * (1 - p), PROBABILITY_MIN);
      ga += error * x[i]!;
      gb += error;
      haa += weight * x[i]! * x[i]!;
      hab += weight * x[i]!;
      hbb += weight;
    }
    const determinant = haa * hbb - hab * hab;
    if (!(determinant > 0)) return null;
    const [da, db] = [(hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant];
    a -= da;
    b -= db;
    if (Math.abs(da) + Math.abs(db) < TOLERANCE) return { a, b };
  }
  return Number.isFinite(a) && Number.isFinite(b) ? { a, b } : null;
}

/** Mean log-loss of scaled scores minus that of the scores as they are. */
export function plattLossChange(
  scale: PlattScale,
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
): number {
  let change = 0;
  for (let i = 0; i < scores.length; i++) {
    change +=
      rowLogLoss(scaled(scale, scores[i]!), labels[i]!) - rowLogLoss(scores[i]!, labels[i]!);
  }
  return change / scores.length;
}
