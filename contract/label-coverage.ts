/**
 * How many of the predictions have a label, and how many must before their figures mean something: labels
 * that are there first are not a fair sample. One bound for alerts, triggers and the judge.
 */

export interface LabelCounts {
  readonly predictions: number;
  readonly labelled: number;
  /** Of the predictions those whose outcome is never seen: nobody waits for their labels. */
  readonly censored?: number;
}

export const COVERAGE_MIN = 0.8;

/** Of the predictions whose outcome can be seen; 0 where there are none. */
export const coverageOf = ({ predictions, labelled, censored = 0 }: LabelCounts): number =>
  predictions === censored ? 0 : labelled / (predictions - censored);

/** Null where enough predictions have a label; else why not. @param of what they are of: "the block" */
export function immatureLabels(labels: LabelCounts, of: string): string | null {
  const coverage = coverageOf(labels);
  if (coverage >= COVERAGE_MIN) return null;
  return `Labels are immature: ${(coverage * 100).toFixed(1)} % of ${of}'s predictions have one, ${COVERAGE_MIN * 100} % are needed`;
}
