/**
 * What the quarantine is worth: the model that training on the broken rows would have given, against the
 * one without them, on the sound flights of all days after it.
 */
import { clusteredDifference } from "../../../stats/index.ts";
import { firstDayOfWeek, LAST_CHECKED_WEEK } from "../data/calendar.ts";
import { refit } from "./refit.ts";
import { lossesByDay, type RowFilter, scoreRows } from "./scores.ts";
import { FATE, type World } from "./world.ts";

export interface QuarantineGain {
  /** The week at whose end the model is trained. */
  readonly week: number;
  /** Log-loss with the broken rows less that without them. */
  readonly gain: number;
}

/** The first two checks whose training window reaches the broken week. */
export function quarantineGains(
  world: World,
  brokenWeek: number,
  options: { readonly l2: number; readonly embargoDays: number },
): readonly QuarantineGain[] {
  const { dayStart, rows } = world.flights;
  const counts: RowFilter = (row) =>
    world.fate[row] === FATE.sound && Number.isFinite(world.knownMinute[row]!);
  return [brokenWeek + 1, brokenWeek + 2]
    .filter((week) => week <= LAST_CHECKED_WEEK)
    .map((week) => {
      const monday = firstDayOfWeek(week + 1);
      const [withBroken, without] = [true, false].map((includeBroken) => {
        const tables = refit(world, monday - options.embargoDays, monday, {
          l2: options.l2,
          includeBroken,
        });
        const scores = new Float64Array(rows);
        scoreRows(world, tables, scores, dayStart[monday]!, rows);
        return scores;
      });
      const days = [monday, dayStart.length - 1] as const;
      const blocks = lossesByDay(world, withBroken!, without!, days, counts);
      return { week, gain: clusteredDifference(blocks).mean };
    });
}
