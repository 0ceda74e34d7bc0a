/**
 * What happens in the story, as columns beside the flights: what is sent for each, whether it is broken
 * or never answered, and when its label is known. Made once; everything after only reads it.
 */
import { applyDataBreak, isBroken, isFailing, isSilent, utcHourOf } from "../apply-troubles.ts";
import { EPOCH_MS, MINUTE_MS } from "../data/calendar.ts";
import type { Flights } from "../data/flights-file.ts";
import { labelKnownMs } from "../label-arrival.ts";
import type { Troubles } from "../troubles.ts";

/** Fate of a row: answered rightly, sent by a broken client, or never scored. */
export const FATE = { sound: 0, broken: 1, unscored: 2 } as const;

export interface World {
  readonly flights: Flights;
  /** As sent. */
  readonly hour: Uint8Array;
  readonly dayOfWeek: Uint8Array;
  readonly distance: Int32Array;
  readonly fate: Uint8Array;
  /** UTC minute since 1 January 2001 at which the label is known; Infinity: never. */
  readonly knownMinute: Float64Array;
}

/**
 * @param troubles null leaves them out
 * @param labelSeed which rows' labels come late or never
 */
export function worldOf(flights: Flights, troubles: Troubles | null, labelSeed = 0): World {
  const hour = flights.hour.slice();
  const dayOfWeek = flights.dayOfWeek.slice();
  const distance = Int32Array.from(flights.distance);
  const fate = new Uint8Array(flights.rows);
  const knownMinute = new Float64Array(flights.rows);
  const originMs = EPOCH_MS + flights.shiftMs;
  for (let row = 0; row < flights.rows; row++) {
    knownMinute[row] = (labelKnownMs(flights, row, labelSeed) - originMs) / MINUTE_MS;
    if (troubles === null) continue;
    if (isFailing(flights, row, troubles.serverErrors)) fate[row] = FATE.unscored;
    if (isSilent(flights, row, troubles.noTraffic)) fate[row] = FATE.unscored;
    if (fate[row] !== FATE.sound || !isBroken(flights, row, troubles.dataBreak)) continue;
    fate[row] = FATE.broken;
    const truth = {
      hour: hour[row] ?? 0,
      dayOfWeek: dayOfWeek[row] ?? 0,
      distance: distance[row] ?? 0,
    };
    const sent = applyDataBreak(truth, utcHourOf(flights, row), troubles.dataBreak);
    hour[row] = sent.hour;
    dayOfWeek[row] = sent.dayOfWeek;
    distance[row] = sent.distance;
  }
  return { flights, hour, dayOfWeek, distance, fate, knownMinute };
}
