/**
 * What one feature is compared with: its histogram, frozen on the reference, the reference's own cells per
 * declared segment, and how dependent its rows are. Invariant: made once per reference, from its rollups.
 */
import {
  type CategoryHistogram,
  type DesignEffect,
  type DriftInput,
  type Histogram,
  type NumericHistogram,
  categoryHistogram,
  numericHistogram,
  projectCategories,
  projectCells,
} from "../../stats/index.ts";
import { ALL_ROWS, type FeatureWindow } from "./feature-window.ts";

export interface FeatureReference {
  readonly feature: string;
  readonly histogram: Histogram;
  /** The reference's own windows; all rows under ALL_ROWS. */
  readonly segments: ReadonlyMap<string, FeatureWindow>;
  readonly effect: DesignEffect;
  /** Days that the reference spans. */
  readonly blocks: number;
}

/** Few enough that a day of one client fills them. */
const BINS_MAX = 24;
const CATEGORIES_MAX = 64;

/** Null when the reference holds no value of the feature. */
export function histogramOf(window: FeatureWindow): Histogram | null {
  if (window.kind === "numeric") {
    return window.counts.cells.length === 0
      ? null
      : numericHistogram(window.counts, { binsMax: BINS_MAX });
  }
  return window.counts.counts.size === 0
    ? null
    : categoryHistogram(window.counts, { categoriesMax: CATEGORIES_MAX });
}

/**
 * A window's rows on the cells of a histogram.
 * @throws {RangeError} if the window is of another kind or grid
 */
export function project(histogram: Histogram, window: FeatureWindow): Float64Array {
  if (histogram.kind === "numeric" && window.kind === "numeric") {
    return projectCells(histogram, window.counts);
  }
  if (histogram.kind === "categorical" && window.kind === "categorical") {
    return projectCategories(histogram, window.counts);
  }
  throw new RangeError(`Cannot read a ${window.kind} window on a ${histogram.kind} histogram`);
}

/** The same cells with the counts of another reference, such as a segment's. */
export function withReference(histogram: Histogram, reference: Float64Array): Histogram {
  return histogram.kind === "numeric"
    ? ({ ...histogram, reference } satisfies NumericHistogram)
    : ({ ...histogram, reference } satisfies CategoryHistogram);
}

/** What the drift statistics take; null where the reference does not know the segment. */
export function driftInput(
  reference: FeatureReference,
  segment: string,
  window: FeatureWindow,
  days: number,
): DriftInput | null {
  const own = reference.segments.get(segment);
  if (own === undefined) return null;
  const histogram =
    segment === ALL_ROWS
      ? reference.histogram
      : withReference(reference.histogram, project(reference.histogram, own));
  const cells =
    own.kind === "numeric" && window.kind === "numeric"
      ? { cells: { reference: own.counts, current: window.counts } }
      : {};
  return {
    histogram,
    current: project(histogram, window),
    ...cells,
    designEffect: reference.effect,
    blocks: { reference: Math.max(1, reference.blocks), current: days },
  };
}
