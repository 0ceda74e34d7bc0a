/**
 * The recorded story in the form of the offline one, so that both are measured by the same figures: stale
 * is version 1's ONNX file run again on the stored features, refitted the models of the weekly probes.
 */
import { DAY_MINUTES, firstDayOfWeek, LAST_CHECKED_WEEK, LIVE_WEEKS } from "../data/calendar.ts";
import {
  CALIBRATION_DAYS,
  type CalibrationDecision,
  decideCalibration,
} from "../offline/decisions.ts";
import { biasByDay, soundAndKnown } from "../offline/scores.ts";
import { type MeasuredStory, recalibrateWeek, rowsOfDays } from "../offline/story.ts";
import { FATE } from "../offline/world.ts";
import type { Recorded } from "./recorded.ts";
import { scoreWithOnnx } from "./score-with-onnx.ts";

export interface RecordedModels {
  /** The first version's ONNX file. */
  readonly stalePath: string;
  /** The probe's ONNX file of the check at the end of each week. */
  readonly refitPaths: ReadonlyMap<number, string>;
  readonly promotions: readonly { readonly week: number; readonly fullDay: number }[];
}

const EMBARGO_DAYS = 7;

export async function tellRecorded(
  recorded: Recorded,
  models: RecordedModels,
): Promise<MeasuredStory> {
  const { world } = recorded;
  const count = world.flights.rows;
  const answered = (fromDay: number, toDay: number): number[] => {
    const [from, to] = rowsOfDays(world, fromDay, toDay);
    const rows: number[] = [];
    for (let row = from; row < to; row++) if (world.fate[row] !== FATE.unscored) rows.push(row);
    return rows;
  };
  const first = firstDayOfWeek(LIVE_WEEKS.first);
  const stale = new Float64Array(count);
  const all = answered(first, firstDayOfWeek(LIVE_WEEKS.last + 1));
  await scoreWithOnnx(models.stalePath, recorded, all, stale);
  const story = {
    world,
    stale,
    served: recorded.served,
    refitted: stale.slice(),
    recalibrated: stale.slice(),
    recalibratedEmbargo: stale.slice(),
    promotions: models.promotions,
    weeks: [] as MeasuredStory["weeks"][number][],
  };
  for (let week = LIVE_WEEKS.first; week <= LAST_CHECKED_WEEK; week++) {
    const monday = firstDayOfWeek(week + 1);
    const refit = models.refitPaths.get(week);
    const known = soundAndKnown(world, monday * DAY_MINUTES);
    const days = [monday - CALIBRATION_DAYS, monday] as const;
    const calibrate = (scores: Float64Array): CalibrationDecision | null =>
      days[0] >= first ? decideCalibration(biasByDay(world, scores, days, known)) : null;
    story.weeks.push({
      week,
      calibration: calibrate(story.served),
      refitCalibration: calibrate(story.refitted),
    });
    if (refit !== undefined) {
      await scoreWithOnnx(refit, recorded, answered(monday, monday + 7), story.refitted);
    }
    recalibrateWeek(story, monday, { embargoDays: EMBARGO_DAYS });
  }
  return story;
}
