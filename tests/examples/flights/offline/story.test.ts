import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { firstDayOfWeek } from "../../../../examples/flights/data/calendar.ts";
import { type Flights, withColumns } from "../../../../examples/flights/data/flights-file.ts";
import { permuteLabels } from "../../../../examples/flights/data/permute-labels.ts";
import { prepareFlights } from "../../../../examples/flights/data/prepare-flights.ts";
import { figuresOf } from "../../../../examples/flights/offline/figures.ts";
import {
  rowsOfDays,
  type Story,
  type StoryOptions,
  tellStory,
} from "../../../../examples/flights/offline/story.ts";
import { FATE, worldOf } from "../../../../examples/flights/offline/world.ts";
import { planTroubles } from "../../../../examples/flights/troubles.ts";

/** Every twentieth real flight: enough that the loop's course shows, quick enough for a test. */
const EVERY = 20;
const OPTIONS: StoryOptions = { l2: 10, embargoDays: 7, skipQuarantine: false };

function everyTwentieth(flights: Flights): Flights {
  const rows = Math.floor(flights.rows / EVERY);
  const thin = <T extends Int32Array | Uint16Array | Uint8Array>(column: T): T =>
    column.filter((_, row) => row % EVERY === 0).subarray(0, rows) as T;
  return withColumns(
    {
      departureMinute: thin(flights.departureMinute),
      distance: thin(flights.distance),
      hour: thin(flights.hour),
      dayOfWeek: thin(flights.dayOfWeek),
      origin: thin(flights.origin),
      destination: thin(flights.destination),
      late: thin(flights.late),
    },
    flights.airports,
    flights.shiftMs,
  );
}

let folder: string;
let flights: Flights;
let story: Story;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "driftmend-story-"));
  const prepared = await prepareFlights({ folder, nowMs: Date.UTC(2026, 10, 23) });
  flights = everyTwentieth(prepared.flights);
  story = tellStory(worldOf(flights, planTroubles(undefined)), OPTIONS);
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the story told on every twentieth flight", () => {
  it("promotes, and is better for it", () => {
    expect(story.promotions.length).toBeGreaterThanOrEqual(1);
    const { total, sinceFirstPromotion } = figuresOf(story);
    expect(total.difference).toBeLessThan(-0.006);
    expect(total.byDay.upper).toBeLessThan(0);
    expect(total.byWeek.upper).toBeLessThan(0);
    expect(sinceFirstPromotion?.difference).toBeLessThan(total.difference);
  });

  it("has 96 % of a week's labels on Monday and 83 % of Sunday's", () => {
    for (const week of story.weeks) {
      expect(week.coverage).toBeCloseTo(0.963, 1);
      expect(week.sundayCoverage).toBeGreaterThan(0.8);
      expect(week.sundayCoverage).toBeLessThan(0.86);
    }
  });

  it("alerts in the weeks in which a weekly refit would have, too: 13, and 17 to 20", () => {
    const { alertWeeks, refitAlertWeeks, refitEpisodes } = figuresOf(story);
    expect(refitAlertWeeks).toEqual([13, 17, 18, 19, 20]);
    expect(alertWeeks).toEqual([13, 17, 18, 19, 20]);
    expect(refitEpisodes).toBe(2);
  });

  it("serves version 1 until the canary day, a tenth then, all the day after", () => {
    const { fullDay } = story.promotions[0] ?? { fullDay: 0 };
    const share = (fromDay: number, toDay: number): number => {
      const [from, to] = rowsOfDays(story.world, fromDay, toDay);
      let changed = 0;
      for (let row = from; row < to; row++) if (story.served[row] !== story.stale[row]) changed++;
      return changed / (to - from);
    };
    expect(share(firstDayOfWeek(10), fullDay - 1)).toBe(0);
    expect(share(fullDay - 1, fullDay)).toBeCloseTo(0.1, 1);
    expect(share(fullDay, fullDay + 1)).toBe(1);
  });

  it("never retrains beside broken inputs, and scores them worse", () => {
    const week18 = story.weeks.find(({ week }) => week === 18);
    expect(week18?.probe.decision).not.toBe("RETRAIN");
    const { brokenLogLoss } = figuresOf(story);
    expect(brokenLogLoss?.broken).toBeGreaterThan((brokenLogLoss?.sound ?? 1) + 0.05);
    const [from, to] = rowsOfDays(story.world, firstDayOfWeek(18), firstDayOfWeek(19));
    const broken = story.world.fate.subarray(from, to).filter((fate) => fate === FATE.broken);
    expect(broken.length / (to - from)).toBeCloseTo(0.2, 1);
  });

  it("promotes nothing when labels are permuted", () => {
    const permuted = tellStory(worldOf(permuteLabels(flights), planTroubles(undefined)), OPTIONS);
    expect(permuted.promotions).toEqual([]);
    const figures = figuresOf(permuted);
    expect(figures.total.difference).toBe(0);
    expect(figures.sinceFirstPromotion).toBeNull();
    expect(figures.alertWeeks).toEqual([]);
  });
});
