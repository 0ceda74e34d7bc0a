import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { explainColumn } from "../../analyzer/breaks/explain-column.ts";
import { findBreaks } from "../../analyzer/breaks/find-breaks.ts";
import type { FeatureReference } from "../../analyzer/features/feature-reference.ts";
import { SLOT_MS, judgeSilence } from "../../analyzer/rules/no-traffic.ts";
import {
  DAY_MINUTES,
  LIVE_WEEKS,
  TRAINING_WEEKS,
  firstDayOfWeek,
} from "../../examples/flights/data/calendar.ts";
import type { Flights } from "../../examples/flights/data/flights-file.ts";
import { prepareFlights } from "../../examples/flights/data/prepare-flights.ts";
import { worldOf } from "../../examples/flights/offline/world.ts";
import { reportTroubles } from "../../examples/flights/trouble-report.ts";
import { planTroubles } from "../../examples/flights/troubles.ts";
import {
  type Grids,
  breakInput,
  countWindows,
  gridsOf,
  referencesOf,
} from "./support/count-windows.ts";
import { CLIENT_TAG, flightsDay } from "./support/flights-past.ts";

const PERIODS: Readonly<Record<string, number>> = { hour: 24, day_of_week: 7 };
const MINUTE_MS = 60_000;
const LIVE_MINUTE = firstDayOfWeek(LIVE_WEEKS.first) * DAY_MINUTES;
const SLOTS_PER_DAY = DAY_MINUTES / 5;

let folder: string;
let flights: Flights;
let grids: Grids;
let references: ReadonlyMap<string, FeatureReference>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "driftmend-flights-"));
  ({ flights } = await prepareFlights({ folder, nowMs: Date.UTC(2026, 10, 23) }));
  const world = worldOf(flights, null);
  const first = firstDayOfWeek(TRAINING_WEEKS.first);
  const days = Array.from({ length: 28 }, (_, i) => flightsDay(world, first + i, null));
  grids = gridsOf(days.flat());
  references = referencesOf(days, grids, CLIENT_TAG);
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the real flights", () => {
  it("have quiet hours that are no alert, and a silence of 20 minutes that is", () => {
    const { noTraffic } = planTroubles(undefined);
    const quiet = silences(() => false);
    expect(quiet.longest).toBeGreaterThanOrEqual(20);
    expect(quiet.breaches).toEqual([]);
    const planted = silences(
      (minute) => minute >= noTraffic.fromMinute && minute < noTraffic.toMinute,
    );
    expect(planted.breaches).toEqual([10, 15, 20].map((after) => noTraffic.fromMinute + after));
  });

  it.each([undefined, 2, 5, 8])(
    "show the break of seed %s on its first day, rightly named, and none the day before",
    (seed) => {
      const troubles = planTroubles(seed);
      const world = worldOf(flights, troubles);
      const [planted] = reportTroubles(troubles, flights);
      const day = firstDayOfWeek(troubles.dataBreak.week);
      const find = (rows: ReturnType<typeof flightsDay>) =>
        findBreaks(references, {
          day: countWindows(rows, grids, CLIENT_TAG),
          before: [],
          tags: [CLIENT_TAG],
        });
      expect(find(flightsDay(world, day - 1, troubles))).toEqual([]);
      const rows = flightsDay(world, day, troubles);
      const columns = (planted?.columns ?? []).toSorted();
      expect(find(rows)).toEqual([{ ...planted?.segment, columns }]);
      const isBroken = ({ tags }: (typeof rows)[number]): boolean =>
        planted?.segment?.values.includes(tags?.[CLIENT_TAG] ?? "") === true;
      const [broken, sound] = [rows.filter(isBroken), rows.filter((row) => !isBroken(row))];
      for (const column of columns) {
        const candidates = ["", "origin", "destination"].map((by) => ({
          by: by === "" ? null : by,
          input: breakInput(sound, broken, column, by, PERIODS[column]),
        }));
        const named = explainColumn(column, candidates);
        if (column === "distance") {
          const factor = named.change === "factor" ? named.factor : Number.NaN;
          expect(Math.abs(factor / (planted?.factor ?? 0) - 1)).toBeLessThan(0.01);
        } else {
          expect(named).toMatchObject({ change: "shift", shift: { median: planted?.shift } });
        }
      }
    },
    60_000,
  );
});

/** Every closed 5-minute step of the live weeks that follows ten minutes without a flight. */
function silences(isSilent: (minute: number) => boolean) {
  const { departureMinute, rows } = flights;
  const last = departureMinute[rows - 1] ?? 0;
  const slots = new Float64Array(Math.ceil(last / 5) + 2 * SLOTS_PER_DAY);
  const asked = new Uint8Array(last + 1);
  for (const minute of departureMinute) {
    if (minute < LIVE_MINUTE || isSilent(minute)) continue;
    slots[Math.floor(minute / 5)] = (slots[Math.floor(minute / 5)] ?? 0) + 1;
    asked[minute] = 1;
  }
  const breaches: number[] = [];
  let longest = 0;
  let lastMinute = LIVE_MINUTE;
  for (let step = LIVE_MINUTE + 5; step <= last; step += 5) {
    for (let minute = step - 5; minute < step; minute++) {
      if (asked[minute] === 1) lastMinute = minute + 1;
    }
    longest = Math.max(longest, step - lastMinute);
    if (step - lastMinute < 10) continue;
    const profile = profileOf(slots, Math.floor((step - 1) / DAY_MINUTES));
    const verdict = judgeSilence(profile, lastMinute * MINUTE_MS, step * MINUTE_MS);
    if (verdict.breach) breaches.push(step);
  }
  return { breaches, longest };
}

function profileOf(slots: Float64Array, day: number) {
  const firstSlot = day * SLOTS_PER_DAY - 24;
  const weeks = [];
  for (let week = 1; week <= 8 && day - 7 * week >= LIVE_MINUTE / DAY_MINUTES; week++) {
    const from = firstSlot - week * 7 * SLOTS_PER_DAY;
    weeks.push({ weeksAgo: week, slots: slots.subarray(from, from + SLOTS_PER_DAY + 48) });
  }
  return { firstSlotMs: firstSlot * SLOT_MS, weeks };
}
