import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyDataBreak,
  isBroken,
  isFailing,
  isSilent,
  sentNumbers,
} from "../../../examples/flights/apply-troubles.ts";
import { firstDayOfWeek, weekOfDay } from "../../../examples/flights/data/calendar.ts";
import { reportTroubles } from "../../../examples/flights/trouble-report.ts";
import { planTroubles } from "../../../examples/flights/troubles.ts";
import { syntheticFlights } from "./synthetic-flights.ts";

const weekOfMinute = (minute: number): number => weekOfDay(Math.floor(minute / 1440));

describe("planTroubles() without a seed", () => {
  const plan = planTroubles(undefined);

  it("breaks two clients in week 18: kilometres for miles, universal hours for local ones", () => {
    expect(plan.dataBreak.week).toBe(18);
    expect(plan.dataBreak.clients).toHaveLength(2);
    expect(plan.dataBreak.distanceFactor).toBe(1.609344);
    expect(plan.dataBreak.hourChange).toEqual({ kind: "utc-for-local" });
    const truth = { hour: 21, dayOfWeek: 3, distance: 100 };
    expect(applyDataBreak(truth, 2, plan.dataBreak)).toEqual({
      hour: 2,
      dayOfWeek: 3,
      distance: 161,
    });
  });

  it("fails 3 % of one hour of week 12 and is silent for 20 minutes of week 15, Wednesday 18:00", () => {
    const { serverErrors, noTraffic } = plan;
    expect(weekOfMinute(serverErrors.fromMinute)).toBe(12);
    expect(serverErrors.toMinute - serverErrors.fromMinute).toBe(60);
    expect(noTraffic.fromMinute).toBe((firstDayOfWeek(15) + 2) * 1440 + 18 * 60);
    expect(noTraffic.toMinute - noTraffic.fromMinute).toBe(20);
  });

  it("touches the rows of its clients and hours alone", () => {
    const flights = syntheticFlights(200_000, [firstDayOfWeek(12), firstDayOfWeek(19)]);
    const rows = Array.from({ length: flights.rows }, (_, row) => row);
    const broken = rows.filter((row) => isBroken(flights, row, plan.dataBreak));
    expect(new Set(broken.map((row) => flights.client(row)))).toEqual(
      new Set(plan.dataBreak.clients),
    );
    expect(broken.length / flights.rows).toBeCloseTo(0.2 / 7, 2);
    for (const row of broken.slice(0, 100)) {
      expect(sentNumbers(flights, row, plan.dataBreak).hour).toBe(
        new Date(flights.departureMs(row)).getUTCHours(),
      );
    }
    const { fromMinute, toMinute } = plan.serverErrors;
    const asked = rows.filter((row) => {
      const minute = flights.departureMinute[row] ?? 0;
      return minute >= fromMinute && minute < toMinute;
    });
    const failing = rows.filter((row) => isFailing(flights, row, plan.serverErrors));
    expect(failing.every((row) => asked.includes(row))).toBe(true);
    // The stated share, not that share by luck: an hour of 2 % by chance paged nobody.
    expect(Math.abs(failing.length - asked.length * plan.serverErrors.share)).toBeLessThan(1);
    expect(rows.filter((row) => isSilent(flights, row, plan.noTraffic)).length).toBeGreaterThan(0);
  });

  it("is reported with the hours really added", () => {
    const flights = syntheticFlights(20_000, [firstDayOfWeek(18), firstDayOfWeek(19)]);
    const [dataBreak, errors, silence] = reportTroubles(plan, flights);
    expect(dataBreak).toEqual({
      kind: "data-break",
      columns: ["distance", "hour"],
      factor: 1.609344,
      // Local time is an hour behind in the invented flights.
      shift: 1,
      shiftMin: 1,
      shiftMax: 1,
      segment: { tag: "client.version", values: plan.dataBreak.clients },
      from: "2001-04-30T00:00:00.000Z",
      to: "2001-05-07T00:00:00.000Z",
    });
    expect(errors?.kind).toBe("server-errors");
    expect(silence).toMatchObject({ kind: "no-traffic", from: "2001-04-11T18:00:00.000Z" });
  });
});

describe("planTroubles() with a seed", () => {
  const seeds = fc.integer({ min: 0, max: 2 ** 31 });

  it("gives the same plan each time, within weeks 11–24", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const plan = planTroubles(seed);
        expect(planTroubles(seed)).toEqual(plan);
        for (const trouble of [plan.dataBreak, plan.serverErrors, plan.noTraffic]) {
          expect(weekOfMinute(trouble.fromMinute)).toBeGreaterThanOrEqual(11);
          expect(weekOfMinute(trouble.toMinute - 1)).toBeLessThanOrEqual(24);
        }
        expect(new Set(plan.dataBreak.clients).size).toBe(2);
        expect(weekOfMinute(plan.serverErrors.fromMinute)).not.toBe(
          weekOfMinute(plan.noTraffic.fromMinute),
        );
      }),
    );
  });

  it("always changes what it names, keeps the rest, and stays on the clock and in the week", () => {
    const flight = fc.record({
      hour: fc.integer({ min: 0, max: 23 }),
      dayOfWeek: fc.integer({ min: 1, max: 7 }),
      distance: fc.integer({ min: 50, max: 4962 }),
    });
    fc.assert(
      fc.property(seeds, flight, fc.integer({ min: 1, max: 23 }), (seed, truth, offset) => {
        const { dataBreak } = planTroubles(seed);
        const sent = applyDataBreak(truth, (truth.hour + offset) % 24, dataBreak);
        expect(sent.hour === truth.hour).toBe(dataBreak.hourChange === null);
        expect(sent.dayOfWeek === truth.dayOfWeek).toBe(dataBreak.dayShift === null);
        expect(sent.distance === truth.distance).toBe(dataBreak.distanceFactor === null);
        expect(sent.hour).toBeGreaterThanOrEqual(0);
        expect(sent.hour).toBeLessThan(24);
        expect(sent.dayOfWeek).toBeGreaterThanOrEqual(1);
        expect(sent.dayOfWeek).toBeLessThanOrEqual(7);
      }),
    );
  });

  it("moves weeks, columns, factors and clients", () => {
    const plans = Array.from({ length: 200 }, (_, seed) => planTroubles(seed).dataBreak);
    const kinds = (value: (plan: (typeof plans)[number]) => unknown): number =>
      new Set(plans.map((plan) => JSON.stringify(value(plan)))).size;
    expect(kinds((plan) => plan.week)).toBe(14);
    expect(kinds((plan) => plan.clients)).toBeGreaterThan(30);
    expect(kinds((plan) => plan.distanceFactor)).toBe(5);
    expect(kinds((plan) => plan.dayShift)).toBe(3);
    expect(kinds((plan) => plan.hourChange)).toBeGreaterThan(8);
  });
});
