/**
 * The smallest shift of each column that a week of this traffic could show: against the model's reference
 * where it has one, else against as many days of its own traffic as a reference is learnt from.
 */
import { DAY_MS, WEEK_MS } from "../../contract/window.ts";
import { INDEPENDENT_ROWS, driftEvidence } from "../../stats/index.ts";
import { DRIFT_ALPHA } from "../drift/judge-drift.ts";
import { Evaluation, type ModelContext, type StageDeps } from "../evaluation.ts";
import { type FeatureReference, driftInput, histogramOf } from "../features/feature-reference.ts";
import { ALL_ROWS, type FeatureWindow, addWindows } from "../features/feature-window.ts";
import { readSpan } from "../features/read-span.ts";
import { EMPTY_MEMORY } from "../memory.ts";
import { withLiveEffects } from "../stages/live-effects.ts";

export interface VisibleShift {
  readonly feature: string;
  /** In standard deviations, found in 4 of 5 such weeks; null where one cannot be found. */
  readonly shift: number | null;
  readonly rows: number;
  /** Rows that weigh as much as the window's dependent ones. */
  readonly rowsEffective: number;
  /** False: taken as independent, since nothing is known of their dependence yet. */
  readonly dependenceKnown: boolean;
}

/** Weeks that stand in for a reference that is not there yet. */
const STAND_IN_WEEKS = 2;

/** @param throughMs end of the week that is looked at; whole days before it are read */
export async function visibleShifts(
  context: ModelContext,
  throughMs: number,
  deps: StageDeps,
): Promise<readonly VisibleShift[]> {
  const { model, grids, reference } = context;
  const toMs = Math.ceil(throughMs / DAY_MS) * DAY_MS;
  const fromMs = toMs - WEEK_MS;
  const span = { model, fromMs, toMs, tags: [""], version: "" };
  const windows = new Map<string, FeatureWindow>();
  const references = new Map<string, FeatureReference>();
  for (const [feature, segments] of await readSpan(span, grids, deps.store)) {
    const window = segments.get(ALL_ROWS);
    const known = reference?.features.get(feature);
    const own = window === undefined ? null : (known ?? standIn(feature, window));
    if (window === undefined || own === null) continue;
    windows.set(feature, window);
    references.set(feature, own);
  }
  const evaluation = new Evaluation(context, EMPTY_MEMORY);
  const week = { grain: "week", fromMs, toMs } as const;
  const taught = await withLiveEffects(evaluation, references, week, deps);
  return [...windows].flatMap(([feature, window]) => {
    const own = taught.get(feature);
    return own === undefined ? [] : [shiftOf(own, window)];
  });
}

function standIn(feature: string, window: FeatureWindow): FeatureReference | null {
  const whole = addWindows(Array.from({ length: STAND_IN_WEEKS }, () => window));
  const histogram = histogramOf(whole);
  if (histogram === null) return null;
  const segments = new Map([[ALL_ROWS, whole]]);
  return { feature, histogram, segments, effect: INDEPENDENT_ROWS, blocks: 7 * STAND_IN_WEEKS };
}

function shiftOf(reference: FeatureReference, window: FeatureWindow): VisibleShift {
  const { feature, effect } = reference;
  const input = driftInput(reference, ALL_ROWS, window, WEEK_MS / DAY_MS);
  const isSame = input !== null && reference.segments.get(ALL_ROWS)?.kind === window.kind;
  const evidence = isSame ? driftEvidence(input, DRIFT_ALPHA) : null;
  const shift = evidence?.smallestDetectableShift ?? Number.NaN;
  return {
    feature,
    shift: Number.isFinite(shift) ? shift : null,
    rows: window.rows,
    rowsEffective: evidence?.rowsEffective.current ?? 0,
    dependenceKnown: effect !== INDEPENDENT_ROWS,
  };
}
