import { describe, expect, it } from "vitest";
import { VOLUME_SPAN_MS, judgeVolume } from "../../../analyzer/rules/volume.ts";
import { seededRandom } from "../../../runtime/random.ts";
import { gammaSample, poissonSample } from "./support/samples.ts";

const HOUR = 3_600_000;
const WEEK = 168 * HOUR;
const START = Date.UTC(2026, 0, 5);

interface World {
  readonly weeks: number;
  readonly peak: number;
  /** Coefficients of variation of days and of hours, which people's habits have. */
  readonly days: number;
  readonly hours: number;
  readonly seed: number;
  readonly factor?: (hourMs: number) => number;
}

/** Requests by hour: a daily curve, quieter weekends, days and hours that vary, and chance. */
function traffic({ weeks, peak, days, hours, seed, factor = () => 1 }: World): Map<number, number> {
  const random = seededRandom(seed);
  const counts = new Map<number, number>();
  let day = 1;
  for (let hour = 0; hour < weeks * 168; hour++) {
    if (hour % 24 === 0) day = gammaSample(random, 1, days);
    const curve = 0.02 + Math.max(0, Math.sin(((hour % 24) - 6) * (Math.PI / 16)));
    const weekend = hour % 168 >= 120 ? 0.6 : 1;
    const mean = peak * curve * weekend * day * gammaSample(random, 1, hours);
    counts.set(START + hour * HOUR, poissonSample(random, mean * factor(START + hour * HOUR)));
  }
  return counts;
}

/** Ends of the spans at which it fires: two breaches in a row, as the alert asks for. */
function fired(counts: ReadonlyMap<number, number>, fromWeek: number): number[] {
  const ends: number[] = [];
  let breaches = 0;
  const lastMs = Math.max(...counts.keys()) + HOUR;
  for (let toMs = START + fromWeek * WEEK + VOLUME_SPAN_MS; toMs <= lastMs; toMs += HOUR) {
    breaches = judgeVolume(counts, toMs).breach ? breaches + 1 : 0;
    if (breaches === 2) ends.push(toMs);
  }
  return ends;
}

describe("the volume of requests", () => {
  it("is not told in 300 weeks of ordinary traffic, busy or quiet, even or moody", () => {
    // Ten worlds of 30 weeks judged, four judgements an hour apart at the most: 50 400 judgements.
    const alarms = [20, 200, 2_000, 20_000, 200].flatMap((peak, i) =>
      [0.05, 0.2].flatMap((days, j) =>
        fired(traffic({ weeks: 33, peak, days, hours: 0.1, seed: 10 * i + j }), 3),
      ),
    );
    expect(alarms).toEqual([]);
  });

  it("is rarely told where whole days are a third above or below their kind", () => {
    const alarms = [1, 2, 3].flatMap((seed) =>
      fired(traffic({ weeks: 33, peak: 500, days: 0.35, hours: 0.15, seed }), 3),
    );
    // 90 weeks: one false ticket in thirty of them.
    expect(alarms.length).toBeLessThanOrEqual(3);
  });

  it.each([
    ["a third of it", 1 / 3, 10],
    ["a fifth", 0.2, 6],
    ["a tenth", 0.1, 5],
    ["three times as much", 3, 10],
    ["five times", 5, 5],
    ["ten times", 10, 4],
  ])("is told when it is %s", (_what, change, hoursMax) => {
    const fromMs = START + 8 * WEEK + 57 * HOUR;
    const hours = [1, 2, 3, 4, 5].map((seed) => {
      const factor = (ms: number): number => (ms >= fromMs ? change : 1);
      const world = { weeks: 9, peak: 500, days: 0.1, hours: 0.1, seed, factor };
      return ((fired(traffic(world), 3)[0] ?? Number.POSITIVE_INFINITY) - fromMs) / HOUR;
    });
    for (const delay of hours) {
      expect(delay).toBeGreaterThan(0);
      expect(delay).toBeLessThanOrEqual(hoursMax);
    }
  });

  it("is usual again when half of the weeks had it", () => {
    const fromMs = START + 8 * WEEK;
    const factor = (ms: number): number => (ms >= fromMs ? 4 : 1);
    const counts = traffic({ weeks: 16, peak: 500, days: 0.1, hours: 0.1, seed: 7, factor });
    const last = (week: number) => judgeVolume(counts, START + week * WEEK + 60 * HOUR).breach;
    expect([8, 9, 10, 12, 13].map(last)).toEqual([true, true, true, false, false]);
  });

  it("is excused by the neighbouring hour, when clocks change", () => {
    const counts = traffic({ weeks: 9, peak: 500, days: 0.05, hours: 0.05, seed: 3 });
    const moved = new Map(
      [...counts].map(([ms, n]) => [ms >= START + 8 * WEEK ? ms + HOUR : ms, n] as const),
    );
    expect(fired(moved, 8)).toEqual([]);
  });

  it("asks for three past weeks, and leaves silence to the rule about it", () => {
    const world = { weeks: 9, peak: 500, days: 0.1, hours: 0.1, seed: 4 };
    const tenth = traffic({ ...world, factor: (ms) => (ms >= START + 2 * WEEK ? 0.1 : 1) });
    expect(judgeVolume(tenth, START + 2 * WEEK + 60 * HOUR)).toMatchObject({
      breach: false,
      weeks: 2,
    });
    const none = traffic({ ...world, factor: (ms) => (ms >= START + 8 * WEEK ? 0 : 1) });
    expect(judgeVolume(none, START + 8 * WEEK + 60 * HOUR)).toMatchObject({
      breach: false,
      rows: 0,
    });
  });

  it("is judged by what rows stand for, and trusted no more than so few rows can be", () => {
    const truth = traffic({ weeks: 33, peak: 2_000, days: 0.05, hours: 0.1, seed: 4 });
    const random = seededRandom(5);
    const thinned = (share: number): Map<number, number> =>
      new Map([...truth].map(([hour, n]) => [hour, poissonSample(random, n * share) / share]));
    const alarms = (counts: ReadonlyMap<number, number>, share: number): number => {
      let count = 0;
      for (let toMs = START + 3 * WEEK + VOLUME_SPAN_MS; toMs <= START + 33 * WEEK; toMs += HOUR) {
        if (judgeVolume(counts, toMs, share).breach) count++;
      }
      return count;
    };
    for (const share of [0.1, 0.01]) expect(alarms(thinned(share), share)).toBe(0);
    // A tenth of the sample is no tenth of the traffic: the first hours at the new share are as usual.
    const counts = thinned(0.1);
    const tenth = new Map([...counts].map(([hour, n]) => [hour, n / 10]));
    const now = START + 20 * WEEK + 60 * HOUR;
    const fallen = new Map(
      [...counts].map(([hour, n]) => [
        hour,
        hour < now - VOLUME_SPAN_MS ? n : (tenth.get(hour) ?? 0),
      ]),
    );
    expect(judgeVolume(fallen, now, 0.1)).toMatchObject({ breach: true });
    expect(judgeVolume(fallen, now, 0.001)).toMatchObject({ breach: false });
  });
});
