/** Small invented flights for tests: every hour is a little busier and later than the one before. */
import { DAY_MINUTES, dayOfWeek, hourOfDay } from "../../../examples/flights/data/calendar.ts";
import { type Flights, withColumns } from "../../../examples/flights/data/flights-file.ts";
import { seededRandom } from "../../../runtime/random.ts";

const AIRPORTS = ["ATL", "BOS", "DEN", "JFK", "LAX"];

/** `rows` flights spread over UTC days [fromDay, toDay), local time an hour behind. */
export function syntheticFlights(
  rows: number,
  [fromDay, toDay]: readonly [number, number],
  seed = 1,
): Flights {
  const random = seededRandom(seed);
  const minutes = Array.from(
    { length: rows },
    () => fromDay * DAY_MINUTES + 60 + random.integer((toDay - fromDay) * DAY_MINUTES - 60),
  ).sort((a, b) => a - b);
  const code = (): number => random.integer(AIRPORTS.length);
  return withColumns(
    {
      departureMinute: Int32Array.from(minutes),
      distance: Uint16Array.from(minutes, () => 100 + random.integer(2600)),
      hour: Uint8Array.from(minutes, (minute) => hourOfDay(minute - 60)),
      dayOfWeek: Uint8Array.from(minutes, (minute) => dayOfWeek(minute - 60)),
      origin: Uint8Array.from(minutes, code),
      destination: Uint8Array.from(minutes, code),
      late: Uint8Array.from(minutes, (minute) =>
        random.next() < 0.05 + 0.02 * hourOfDay(minute - 60) ? 1 : 0,
      ),
    },
    AIRPORTS,
    0,
  );
}
