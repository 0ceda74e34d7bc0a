/**
 * The example's calendar: UTC days and ISO weeks of 2001. 1 January 2001 is a Monday, so day 0 begins
 * week 1 and no table is needed. All times here are unshifted; the shift to the present is added by
 * the reader of the prepared file alone.
 */
export const EPOCH_MS = Date.UTC(2001, 0, 1);
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const WEEK_MS = 7 * DAY_MS;
export const DAY_MINUTES = 24 * 60;

/** The weeks of the story (FLIGHTS): trained on 6–9, live in 10–26, checked at the end of 10–25. */
export const TRAINING_WEEKS = { first: 6, last: 9 } as const;
export const LIVE_WEEKS = { first: 10, last: 26 } as const;
export const LAST_CHECKED_WEEK = 25;

/** ISO week of 2001 that holds a UTC day (0 = 1 January 2001). */
export const weekOfDay = (day: number): number => Math.floor(day / 7) + 1;

/** The Monday with which an ISO week of 2001 begins, as a UTC day. */
export const firstDayOfWeek = (week: number): number => (week - 1) * 7;

/** Local day of the week, 1 (Monday) to 7 (Sunday), of a minute counted from 1 January 2001. */
export const dayOfWeek = (minute: number): number => (Math.floor(minute / DAY_MINUTES) % 7) + 1;

/** Local hour, 0 to 23, of a minute counted from 1 January 2001. */
export const hourOfDay = (minute: number): number => Math.floor((minute % DAY_MINUTES) / 60);
