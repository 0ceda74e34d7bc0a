/** The figures of FLIGHTS from a told story: differences with clustered intervals, and the shares. */
import {
  auc,
  clusteredDifference,
  type ClusteredMean,
  type PairedBlockSum,
} from "../../../stats/index.ts";
import { firstDayOfWeek, LIVE_WEEKS, weekOfDay } from "../data/calendar.ts";
import { type RowFilter, lossesByDay } from "./scores.ts";
import { type MeasuredStory, rowsOfDays } from "./story.ts";
import { FATE, type World } from "./world.ts";

export interface Difference {
  readonly stale: number;
  readonly served: number;
  /** Served less stale. */
  readonly difference: number;
  readonly byDay: Interval;
  readonly byWeek: Interval;
  readonly rows: number;
}

export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

export interface WeekFigure {
  readonly week: number;
  readonly stale: number;
  readonly served: number;
  readonly lower: number;
  readonly upper: number;
  /** Area under the ROC curve, served less stale. */
  readonly aucGain: number;
}

export interface Figures {
  readonly total: Difference;
  /** From the first request at 100 %; null without a promotion. */
  readonly sinceFirstPromotion: Difference | null;
  readonly weeks: readonly WeekFigure[];
  /** Weeks with a promoted model, those in which it was better, and those beyond doubt. */
  readonly weeksPromoted: number;
  readonly weeksBetter: number;
  readonly weeksBeyondDoubt: number;
  /** Log-loss of broken rows at serving and of the sound rows of the same days; null without a break. */
  readonly brokenLogLoss: { readonly broken: number; readonly sound: number } | null;
  /** Share of the gain over weeks 10–26 that weekly Platt scaling has; null without a promotion. */
  readonly recalibrationShare: number | null;
  readonly recalibrationShareSince: number | null;
  readonly recalibrationShareEmbargo: number | null;
  /** Weeks at the end of which the calibration alert fires, of what was served and of a weekly refit. */
  readonly alertWeeks: readonly number[];
  readonly refitAlertWeeks: readonly number[];
  readonly refitEpisodes: number;
}

const FIRST_DAY = firstDayOfWeek(LIVE_WEEKS.first);

export function figuresOf(story: MeasuredStory): Figures {
  const { world } = story;
  const lastDay = world.flights.dayStart.length - 1;
  const labelled: RowFilter = (row) =>
    world.fate[row] === FATE.sound && Number.isFinite(world.knownMinute[row]!);
  const losses = (scores: Float64Array, fromDay: number, toDay = lastDay): PairedBlockSum[] =>
    lossesByDay(world, scores, story.stale, [fromDay, toDay], labelled);
  const fullDay = story.promotions[0]?.fullDay;
  const shareOf = (scores: Float64Array, fromDay: number | undefined): number | null =>
    fromDay === undefined || fullDay === undefined
      ? null
      : clusteredDifference(losses(scores, fromDay)).mean /
        clusteredDifference(losses(story.served, fromDay)).mean;
  const weeks = weekFigures(story, losses, labelled);
  const promotedWeeks = weeks.filter((w) => fullDay !== undefined && w.week >= weekOfDay(fullDay));
  const refitAlertWeeks = story.weeks
    .filter((w) => w.refitCalibration?.isFiring)
    .map((w) => w.week);
  return {
    total: differenceOf(losses(story.served, FIRST_DAY), FIRST_DAY),
    sinceFirstPromotion:
      fullDay === undefined ? null : differenceOf(losses(story.served, fullDay), fullDay),
    weeks,
    weeksPromoted: promotedWeeks.length,
    weeksBetter: promotedWeeks.filter((w) => w.served < w.stale).length,
    weeksBeyondDoubt: promotedWeeks.filter((w) => w.upper < 0).length,
    brokenLogLoss: brokenLogLoss(story),
    recalibrationShare: shareOf(story.recalibrated, FIRST_DAY),
    recalibrationShareSince: shareOf(story.recalibrated, fullDay),
    recalibrationShareEmbargo: shareOf(story.recalibratedEmbargo, FIRST_DAY),
    alertWeeks: story.weeks.filter((w) => w.calibration?.isFiring).map((w) => w.week),
    refitAlertWeeks,
    refitEpisodes: refitAlertWeeks.filter((week) => !refitAlertWeeks.includes(week - 1)).length,
  };
}

function differenceOf(days: readonly PairedBlockSum[], fromDay: number): Difference {
  const weeks = new Map<number, PairedBlockSum>();
  days.forEach((day, i) => {
    const week = weekOfDay(fromDay + i);
    const sum = weeks.get(week) ?? { challenger: 0, champion: 0, rows: 0 };
    weeks.set(week, {
      challenger: sum.challenger + day.challenger,
      champion: sum.champion + day.champion,
      rows: sum.rows + day.rows,
    });
  });
  const byDay = clusteredDifference(days);
  const rows = byDay.rows;
  return {
    stale: days.reduce((sum, day) => sum + day.champion, 0) / rows,
    served: days.reduce((sum, day) => sum + day.challenger, 0) / rows,
    difference: byDay.mean,
    byDay: intervalOf(byDay),
    byWeek: intervalOf(clusteredDifference([...weeks.values()])),
    rows,
  };
}

const intervalOf = ({ lower, upper }: ClusteredMean): Interval => ({ lower, upper });

function weekFigures(
  story: MeasuredStory,
  losses: (scores: Float64Array, fromDay: number, toDay: number) => PairedBlockSum[],
  labelled: RowFilter,
): WeekFigure[] {
  const { world } = story;
  const lastDay = world.flights.dayStart.length - 1;
  const count = LIVE_WEEKS.last - LIVE_WEEKS.first + 1;
  return Array.from({ length: count }, (_, i) => {
    const week = LIVE_WEEKS.first + i;
    const days = [firstDayOfWeek(week), Math.min(firstDayOfWeek(week + 1), lastDay)] as const;
    const { stale, served, byDay } = differenceOf(losses(story.served, ...days), days[0]);
    const rows = rowsIn(world, days, labelled);
    const aucGain = aucOf(world, story.served, rows) - aucOf(world, story.stale, rows);
    return { week, stale, served, lower: byDay.lower, upper: byDay.upper, aucGain };
  });
}

function rowsIn(world: World, days: readonly [number, number], counts: RowFilter): number[] {
  const [from, to] = rowsOfDays(world, ...days);
  return Array.from({ length: to - from }, (_, i) => from + i).filter(counts);
}

function aucOf(world: World, scores: Float64Array, rows: readonly number[]): number {
  return auc(
    Float64Array.from(rows, (row) => scores[row]!),
    Uint8Array.from(rows, (row) => world.flights.late[row]!),
  );
}

function brokenLogLoss(story: MeasuredStory): { broken: number; sound: number } | null {
  const { world, served } = story;
  const days = world.flights.dayStart.length - 1;
  const isKnown: RowFilter = (row) => Number.isFinite(world.knownMinute[row]!);
  const of = (fate: number, day: number): PairedBlockSum[] =>
    lossesByDay(world, served, served, [day, day + 1], (r) => world.fate[r] === fate && isKnown(r));
  const brokenDays = Array.from({ length: days - FIRST_DAY }, (_, i) => FIRST_DAY + i).filter(
    (day) => of(FATE.broken, day).some((block) => block.rows > 0),
  );
  if (brokenDays.length === 0) return null;
  const meanOf = (fate: number): number => {
    const blocks = brokenDays.flatMap((day) => of(fate, day));
    const rows = blocks.reduce((sum, block) => sum + block.rows, 0);
    return blocks.reduce((sum, block) => sum + block.challenger, 0) / rows;
  };
  return { broken: meanOf(FATE.broken), sound: meanOf(FATE.sound) };
}
