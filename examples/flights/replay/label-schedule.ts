/**
 * Which labels become known in which hour: rows in the order in which their labels arrive, found once
 * by a counting sort, so that an hour's labels are a slice.
 */
import { HOUR_MS } from "../data/calendar.ts";
import type { Flights } from "../data/flights-file.ts";
import { labelKnownMs } from "../label-arrival.ts";

export interface LabelSchedule {
  /** Rows whose label becomes known in [fromMs, fromMs + 1 h), in row order. */
  rowsOfHour(fromMs: number): Int32Array;
}

/** Schedules rows [firstRow, endRow); rows for which `isAsked` is false have no prediction to label. */
export function scheduleLabels(
  flights: Flights,
  firstRow: number,
  endRow: number,
  isAsked: (row: number) => boolean,
): LabelSchedule {
  const originMs = Math.floor(flights.departureMs(firstRow) / HOUR_MS) * HOUR_MS;
  const hours = new Int32Array(endRow - firstRow).fill(-1);
  let hoursMax = 0;
  for (let row = firstRow; row < endRow; row++) {
    const knownMs = labelKnownMs(flights, row);
    if (!Number.isFinite(knownMs) || !isAsked(row)) continue;
    const hour = Math.floor((knownMs - originMs) / HOUR_MS);
    hours[row - firstRow] = hour;
    hoursMax = Math.max(hoursMax, hour);
  }
  const start = new Int32Array(hoursMax + 2);
  for (const hour of hours) if (hour >= 0) start[hour + 1] = (start[hour + 1] ?? 0) + 1;
  for (let hour = 0; hour <= hoursMax; hour++) {
    start[hour + 1] = (start[hour + 1] ?? 0) + (start[hour] ?? 0);
  }
  const rows = new Int32Array(start[hoursMax + 1] ?? 0);
  const next = start.slice();
  for (let i = 0; i < hours.length; i++) {
    const hour = hours[i] ?? -1;
    if (hour < 0) continue;
    rows[next[hour] ?? 0] = firstRow + i;
    next[hour] = (next[hour] ?? 0) + 1;
  }
  return {
    rowsOfHour: (fromMs) => {
      const hour = Math.floor((fromMs - originMs) / HOUR_MS);
      if (hour < 0 || hour > hoursMax) return new Int32Array(0);
      return rows.subarray(start[hour], start[hour + 1]);
    },
  };
}
