/** No labels: a week whose outcomes should be known by now has far fewer than such weeks used to have. */

export interface LabelledWeek {
  readonly predictions: number;
  readonly labelled: number;
}

export interface LabelsVerdict {
  readonly breach: boolean;
  readonly coverage: number;
  readonly usual: number;
  readonly reason: string;
}

/** Of the usual coverage: less is a breach. */
const SHARE_MIN = 0.5;
const PREDICTIONS_MIN = 100;

/**
 * @param week the newest week whose labels should be there
 * @param before weeks before it, any order; one without a label ever says that nobody sends any
 */
export function judgeLabels(week: LabelledWeek, before: readonly LabelledWeek[]): LabelsVerdict {
  const coverages = before
    .filter(({ predictions }) => predictions >= PREDICTIONS_MIN)
    .map(({ predictions, labelled }) => labelled / predictions)
    .sort((a, b) => a - b);
  const usual = coverages[Math.floor(coverages.length / 2)] ?? 0;
  const coverage = week.predictions === 0 ? Number.NaN : week.labelled / week.predictions;
  const breach = usual > 0 && week.predictions >= PREDICTIONS_MIN && coverage < SHARE_MIN * usual;
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  return {
    breach,
    coverage,
    usual,
    reason:
      week.predictions === 0
        ? "no predictions in that week"
        : `${percent(coverage)} of the predictions have a label, usually ${percent(usual)}`,
  };
}
