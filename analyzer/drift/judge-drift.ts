/**
 * Drift of all features and segments of one window, judged together: evidence that knows the effective
 * sample size, corrected for how many are looked at, and an effect that matters. Pure: counts in, verdicts
 * with their reason and everything that is needed to compute them again out.
 */
import {
  type DriftVerdict,
  type DriftEvidence,
  benjaminiHochberg,
  decideDrift,
  driftEvidence,
} from "../../stats/index.ts";
import { type FeatureReference, driftInput } from "../features/feature-reference.ts";
import { ALL_ROWS, type FeatureWindow, type WindowSet } from "../features/feature-window.ts";

export interface JudgedDrift {
  readonly feature: string;
  /** Key of the segment; ALL_ROWS for all. */
  readonly segment: string;
  readonly verdict: DriftVerdict;
  /** Counts on the histogram's cells: what the verdict was computed from. */
  readonly referenceCounts: Float64Array;
  readonly current: Float64Array;
}

export const DRIFT_ALPHA = 0.001;

/**
 * @param days whole days of the window, the blocks of its dependence
 * @returns one entry per feature and segment that reference and window both know
 */
export function judgeDrift(
  references: ReadonlyMap<string, FeatureReference>,
  windows: WindowSet,
  days: number,
): readonly JudgedDrift[] {
  const found: (Omit<JudgedDrift, "verdict"> & { evidence: DriftEvidence })[] = [];
  for (const [feature, bySegment] of windows) {
    const reference = references.get(feature);
    if (reference === undefined) continue;
    for (const [segment, window] of bySegment) {
      const compared = compare(reference, segment, window, days);
      if (compared !== null) found.push({ feature, segment, ...compared });
    }
  }
  const corrected = benjaminiHochberg(found.map(({ evidence }) => evidence.pValues.joint));
  return found.map(({ evidence, ...entry }, i) => ({
    ...entry,
    verdict: decideDrift(evidence, { alpha: DRIFT_ALPHA, pValueAdjusted: corrected[i] ?? 1 }),
  }));
}

function compare(
  reference: FeatureReference,
  segment: string,
  window: FeatureWindow,
  days: number,
): { evidence: DriftEvidence; referenceCounts: Float64Array; current: Float64Array } | null {
  const own = reference.segments.get(segment);
  if (own === undefined || own.kind !== window.kind) return null;
  const input = driftInput(reference, segment, window, days);
  if (input === null) return null;
  const evidence = driftEvidence(input, DRIFT_ALPHA);
  return { evidence, referenceCounts: input.histogram.reference, current: input.current };
}

/** Entries that drifted, all rows first. */
export function drifted(judged: readonly JudgedDrift[]): readonly JudgedDrift[] {
  return judged
    .filter(({ verdict }) => verdict.verdict === "drift")
    .sort((a, b) => Number(b.segment === ALL_ROWS) - Number(a.segment === ALL_ROWS));
}
