/**
 * From the source's rows (local time, mixed zones) to columns in the order in which the world saw
 * them. Stable: flights of the same UTC minute keep the source's order, so a row's number means the
 * same flight on every machine.
 */
import { dayOfWeek, hourOfDay } from "./calendar.ts";
import type { FlightColumns } from "./flights-file.ts";
import { utcOffsetMinutes } from "./utc-offset.ts";

/** Minutes of arrival delay from which a flight is late. */
const LATE_FROM_MINUTES = 15;

export interface SourceRows {
  /** Actual departure, minutes since 1 January 2001 in local time. */
  readonly localMinute: Int32Array;
  /** Arrival delay in minutes. */
  readonly delay: Int16Array;
  readonly distance: Uint16Array;
  /** Codes into `airports`. */
  readonly origin: Uint8Array;
  readonly destination: Uint8Array;
}

/**
 * @param states the state of each airport code
 * @throws {RangeError} for a state without a time zone
 */
export function orderByUtc(source: SourceRows, states: readonly string[]): FlightColumns {
  const rows = source.localMinute.length;
  const utc = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const local = source.localMinute[row] ?? 0;
    utc[row] = local - utcOffsetMinutes(states[source.origin[row] ?? 0] ?? "", local);
  }
  const order = stableOrder(utc);
  const columns: FlightColumns = {
    departureMinute: new Int32Array(rows),
    distance: new Uint16Array(rows),
    hour: new Uint8Array(rows),
    dayOfWeek: new Uint8Array(rows),
    origin: new Uint8Array(rows),
    destination: new Uint8Array(rows),
    late: new Uint8Array(rows),
  };
  for (let to = 0; to < rows; to++) {
    const from = order[to] ?? 0;
    const local = source.localMinute[from] ?? 0;
    columns.departureMinute[to] = utc[from] ?? 0;
    columns.distance[to] = source.distance[from] ?? 0;
    columns.hour[to] = hourOfDay(local);
    columns.dayOfWeek[to] = dayOfWeek(local);
    columns.origin[to] = source.origin[from] ?? 0;
    columns.destination[to] = source.destination[from] ?? 0;
    columns.late[to] = (source.delay[from] ?? 0) >= LATE_FROM_MINUTES ? 1 : 0;
  }
  return columns;
}

/** Counting sort: minutes of half a year are few, and it keeps ties in order. */
function stableOrder(minutes: Int32Array): Int32Array {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const minute of minutes) {
    if (minute < least) least = minute;
    if (minute > most) most = minute;
  }
  const order = new Int32Array(minutes.length);
  if (minutes.length === 0) return order;
  const next = new Int32Array(most - least + 2);
  for (const minute of minutes) next[minute - least + 1] = (next[minute - least + 1] ?? 0) + 1;
  for (let i = 1; i < next.length; i++) next[i] = (next[i] ?? 0) + (next[i - 1] ?? 0);
  for (let row = 0; row < minutes.length; row++) {
    const slot = (minutes[row] ?? 0) - least;
    const to = next[slot] ?? 0;
    order[to] = row;
    next[slot] = to + 1;
  }
  return order;
}
