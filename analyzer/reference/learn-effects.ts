/**
 * How dependent the rows of each feature are, learnt from its daily blocks. With two weeks or more, days
 * of the week are phases: that Sundays differ from Mondays is known, not noise.
 */
import { type DesignEffect, INDEPENDENT_ROWS, learnDesignEffect } from "../../stats/index.ts";
import { histogramOf, project } from "../features/feature-reference.ts";
import type { FeatureWindow } from "../features/feature-window.ts";

const DAY_MS = 86_400_000;
const SEASON_DAYS = 7;
/** Three of each weekday, so that residual blocks remain for every phase. */
const SEASON_BLOCKS_MIN = 3 * SEASON_DAYS;

/** One feature's daily windows by day; days may be missing. */
export type DailyWindows = ReadonlyMap<number, FeatureWindow>;

/**
 * @param whole the reference on which the histogram is frozen
 */
export function learnEffect(whole: FeatureWindow, days: DailyWindows): DesignEffect {
  const histogram = histogramOf(whole);
  const times = [...days.keys()].sort((a, b) => a - b);
  const first = times[0];
  const last = times.at(-1);
  if (histogram === null || first === undefined || last === undefined) return INDEPENDENT_ROWS;
  const empty = new Float64Array(histogram.reference.length);
  const blocks: Float64Array[] = [];
  for (let day = first; day <= last; day += DAY_MS) {
    const window = days.get(day);
    blocks.push(window === undefined ? empty : project(histogram, window));
  }
  return learnDesignEffect(blocks, {
    orderedCells: histogram.orderedCells,
    seasonBlocks: blocks.length >= SEASON_BLOCKS_MIN ? SEASON_DAYS : 1,
  });
}
