/** Labels of an axis of time in UTC: days where the steps are days, hours where they are hours, the year where it changes. */
import { formatShortDay, formatTime } from "../format/times.ts";

const DAY_S = 86_400;

/** @param splits seconds since 1970, ascending */
export function timeLabels(splits: readonly number[]): string[] {
  const step = (splits[1] ?? DAY_S) - (splits[0] ?? 0);
  return splits.map((seconds, i) => {
    const ms = seconds * 1000;
    const before = splits[i - 1];
    const newDay =
      before === undefined || Math.floor(before / DAY_S) !== Math.floor(seconds / DAY_S);
    if (step < DAY_S && !(newDay && seconds % DAY_S === 0)) return formatTime(ms).slice(11);
    const year = new Date(ms).getUTCFullYear();
    const newYear = before !== undefined && new Date(before * 1000).getUTCFullYear() !== year;
    return newYear ? `${formatShortDay(ms)} ${year}` : formatShortDay(ms);
  });
}
