/**
 * L2-regularised logistic regression on merged cells, by Newton steps whose linear systems are solved
 * by preconditioned conjugate gradients. Deterministic: the same cells in the same order give the same
 * bits. The objective is the summed log-loss plus l2/2 times the squared weights, intercept free.
 */
import { BLOCKS, HOURS, type Layout } from "./features.ts";

/** Places that one cell touches besides the intercept, in the order of `Cells.places`. */
export const PLACES_PER_CELL = 7;

export interface Cells {
  readonly layout: Layout;
  readonly count: number;
  /** `count * PLACES_PER_CELL` places; `layout.size` stands for "no place". */
  readonly places: Uint16Array;
  /** Weight of all rows of a cell, and of its positive ones. */
  readonly weight: Float64Array;
  readonly positive: Float64Array;
}

export interface FitProgress {
  readonly iteration: number;
  readonly objective: number;
  /** Largest absolute derivative, per unit of weight. */
  readonly gradientMax: number;
}

export interface FitOptions {
  readonly l2: number;
  readonly iterationsMax: number;
  /** Stop when no derivative exceeds this share of the total weight. */
  readonly tolerance: number;
  /** Parameters to begin from; zeros when absent. */
  readonly start?: Float64Array;
}

export const DEFAULT_FIT: FitOptions = { l2: 10, iterationsMax: 30, tolerance: 1e-8 };

const CONJUGATE_STEPS_MAX = 200;

/**
 * Yields after each Newton step so that a caller may report progress or stop; returns the parameters
 * (`layout.size` of them, intercept first).
 */
export function* fitLogistic(
  cells: Cells,
  options: FitOptions,
): Generator<FitProgress, Float64Array, undefined> {
  const size = cells.layout.size;
  // One more place than parameters: "no place" reads 0 there and what is written there is dropped.
  let weights: Float64Array = new Float64Array(size + 1);
  if (options.start === undefined) weights[0] = logOdds(cells);
  else weights.set(options.start.subarray(0, size));
  const total = cells.weight.reduce((sum, w) => sum + w, 0);
  let here = evaluate(cells, weights, options.l2);
  for (let iteration = 0; iteration < options.iterationsMax; iteration++) {
    const gradientMax = largest(here.gradient, size) / total;
    yield { iteration, objective: here.objective, gradientMax };
    if (gradientMax <= options.tolerance) break;
    const step = newtonStep(cells, here, gradientMax, options.l2);
    const next = lineSearch(cells, weights, step, here.objective, options.l2);
    if (next === undefined) break;
    ({ weights, here } = next);
  }
  return weights.slice(0, size);
}

interface Evaluation {
  readonly objective: number;
  readonly gradient: Float64Array;
  /** w p (1 - p) of each cell. */
  readonly curvature: Float64Array;
}

function evaluate(cells: Cells, weights: Float64Array, l2: number): Evaluation {
  const { count, places, weight, positive, layout } = cells;
  const gradient = new Float64Array(layout.size + 1);
  const curvature = new Float64Array(count);
  let objective = 0;
  for (let c = 0, at = 0; c < count; c++, at += PLACES_PER_CELL) {
    const z = dot(weights, places, at);
    const w = weight[c]!;
    const y = positive[c]!;
    const e = Math.exp(-Math.abs(z));
    const p = z >= 0 ? 1 / (1 + e) : e / (1 + e);
    // log(1 + exp(z)) without overflow, whatever the sign of z.
    objective += w * (Math.max(z, 0) + Math.log1p(e)) - y * z;
    curvature[c] = w * p * (1 - p);
    scatter(gradient, places, at, w * p - y);
  }
  for (let j = 1; j < layout.size; j++) {
    objective += (l2 / 2) * weights[j]! * weights[j]!;
    gradient[j] = gradient[j]! + l2 * weights[j]!;
  }
  return { objective, gradient, curvature };
}

/** Solves (H + l2) s = -gradient to a residual that shrinks with the gradient (inexact Newton). */
function newtonStep(cells: Cells, here: Evaluation, gradientMax: number, l2: number): Float64Array {
  const size = cells.layout.size;
  const soften = preconditioner(cells, here.curvature, l2);
  const step = new Float64Array(size + 1);
  const residual = here.gradient.map((g) => -g);
  residual[size] = 0;
  const conditioned = new Float64Array(size + 1);
  soften(residual, conditioned);
  const direction = conditioned.slice();
  let rho = inner(residual, conditioned, size);
  // Solving the first systems exactly would be wasted: the next one is another.
  const rhoEnd = rho * Math.min(1e-2, gradientMax);
  for (let k = 0; k < CONJUGATE_STEPS_MAX && rho > rhoEnd; k++) {
    const image = hessianTimes(cells, here.curvature, direction, l2);
    const alpha = rho / inner(direction, image, size);
    for (let j = 0; j < size; j++) {
      step[j] = step[j]! + alpha * direction[j]!;
      residual[j] = residual[j]! - alpha * image[j]!;
    }
    soften(residual, conditioned);
    const rhoNext = inner(residual, conditioned, size);
    const beta = rhoNext / rho;
    rho = rhoNext;
    for (let j = 0; j < size; j++) direction[j] = conditioned[j]! + beta * direction[j]!;
  }
  return step;
}

/** Halves the step until the objective falls enough (Armijo); undefined when it cannot fall further. */
function lineSearch(
  cells: Cells,
  weights: Float64Array,
  step: Float64Array,
  objective: number,
  l2: number,
): { weights: Float64Array; here: Evaluation } | undefined {
  for (let share = 1; share > 1e-6; share /= 2) {
    const tried = weights.map((w, j) => w + share * step[j]!);
    const here = evaluate(cells, tried, l2);
    if (here.objective < objective) return { weights: tried, here };
  }
  return undefined;
}

/**
 * An approximate inverse of the Hessian. An airport and its six blocks say the same thing twice, which
 * makes a plain diagonal need hundreds of steps; each such family (one centre, its leaves) has a Hessian
 * of arrow shape and is solved exactly here, likewise the intercept with the hours.
 */
function preconditioner(
  cells: Cells,
  curvature: Float64Array,
  l2: number,
): (residual: Float64Array, into: Float64Array) => void {
  const { layout } = cells;
  const diagonal = new Float64Array(layout.size + 1);
  for (let c = 0, at = 0; c < cells.count; c++, at += PLACES_PER_CELL) {
    scatter(diagonal, cells.places, at, curvature[c]!);
  }
  const ridge = l2 + 1e-9;
  const solveFamily = (
    [centre, leaf, leaves]: Family,
    residual: Float64Array,
    into: Float64Array,
  ): void => {
    let schur = diagonal[centre]! + (centre === 0 ? 1e-9 : ridge);
    let right = residual[centre]!;
    for (let j = leaf; j < leaf + leaves; j++) {
      const share = diagonal[j]! / (diagonal[j]! + ridge);
      schur -= share * diagonal[j]!;
      right -= share * residual[j]!;
    }
    const solved = right / schur;
    into[centre] = solved;
    for (let j = leaf; j < leaf + leaves; j++) {
      into[j] = (residual[j]! - diagonal[j]! * solved) / (diagonal[j]! + ridge);
    }
  };
  const families = familiesOf(layout);
  return (residual, into) => {
    for (const family of families) solveFamily(family, residual, into);
    for (let j = layout.day; j < layout.origin; j++)
      into[j] = residual[j]! / (diagonal[j]! + ridge);
  };
}

/** A centre, its first leaf and the number of leaves. */
type Family = readonly [centre: number, leaf: number, leaves: number];

function familiesOf(layout: Layout): readonly Family[] {
  const blocksOf = (centre: number, leaf: number, names: readonly string[]): Family[] =>
    names.map((_, i) => [centre + i, leaf + i * BLOCKS, BLOCKS]);
  return [
    [0, layout.hour, HOURS],
    ...blocksOf(layout.origin, layout.originBlock, layout.origins),
    ...blocksOf(layout.destination, layout.destinationBlock, layout.destinations),
  ];
}

function hessianTimes(
  cells: Cells,
  curvature: Float64Array,
  vector: Float64Array,
  l2: number,
): Float64Array {
  const { places, count, layout } = cells;
  const image = new Float64Array(layout.size + 1);
  vector[layout.size] = 0;
  for (let c = 0, at = 0; c < count; c++, at += PLACES_PER_CELL) {
    scatter(image, places, at, curvature[c]! * dot(vector, places, at));
  }
  for (let j = 1; j < layout.size; j++) image[j] = image[j]! + l2 * vector[j]!;
  return image;
}

/** Intercept plus the cell's seven places, written out: this is the inner loop of every fit. */
function dot(v: Float64Array, places: Uint16Array, at: number): number {
  return (
    v[0]! +
    v[places[at]!]! +
    v[places[at + 1]!]! +
    v[places[at + 2]!]! +
    v[places[at + 3]!]! +
    v[places[at + 4]!]! +
    v[places[at + 5]!]! +
    v[places[at + 6]!]!
  );
}

function scatter(v: Float64Array, places: Uint16Array, at: number, value: number): void {
  v[0] = v[0]! + value;
  for (let k = at; k < at + PLACES_PER_CELL; k++) v[places[k]!] = v[places[k]!]! + value;
}

function inner(a: Float64Array, b: Float64Array, size: number): number {
  let sum = 0;
  for (let j = 0; j < size; j++) sum += a[j]! * b[j]!;
  return sum;
}

function largest(v: Float64Array, size: number): number {
  let most = 0;
  for (let j = 0; j < size; j++) most = Math.max(most, Math.abs(v[j]!));
  return most;
}

function logOdds(cells: Cells): number {
  const total = cells.weight.reduce((sum, w) => sum + w, 0);
  const positive = cells.positive.reduce((sum, w) => sum + w, 0);
  const rate = Math.min(Math.max(positive / total, 1e-6), 1 - 1e-6);
  return Math.log(rate / (1 - rate));
}
