import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { firstDayOfWeek, WEEK_MS } from "../../../../examples/flights/data/calendar.ts";
import { CLIENT_VERSIONS, clientOf } from "../../../../examples/flights/data/flights-file.ts";
import {
  prepareFlights,
  type PreparedFlights,
  vegaFlights,
} from "../../../../examples/flights/data/prepare-flights.ts";
import { rowsOfWeeks } from "../../../../examples/flights/data/training-set.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 9);
let folder: string;
let prepared: PreparedFlights;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "driftmend-flights-"));
  prepared = await prepareFlights({ folder, nowMs: NOW_MS });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the prepared flights", () => {
  const lateShare = (week: number): number => {
    const [from, to] = rowsOfWeeks(prepared.flights, week, week);
    return (
      prepared.flights.late.subarray(from, to).reduce((sum, late) => sum + late, 0) / (to - from)
    );
  };

  it("are all 3 M, about 115 000 a week, in UTC order", () => {
    const { flights } = prepared;
    expect(flights.rows).toBe(3_000_000);
    expect(flights.airports).toHaveLength(229);
    for (let week = 2; week <= 25; week++) {
      const [from, to] = rowsOfWeeks(flights, week, week);
      expect((to - from) / 115_000).toBeCloseTo(1, 1);
    }
    expect(flights.departureMinute.every((m, i, all) => i === 0 || m >= (all[i - 1] ?? 0))).toBe(
      true,
    );
  });

  it("are late as often as the weather says", () => {
    expect(lateShare(7)).toBeCloseTo(0.288, 3);
    expect(lateShare(17)).toBeCloseTo(0.125, 3);
    expect(lateShare(24)).toBeCloseTo(0.268, 3);
  });

  it("end within the last seven days, moved by whole weeks", () => {
    const { flights, shiftMs } = prepared;
    const lastMs = flights.departureMs(flights.rows - 1);
    expect(lastMs).toBeLessThanOrEqual(NOW_MS);
    expect(lastMs).toBeGreaterThan(NOW_MS - WEEK_MS);
    expect(shiftMs % WEEK_MS).toBe(0);
    const monday = flights.departureMs(flights.dayStart[firstDayOfWeek(10)] ?? 0);
    expect(new Date(monday).getUTCDay()).toBe(1);
  });

  it("have unique ids, a landing after the departure, and ten clients of equal size", () => {
    const { flights } = prepared;
    const row = 1_234_567;
    expect(flights.id(row)).toMatch(/^[A-Z0-9]{3}-[A-Z0-9]{3}-1234567$/);
    const airborneMs = flights.landingMs(row) - flights.departureMs(row);
    expect(airborneMs / 60_000).toBeCloseTo(25 + (flights.distance[row] ?? 0) / 7.7, 3);
    const sizes = new Float64Array(10);
    for (let i = 0; i < flights.rows; i++) sizes[clientOf(i)] = (sizes[clientOf(i)] ?? 0) + 1;
    expect(CLIENT_VERSIONS).toHaveLength(10);
    for (const size of sizes) expect(size / 300_000).toBeCloseTo(1, 1);
  });

  it("are used again, with the same shift, when the calendar has moved on", async () => {
    const again = await prepareFlights({ folder, nowMs: NOW_MS + 5 * WEEK_MS });
    expect(again.reused).toBe(true);
    expect(again.shiftMs).toBe(prepared.shiftMs);
    expect(again.trainingSetSha256).toBe(prepared.trainingSetSha256);
  });

  it("are made again, to the same bytes, when the file was damaged", async () => {
    const path = join(folder, "flights.bin");
    const before = await readFile(path);
    await writeFile(path, before.subarray(0, 1000));
    const again = await prepareFlights({ folder, nowMs: NOW_MS });
    expect(again.reused).toBe(false);
    expect(before.equals(await readFile(path))).toBe(true);
    expect(again.trainingSetSha256).toBe(prepared.trainingSetSha256);
  });

  it("permute the labels of weeks 6–26 and nothing else", async () => {
    const permuted = await prepareFlights({ folder, nowMs: NOW_MS, permuteLabels: true });
    expect(permuted.reused).toBe(false);
    expect(permuted.trainingSetSha256).not.toBe(prepared.trainingSetSha256);
    const [from] = rowsOfWeeks(prepared.flights, 6, 6);
    const counts = [prepared, permuted].map(({ flights }) =>
      flights.late.subarray(from).reduce((sum, late) => sum + late, 0),
    );
    expect(counts[0]).toBe(counts[1]);
    const untouched = permuted.flights.late.subarray(0, from);
    expect(Buffer.compare(untouched, prepared.flights.late.subarray(0, from))).toBe(0);
    const [monday, sunday] = rowsOfWeeks(prepared.flights, 17, 17);
    const share =
      permuted.flights.late.subarray(monday, sunday).reduce((sum, late) => sum + late, 0) /
      (sunday - monday);
    expect(share).toBeGreaterThan(0.2);
  });

  it("say what to do when the source is not there", async () => {
    const source = { ...vegaFlights(), airportsPath: join(folder, "nowhere.csv") };
    await expect(prepareFlights({ folder, nowMs: NOW_MS, source })).rejects.toMatchObject({
      code: "flights_source_missing",
      next: expect.stringContaining("npm ci"),
    });
  });

  it("say what went wrong when the source is not Parquet", async () => {
    const flightsPath = join(folder, "broken.parquet");
    await writeFile(flightsPath, "not a Parquet file");
    const source = { ...vegaFlights(), flightsPath };
    await expect(prepareFlights({ folder, nowMs: NOW_MS, source })).rejects.toMatchObject({
      code: "flights_unprepared",
    });
  });
});
