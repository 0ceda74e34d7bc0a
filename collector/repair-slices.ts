/**
 * Cuts spans into pieces of bounded numbers of raw rows, so that whatever was touched can be compared with
 * its rollups. Pieces of a span lie side by side and cover it. What cannot be cut further is a piece of its
 * own: a minute for totals and the tier of minutes, an hour for that of hours, a day for that of days.
 */
import type { Tier } from "../store/queries/rollups-from-raw.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export interface HourSpan {
  readonly model: string;
  /** Aligned to hours, pieces of the tier of minutes to minutes; `to` is excluded. */
  readonly from: number;
  readonly to: number;
}

export type Slices = Readonly<Record<Tier, readonly HourSpan[]>>;

/** Rows by start of hour; an hour that is not there has none. */
export type RowsByHour = ReadonlyMap<number, number>;

export function slicesOf(span: HourSpan, rows: RowsByHour, rowsMax: number): Slices {
  const hours = hourSlices(span, rows, rowsMax);
  const minutes = hours.flatMap((slice) => minuteSlices(slice, rows.get(slice.from) ?? 0, rowsMax));
  const from = Math.floor(span.from / DAY_MS) * DAY_MS;
  const to = Math.ceil(span.to / DAY_MS) * DAY_MS;
  const days = hours.length <= 1 ? [{ ...span, from, to }] : cut({ ...span, from, to }, DAY_MS);
  return { minutes, hours, days };
}

/** As many hours in a row as stay within `rowsMax`, at least one. */
function hourSlices(span: HourSpan, rows: RowsByHour, rowsMax: number): HourSpan[] {
  const slices: HourSpan[] = [];
  let from = span.from;
  let sum = 0;
  for (let hour = span.from; hour < span.to; hour += HOUR_MS) {
    const ofHour = rows.get(hour) ?? 0;
    if (hour > from && sum + ofHour > rowsMax) {
      slices.push({ ...span, from, to: hour });
      from = hour;
      sum = 0;
    }
    sum += ofHour;
  }
  return [...slices, { ...span, from, to: span.to }];
}

/** An hour with more rows is cut into equal pieces of whole minutes. */
function minuteSlices(slice: HourSpan, rowsOfFirstHour: number, rowsMax: number): HourSpan[] {
  if (slice.to - slice.from > HOUR_MS || rowsOfFirstHour <= rowsMax) return [slice];
  const pieces = Math.ceil(rowsOfFirstHour / rowsMax);
  return cut(slice, Math.max(1, Math.floor(60 / pieces)) * MINUTE_MS);
}

/** Pieces of this width side by side, the last one what is left. */
export function cut(span: HourSpan, widthMs: number): HourSpan[] {
  const pieces: HourSpan[] = [];
  for (let from = span.from; from < span.to; from += widthMs) {
    pieces.push({ ...span, from, to: Math.min(span.to, from + widthMs) });
  }
  return pieces;
}
