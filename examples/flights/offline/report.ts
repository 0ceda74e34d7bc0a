/** The story as lines for a terminal. */
import type { CalibrationDecision } from "./decisions.ts";
import type { Difference, Figures, Interval } from "./figures.ts";
import type { WeekResult } from "./story.ts";

const four = (value: number): string => value.toFixed(4);
const percent = (value: number): string => `${(value * 100).toFixed(0)} %`;
const range = ({ lower, upper }: Interval): string => `[${four(lower)}, ${four(upper)}]`;

/** One Monday: the decision with its numbers, calibration, and how many labels were there. */
export function weekLine(week: WeekResult): string {
  const { probe } = week;
  return [
    `week ${week.week}`,
    `${probe.decision} (${probe.reason})`,
    `gain ${four(probe.gain)}, bound ${four(probe.upperBound)}, ${probe.rows} rows`,
    `calibration ${calibration(week.calibration)}, refitted ${calibration(week.refitCalibration)}`,
    `labels ${percent(week.coverage)}, Sunday's ${percent(week.sundayCoverage)}`,
  ].join("; ");
}

function calibration(decision: CalibrationDecision | null): string {
  if (decision === null) return "none yet";
  return `${decision.gap.toFixed(3)} (t ${decision.t.toFixed(1)})${decision.isFiring ? " ALERT" : ""}`;
}

export function figureLines(figures: Figures): readonly string[] {
  const { sinceFirstPromotion: since, brokenLogLoss } = figures;
  return [
    ...figures.weeks.map(
      (w) =>
        `week ${w.week}: stale ${four(w.stale)}, served ${four(w.served)}, ` +
        `difference ${four(w.served - w.stale)} ${range(w)}, AUC ${four(w.aucGain)}`,
    ),
    `weeks 10–26: ${difference(figures.total)}`,
    since === null ? "no promotion" : `since the first promotion: ${difference(since)}`,
    `better in ${figures.weeksBetter} of ${figures.weeksPromoted} weeks, ` +
      `beyond doubt in ${figures.weeksBeyondDoubt}`,
    `alerts at the end of weeks ${figures.alertWeeks.join(", ")}; of a weekly refit ` +
      `${figures.refitAlertWeeks.join(", ")} (${figures.refitEpisodes} episodes)`,
    `recalibration alone: ${share(figures.recalibrationShare)} of the gain, ` +
      `${share(figures.recalibrationShareSince)} since the first promotion, ` +
      `${share(figures.recalibrationShareEmbargo)} under the embargo`,
    ...(brokenLogLoss === null
      ? []
      : [
          `broken rows: log-loss ${four(brokenLogLoss.broken)}, ` +
            `sound rows of those days ${four(brokenLogLoss.sound)}`,
        ]),
  ];
}

const share = (value: number | null): string => value?.toFixed(2) ?? "none";

const difference = (d: Difference): string =>
  `stale ${four(d.stale)}, served ${four(d.served)}, difference ${four(d.difference)} ` +
  `by day ${range(d.byDay)}, by week ${range(d.byWeek)}, ${d.rows} rows`;
