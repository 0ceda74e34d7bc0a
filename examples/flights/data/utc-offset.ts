/**
 * From local to universal time. The source has local departure times in many zones, and its order
 * leaks the future; one offset per state is what FLIGHTS settles on. States that lie in two zones
 * count as the zone of most of their flights.
 */
import { DAY_MINUTES } from "./calendar.ts";

/** Hours from UTC in winter, and the states that keep them. */
const STANDARD_TIME: readonly (readonly [offsetHours: number, states: string])[] = [
  [-4, "PR VI"],
  [-5, "CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC VA VT WV"],
  [-6, "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI"],
  [-7, "AZ CO ID MT NM UT WY"],
  [-8, "CA NV OR WA"],
  [-9, "AK"],
  [-10, "HI"],
];

const STANDARD_OFFSET_MINUTES: ReadonlyMap<string, number> = new Map(
  STANDARD_TIME.flatMap(([hours, states]) =>
    states.split(" ").map((state) => [state, hours * 60] as const),
  ),
);

/** No summer time in 2001 (Indiana took it up in 2006). */
const WITHOUT_SUMMER_TIME: ReadonlySet<string> = new Set(["AZ", "HI", "IN", "PR", "VI"]);

/** 1 April 2001, 02:00 local, in minutes since 1 January 2001 local. */
export const SUMMER_TIME_BEGINS_MINUTE = 90 * DAY_MINUTES + 120;

/** The one airport of the source whose state `airports.csv` does not know. */
const STATE_OF_AIRPORT: ReadonlyMap<string, string> = new Map([["MQT", "MI"]]);

/** The state of an airport, as the offsets need it. */
export const stateOf = (iata: string, stateInFile: string): string =>
  STATE_OF_AIRPORT.get(iata) ?? stateInFile;

/**
 * Minutes to add to universal time to get local time.
 * @param localMinute minutes since 1 January 2001 00:00 local
 * @throws {RangeError} for a state without an offset
 */
export function utcOffsetMinutes(state: string, localMinute: number): number {
  const standard = STANDARD_OFFSET_MINUTES.get(state);
  if (standard === undefined) throw new RangeError(`Cannot place state "${state}" in a time zone`);
  const isSummer = localMinute >= SUMMER_TIME_BEGINS_MINUTE && !WITHOUT_SUMMER_TIME.has(state);
  return standard + (isSummer ? 60 : 0);
}
