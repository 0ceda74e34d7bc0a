import { describe, expect, it } from "vitest";
import { firstDayOfWeek, HOUR_MS, LIVE_WEEKS } from "../../../../examples/flights/data/calendar.ts";
import { labelKnownMs } from "../../../../examples/flights/label-arrival.ts";
import { requestsOf } from "../../../../examples/flights/replay/requests.ts";
import { tellStory } from "../../../../examples/flights/replay/story.ts";
import { planTroubles } from "../../../../examples/flights/troubles.ts";
import { syntheticFlights } from "../synthetic-flights.ts";

const days = [firstDayOfWeek(LIVE_WEEKS.first), firstDayOfWeek(LIVE_WEEKS.last + 1)] as const;
const flights = syntheticFlights(20_000, days);

const hoursOf = (story: { fromMs: number; toMs: number }, moreHours = 0): number[] => {
  const count = (story.toMs - story.fromMs) / HOUR_MS + 1 + moreHours;
  return Array.from({ length: count }, (_, i) => story.fromMs + i * HOUR_MS);
};

describe("tellStory() without troubles", () => {
  const story = tellStory(flights, null);

  it("asks about every flight once, in the hour of its departure", () => {
    const sent = hoursOf(story).flatMap((hourMs) => {
      const rows = story.flightsOf(hourMs);
      expect(rows.every(({ timeMs }) => timeMs >= hourMs && timeMs < hourMs + HOUR_MS)).toBe(true);
      return rows.map(({ id }) => id);
    });
    expect(sent).toHaveLength(flights.rows);
    expect(new Set(sent).size).toBe(flights.rows);
  });

  it("hands in every label once, in the hour in which it becomes known, and 1 % never", () => {
    const departures = new Map(
      hoursOf(story).flatMap((hourMs) => story.flightsOf(hourMs).map(({ id }) => [id, hourMs])),
    );
    const labelled = hoursOf(story, 24 * 5).flatMap((hourMs) => {
      const { earlier, own } = story.labelsOf(hourMs);
      const idsOf = ({ lines }: typeof own): string[] =>
        lines
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => {
            const label = JSON.parse(line) as { id: string; time: string };
            expect(Math.floor(Date.parse(label.time) / HOUR_MS) * HOUR_MS).toBe(hourMs);
            return label.id;
          });
      expect(idsOf(own).every((id) => departures.get(id) === hourMs)).toBe(true);
      expect(idsOf(earlier).every((id) => (departures.get(id) ?? hourMs) < hourMs)).toBe(true);
      return [...idsOf(earlier), ...idsOf(own)];
    });
    const known = Array.from({ length: flights.rows }, (_, row) => row).filter((row) =>
      Number.isFinite(labelKnownMs(flights, row)),
    );
    expect(new Set(labelled)).toEqual(new Set(known.map((row) => flights.id(row))));
    expect(labelled).toHaveLength(known.length);
    expect(known.length / flights.rows).toBeCloseTo(0.99, 2);
  });

  it("sends the first flights of each day alone", () => {
    const alone = hoursOf(story).flatMap((hourMs) =>
      story.flightsOf(hourMs).filter((flight) => flight.alone),
    );
    // 119 days of about 168 flights: two of each day are within its first hundredth.
    expect(alone.length).toBeGreaterThan(119);
    expect(alone.length).toBeLessThan(3 * 119);
  });
});

describe("tellStory() with the default troubles", () => {
  const plan = planTroubles(undefined);
  const story = tellStory(flights, plan);
  const all = hoursOf(story).flatMap((hourMs) => story.flightsOf(hourMs));
  const minuteOf = (timeMs: number): number => (timeMs - flights.departureMs(0)) / 60_000;

  it("asks nothing during the silence and lets some of one hour fail", () => {
    const origin = flights.departureMinute[0] ?? 0;
    const at = (flight: { timeMs: number }): number => minuteOf(flight.timeMs) + origin;
    const { noTraffic, serverErrors } = plan;
    expect(
      all.filter((f) => at(f) >= noTraffic.fromMinute && at(f) < noTraffic.toMinute),
    ).toHaveLength(0);
    for (const failing of all.filter((flight) => flight.failing)) {
      expect(at(failing)).toBeGreaterThanOrEqual(serverErrors.fromMinute);
      expect(at(failing)).toBeLessThan(serverErrors.toMinute);
    }
  });
});

describe("requestsOf()", () => {
  const sound = tellStory(flights, null);
  const rows = hoursOf(sound)
    .slice(0, 48)
    .flatMap((hourMs) => sound.flightsOf(hourMs));
  const requests = requestsOf(rows, "hour");

  it("sends each row once, one client version a request, at most 32 rows", () => {
    const ids = requests.flatMap(
      (request) => request.inputs.find(({ name }) => name === "prediction_id")?.data ?? [],
    );
    expect(ids.toSorted()).toEqual(rows.map(({ id }) => id).toSorted());
    const clientOf = new Map(rows.map(({ id, client }) => [id, client]));
    for (const request of requests) {
      const sent = request.inputs.find(({ name }) => name === "prediction_id")?.data ?? [];
      expect(sent.length).toBeLessThanOrEqual(32);
      for (const id of sent) {
        expect(clientOf.get(String(id))).toBe(request.parameters?.["client.version"]);
      }
    }
  });

  it("names requests alike each time, so that a repeated hour meets the same versions", () => {
    expect(requestsOf(rows, "hour").map(({ id }) => id)).toEqual(requests.map(({ id }) => id));
    expect(new Set(requests.map(({ id }) => id)).size).toBe(requests.length);
  });
});
