/**
 * The planned troubles on single flights: what is sent, what fails, when nobody asks. Pure, and fixed by
 * the row's number, so replay, tests and the offline story see the same.
 */
import { DAY_MINUTES } from "./data/calendar.ts";
import { CLIENT_VERSIONS, clientOf, type Flights } from "./data/flights-file.ts";
import { rowUniform } from "./data/row-hash.ts";
import type { DataBreak, HourChange, NoTraffic, ServerErrors, Trouble } from "./troubles.ts";

const ERROR_SALT = 4;

const isWithin = (minute: number, trouble: Trouble): boolean =>
  minute >= trouble.fromMinute && minute < trouble.toMinute;

/** Is this flight asked about by a client that sends it wrongly? */
export function isBroken(flights: Flights, row: number, dataBreak: DataBreak): boolean {
  const minute = flights.departureMinute[row] ?? Number.NaN;
  return (
    isWithin(minute, dataBreak) && dataBreak.clients.includes(CLIENT_VERSIONS[clientOf(row)] ?? "")
  );
}

/**
 * Does the server fail on this flight's request? Evenly through the hour from a random start, so that it is
 * the stated share of them in every hour that a seed may choose, not more or less by luck.
 */
export function isFailing(flights: Flights, row: number, errors: ServerErrors): boolean {
  if (!isWithin(flights.departureMinute[row] ?? Number.NaN, errors)) return false;
  const first = firstRowAt(flights, errors.fromMinute);
  const failedBefore = rowUniform(first, ERROR_SALT) + (row - first) * errors.share;
  return Math.floor(failedBefore + errors.share) > Math.floor(failedBefore);
}

/** The first flight that leaves at this minute or later. */
function firstRowAt({ departureMinute, rows }: Flights, minute: number): number {
  let low = 0;
  let high = rows;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((departureMinute[middle] ?? minute) < minute) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Is nobody asking when this flight leaves? */
export function isSilent(flights: Flights, row: number, noTraffic: NoTraffic): boolean {
  return isWithin(flights.departureMinute[row] ?? Number.NaN, noTraffic);
}

/** The three numbers of a flight that a client can get wrong. */
export interface SentNumbers {
  readonly hour: number;
  readonly dayOfWeek: number;
  readonly distance: number;
}

/**
 * What a broken client sends for a flight.
 * @param utcHour the universal hour of the same departure
 */
export function applyDataBreak(
  truth: SentNumbers,
  utcHour: number,
  dataBreak: DataBreak,
): SentNumbers {
  const { distanceFactor, hourChange, dayShift } = dataBreak;
  return {
    hour: hourChange === null ? truth.hour : changedHour(truth.hour, utcHour, hourChange),
    dayOfWeek: dayShift === null ? truth.dayOfWeek : ((truth.dayOfWeek - 1 + dayShift) % 7) + 1,
    // As a client would send it: a whole number.
    distance:
      distanceFactor === null ? truth.distance : Math.round(truth.distance * distanceFactor),
  };
}

/** The hour that a client sends for a local one, 0 to 23. */
export function changedHour(hour: number, utcHour: number, change: HourChange): number {
  switch (change.kind) {
    case "utc-for-local":
      return utcHour;
    case "constant":
      return (hour + change.hours + 24) % 24;
  }
}

/** The universal hour of a row's departure. */
export const utcHourOf = (flights: Flights, row: number): number =>
  Math.floor(((flights.departureMinute[row] ?? Number.NaN) % DAY_MINUTES) / 60);

/** The numbers that are sent for a row, broken or not. */
export function sentNumbers(
  flights: Flights,
  row: number,
  dataBreak: DataBreak | null,
): SentNumbers {
  const truth = {
    hour: flights.hour[row] ?? Number.NaN,
    dayOfWeek: flights.dayOfWeek[row] ?? Number.NaN,
    distance: flights.distance[row] ?? Number.NaN,
  };
  if (dataBreak === null || !isBroken(flights, row, dataBreak)) return truth;
  return applyDataBreak(truth, utcHourOf(flights, row), dataBreak);
}
