/**
 * Folds of a table of counts. Invariant: rows of one score are exchangeable, so dealing them at
 * random is as good a split as one of the rows themselves; the folds add up to the table.
 */
import type { ScoreCounts } from "./isotonic.ts";

/**
 * Deals the rows of a table at random into parts, for fitCalibration where days were not kept
 * apart.
 * @param parts at least 1   @param random uniform numbers in [0, 1), seeded where a run must repeat
 */
export function splitScoreCounts(
  counts: ScoreCounts,
  parts: number,
  random: { next(): number },
): ScoreCounts[] {
  const folds = Array.from({ length: parts }, () => ({
    scores: counts.scores,
    rows: new Float64Array(counts.scores.length),
    positives: new Float64Array(counts.scores.length),
  }));
  for (let i = 0; i < counts.scores.length; i++) {
    for (let row = 0; row < counts.rows[i]!; row++) {
      const fold = folds[Math.floor(random.next() * parts)]!;
      fold.rows[i] = fold.rows[i]! + 1;
      fold.positives[i] = fold.positives[i]! + (row < counts.positives[i]! ? 1 : 0);
    }
  }
  return folds;
}
