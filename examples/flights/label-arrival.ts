/**
 * When a flight's outcome becomes known: as a rule when it would have landed; 3 % one to three days
 * later, 1 % never. Which ones is fixed by the row's number, so every part of the example agrees.
 */
import { DAY_MS } from "./data/calendar.ts";
import type { Flights } from "./data/flights-file.ts";
import { rowUniform } from "./data/row-hash.ts";

const NEVER_SHARE = 0.01;
const DELAYED_SHARE = 0.03;
const FATE_SALT = 2;
const DELAY_SALT = 3;

/** The shifted moment at which the label arrives; Infinity when it never does. */
export function labelKnownMs(flights: Flights, row: number, seed = 0): number {
  const fate = rowUniform(row, FATE_SALT + 16 * seed);
  if (fate < NEVER_SHARE) return Number.POSITIVE_INFINITY;
  const landingMs = flights.landingMs(row);
  if (fate >= NEVER_SHARE + DELAYED_SHARE) return landingMs;
  const days = 1 + 2 * rowUniform(row, DELAY_SALT + 16 * seed);
  return landingMs + Math.round(days * DAY_MS);
}
