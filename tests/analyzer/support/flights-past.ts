/** The example's real flights as rows of a model's past: what was sent, with the troubles that are planned. */
import { isSilent } from "../../../examples/flights/apply-troubles.ts";
import type { World } from "../../../examples/flights/offline/world.ts";
import type { Troubles } from "../../../examples/flights/troubles.ts";
import type { PastRow } from "./load-history.ts";

export const CLIENT_TAG = "client.version";

/** The rows of one UTC day (0 is 1 January 2001), without those that nobody asked about. */
export function flightsDay(world: World, day: number, troubles: Troubles | null): PastRow[] {
  const { flights } = world;
  const rows: PastRow[] = [];
  const end = flights.dayStart[Math.min(day + 1, flights.dayStart.length - 1)] ?? 0;
  for (let row = flights.dayStart[day] ?? 0; row < end; row++) {
    if (troubles !== null && isSilent(flights, row, troubles.noTraffic)) continue;
    rows.push({
      model: "flights",
      id: flights.id(row),
      ts: flights.departureMs(row),
      num: {
        hour: world.hour[row] ?? 0,
        day_of_week: world.dayOfWeek[row] ?? 0,
        distance: world.distance[row] ?? 0,
      },
      cat: {
        origin: flights.airports[flights.origin[row] ?? 0] ?? "",
        destination: flights.airports[flights.destination[row] ?? 0] ?? "",
      },
      tags: { [CLIENT_TAG]: flights.client(row) },
    });
  }
  return rows;
}
