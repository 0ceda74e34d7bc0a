/**
 * The whole loop on the prepared flights without any service: Monday checks, runs, a canary day, the
 * served scores beside those of version 1, and beside them the two alternatives that the summary names:
 * recalibration alone and a model refitted every week.
 */
import type { PairedBlockSum } from "../../../stats/index.ts";
import { DAY_MINUTES, firstDayOfWeek, LAST_CHECKED_WEEK, LIVE_WEEKS } from "../data/calendar.ts";
import { rowUniform } from "../data/row-hash.ts";
import type { ModelTables } from "../model/tables.ts";
import {
  CALIBRATION_DAYS,
  type CalibrationDecision,
  decideCalibration,
  decideProbe,
  PROBE_DAYS,
  type ProbeDecision,
} from "./decisions.ts";
import { fitPlatt, recalibrated } from "./recalibration.ts";
import { refit } from "./refit.ts";
import { biasByDay, lossesByDay, type RowFilter, scoreRows, soundAndKnown } from "./scores.ts";
import { FATE, type World } from "./world.ts";

export interface StoryOptions {
  readonly l2: number;
  /** Days that a training window ends before the check. */
  readonly embargoDays: number;
  /** Train on broken rows and start runs beside them: what quarantine and INVESTIGATE prevent. */
  readonly skipQuarantine: boolean;
  /** Called after each Monday. */
  readonly onWeek?: (week: WeekResult) => void;
}

export interface WeekResult {
  readonly week: number;
  readonly probe: ProbeDecision;
  /** Of what was served; null before 14 days are complete. */
  readonly calibration: CalibrationDecision | null;
  readonly refitCalibration: CalibrationDecision | null;
  /** Labels of the checked week that were there, and of its Sunday. */
  readonly coverage: number;
  readonly sundayCoverage: number;
  readonly promoted: boolean;
}

/** What the figures are made of; a recorded story has it too. */
export interface MeasuredStory {
  readonly world: World;
  readonly weeks: readonly Pick<WeekResult, "week" | "calibration" | "refitCalibration">[];
  /** By row of the live weeks; other entries are 0. */
  readonly stale: Float64Array;
  readonly served: Float64Array;
  readonly refitted: Float64Array;
  readonly recalibrated: Float64Array;
  readonly recalibratedEmbargo: Float64Array;
  /** Version of each promotion and the first UTC day at 100 %. */
  readonly promotions: readonly { readonly week: number; readonly fullDay: number }[];
}

export interface Story extends MeasuredStory {
  readonly weeks: readonly WeekResult[];
}

const CANARY_SHARE = 0.1;
const CANARY_SALT = 5;
const RECALIBRATION_DAYS = 7;

export function tellStory(world: World, options: StoryOptions): Story {
  const rows = world.flights.rows;
  const story = {
    world,
    weeks: [] as WeekResult[],
    stale: new Float64Array(rows),
    served: new Float64Array(rows),
    refitted: new Float64Array(rows),
    recalibrated: new Float64Array(rows),
    recalibratedEmbargo: new Float64Array(rows),
    promotions: [] as { week: number; fullDay: number }[],
  };
  const firstDay = firstDayOfWeek(LIVE_WEEKS.first);
  const [from, to] = rowsOfDays(world, firstDay, firstDayOfWeek(LIVE_WEEKS.last + 1));
  const first = refitAt(world, firstDay, options);
  scoreRows(world, first, story.stale, from, to);
  for (const column of [story.served, story.refitted]) column.set(story.stale);
  for (const column of [story.recalibrated, story.recalibratedEmbargo]) column.set(story.stale);
  let champion = first;
  for (let week = LIVE_WEEKS.first; week <= LAST_CHECKED_WEEK; week++) {
    const monday = firstDayOfWeek(week + 1);
    const challenger = refitAt(world, monday, options);
    const result = checkWeek(story, week, champion, challenger, options);
    if (result.promoted) {
      champion = challenger;
      promote(story, monday, challenger);
    }
    const weekAhead = rowsOfDays(world, monday, monday + 7);
    scoreRows(world, challenger, story.refitted, ...weekAhead);
    recalibrateWeek(story, monday, options);
    story.weeks.push(result);
    options.onWeek?.(result);
  }
  return story;
}

const refitAt = (world: World, monday: number, options: StoryOptions): ModelTables =>
  refit(world, monday - options.embargoDays, monday, {
    l2: options.l2,
    includeBroken: options.skipQuarantine,
  });

type Telling = Story & {
  readonly promotions: { week: number; fullDay: number }[];
};

function checkWeek(
  story: Telling,
  week: number,
  champion: ModelTables,
  challenger: ModelTables,
  options: StoryOptions,
): WeekResult {
  const { world } = story;
  const monday = firstDayOfWeek(week + 1);
  const known = soundAndKnown(world, monday * DAY_MINUTES);
  const blocks = probeBlocks(world, champion, challenger, monday, known);
  const probe = decideProbe(blocks, !options.skipQuarantine && isBrokenAt(world, monday));
  const days = [monday - CALIBRATION_DAYS, monday] as const;
  const isComplete = days[0] >= firstDayOfWeek(LIVE_WEEKS.first);
  const calibrate = (scores: Float64Array): CalibrationDecision | null =>
    isComplete ? decideCalibration(biasByDay(world, scores, days, known)) : null;
  const promoted = probe.decision === "RETRAIN";
  if (promoted) story.promotions.push({ week, fullDay: monday + 1 });
  return {
    week,
    probe,
    calibration: calibrate(story.served),
    refitCalibration: calibrate(story.refitted),
    coverage: coverageOf(world, monday - 7, monday),
    sundayCoverage: coverageOf(world, monday - 1, monday),
    promoted,
  };
}

function probeBlocks(
  world: World,
  champion: ModelTables,
  challenger: ModelTables,
  monday: number,
  counts: RowFilter,
): PairedBlockSum[] {
  const days = [monday - PROBE_DAYS, monday] as const;
  const [from, to] = rowsOfDays(world, ...days);
  const scores = [challenger, champion].map((tables) => {
    const column = new Float64Array(world.flights.rows);
    scoreRows(world, tables, column, from, to);
    return column;
  });
  return lossesByDay(world, scores[0]!, scores[1]!, days, counts);
}

/** Were inputs broken on one of the two days before? */
function isBrokenAt(world: World, monday: number): boolean {
  const [from, to] = rowsOfDays(world, monday - 2, monday);
  return world.fate.subarray(from, to).includes(FATE.broken);
}

/** From Monday a share of the rows, from Tuesday all. */
function promote(story: Story, monday: number, challenger: ModelTables): void {
  const { world, served } = story;
  const canary = rowsOfDays(world, monday, monday + 1);
  const isCanary: RowFilter = (row) => rowUniform(row, CANARY_SALT) < CANARY_SHARE;
  scoreRows(world, challenger, served, ...canary, isCanary);
  const [from, to] = rowsOfDays(world, monday + 1, firstDayOfWeek(LIVE_WEEKS.last + 1));
  scoreRows(world, challenger, served, from, to);
}

/** Platt scaling of version 1 on the newest labelled week, for the rows of the week ahead. */
export function recalibrateWeek(
  story: MeasuredStory,
  monday: number,
  options: Pick<StoryOptions, "embargoDays">,
): void {
  const { world, stale } = story;
  const counts = soundAndKnown(world, monday * DAY_MINUTES);
  const [from, to] = rowsOfDays(world, monday, monday + 7);
  for (const [column, embargoDays] of [
    [story.recalibrated, 0],
    [story.recalibratedEmbargo, options.embargoDays],
  ] as const) {
    const end = monday - embargoDays;
    const start = end - RECALIBRATION_DAYS;
    if (start < firstDayOfWeek(LIVE_WEEKS.first)) continue;
    const [first, last] = rowsOfDays(world, start, end);
    const rows = Array.from({ length: last - first }, (_, i) => first + i).filter(counts);
    const platt = fitPlatt(stale, world.flights.late, rows);
    for (let row = from; row < to; row++) column[row] = recalibrated(platt, stale[row]!);
  }
}

function coverageOf(world: World, fromDay: number, toDay: number): number {
  const [from, to] = rowsOfDays(world, fromDay, toDay);
  let known = 0;
  for (let row = from; row < to; row++) {
    if (world.knownMinute[row]! <= toDay * DAY_MINUTES) known++;
  }
  return known / (to - from);
}

/** Rows of UTC days [fromDay, toDay). */
export function rowsOfDays(world: World, fromDay: number, toDay: number): [number, number] {
  const { dayStart } = world.flights;
  const end = dayStart.length - 1;
  return [dayStart[Math.min(fromDay, end)]!, dayStart[Math.min(toDay, end)]!];
}
