import { expect, it } from "vitest";
import { DAY_MS } from "../../../examples/flights/data/calendar.ts";
import { labelKnownMs } from "../../../examples/flights/label-arrival.ts";
import { syntheticFlights } from "./synthetic-flights.ts";

it("labelKnownMs() is the landing as a rule, one to three days later for 3 %, never for 1 %", () => {
  const flights = syntheticFlights(50_000, [60, 70]);
  const delays = Array.from(
    { length: flights.rows },
    (_, row) => labelKnownMs(flights, row) - flights.landingMs(row),
  );
  const share = (wanted: (delay: number) => boolean): number =>
    delays.filter(wanted).length / delays.length;
  expect(share((delay) => delay === 0)).toBeCloseTo(0.96, 2);
  expect(share((delay) => delay === Number.POSITIVE_INFINITY)).toBeCloseTo(0.01, 2);
  expect(share((delay) => delay >= DAY_MS && delay <= 3 * DAY_MS)).toBeCloseTo(0.03, 2);
});
