import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DAY_MINUTES } from "../../../../examples/flights/data/calendar.ts";
import { decodeFlights, encodeFlights } from "../../../../examples/flights/data/flights-file.ts";
import { orderByUtc, type SourceRows } from "../../../../examples/flights/data/order-by-utc.ts";

const AIRPORTS = ["ATL", "HNL", "LAX"];
const STATES = ["GA", "HI", "CA"];

interface Row {
  readonly localMinute: number;
  readonly delay: number;
  readonly distance: number;
  readonly origin: number;
}

const columnsOf = (rows: readonly Row[]): SourceRows => ({
  localMinute: Int32Array.from(rows, (row) => row.localMinute),
  delay: Int16Array.from(rows, (row) => row.delay),
  distance: Uint16Array.from(rows, (row) => row.distance),
  origin: Uint8Array.from(rows, (row) => row.origin),
  destination: Uint8Array.from(rows, () => 0),
});

const NOON = 12 * 60;
const row = (origin: number, localMinute: number, delay = 0, distance = 500): Row => ({
  localMinute,
  delay,
  distance,
  origin,
});

describe("orderByUtc()", () => {
  it("puts a later local time in the east before an earlier one in the west", () => {
    const ordered = orderByUtc(columnsOf([row(2, NOON), row(0, NOON + 120)]), STATES);
    expect([...ordered.origin]).toEqual([0, 2]);
    expect([...ordered.departureMinute]).toEqual([NOON + 120 + 300, NOON + 480]);
  });

  it("keeps hour and day local", () => {
    const ordered = orderByUtc(columnsOf([row(1, 23 * 60 + 59)]), STATES);
    expect(ordered.hour[0]).toBe(23);
    expect(ordered.dayOfWeek[0]).toBe(1);
    expect(ordered.departureMinute[0]).toBe(DAY_MINUTES + 9 * 60 + 59);
  });

  it("calls a flight late from 15 minutes on, wild delays included", () => {
    const delays = [14, 15, 1688, -1116];
    const rows = delays.map((delay, i) => row(0, NOON + i, delay));
    expect([...orderByUtc(columnsOf(rows), STATES).late]).toEqual([0, 1, 1, 0]);
  });

  const anyRow = fc.record({
    localMinute: fc.integer({ min: 0, max: 181 * DAY_MINUTES }),
    delay: fc.integer({ min: -1200, max: 1700 }),
    distance: fc.integer({ min: 10, max: 4962 }),
    origin: fc.integer({ min: 0, max: 2 }),
  });

  it("loses nothing, ascends, keeps ties in order, and survives its file", () => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 60 }), (rows) => {
        // The distance numbers the rows, so that their order can be read off.
        const numbered = rows.map((one, i) => ({ ...one, distance: i }));
        const ordered = orderByUtc(columnsOf(numbered), STATES);
        const flights = decodeFlights(encodeFlights(ordered, AIRPORTS), 0);
        expect([...flights.distance].sort((a, b) => a - b)).toEqual([...rows.keys()]);
        for (let i = 1; i < flights.rows; i++) {
          const [before, here] = [flights.departureMinute[i - 1] ?? 0, flights.departureMinute[i]];
          expect(here).toBeGreaterThanOrEqual(before);
          if (here === before) {
            expect(flights.distance[i]).toBeGreaterThan(flights.distance[i - 1] ?? 0);
          }
        }
        expect([...flights.dayStart]).toEqual(
          Array.from(
            flights.dayStart,
            (_, day) =>
              [...flights.departureMinute].filter((minute) => minute < day * DAY_MINUTES).length,
          ),
        );
      }),
    );
  });
});
