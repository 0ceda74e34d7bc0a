/** What counters grew by: over restarts of their server, gaps, and counters that are new. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Baseline, growthOf } from "../../../agent/server-metrics/growth.ts";
import type { Reading } from "../../../agent/server-metrics/map-points.ts";

const reading = (timeMs: number, value: number, over: Partial<Reading> = {}): Reading => ({
  ...{ series: "s", model: "m", version: "", measure: "requests", part: "" },
  ...{ timeMs, startMs: 0, temporality: "cumulative" },
  taken: { kind: "counter", rate: false, values: [value] },
  ...over,
});
const known = (timeMs: number, value: number): Baseline => ({
  ...{ timeMs, startMs: 0, values: [value], edges: [] },
});

describe("growth of a counter", () => {
  it("is the difference, and after a fall all that it says", () => {
    expect(growthOf(reading(2_000, 15), known(1_000, 10), null)).toMatchObject({
      values: [5],
      elapsedMs: 1_000,
    });
    expect(growthOf(reading(2_000, 3), known(1_000, 10), null)).toMatchObject({ values: [3] });
  });

  it("is not known at first sight, nor after a gap in which nobody looked", () => {
    expect(growthOf(reading(2_000, 15), null, null).kind).toBe("first");
    expect(growthOf(reading(2_000_000, 15), known(1_000, 10), null).kind).toBe("gap");
  });

  it("counts from zero what was not there when all was read before: the first error of its type", () => {
    expect(growthOf(reading(31_000, 1), null, 1_000)).toMatchObject({
      kind: "counted",
      values: [1],
    });
  });

  it("sees a restart by the start time, though the counter is higher than before", () => {
    const after = reading(60_000, 30, { startMs: 50_000 });
    expect(growthOf(after, { ...known(40_000, 10), startMs: 1 }, null)).toMatchObject({
      values: [30],
      elapsedMs: 10_000,
    });
  });

  it("takes deltas as they are, and needs nothing for them", () => {
    const delta = reading(60_000, 7, { temporality: "delta", startMs: 50_000 });
    expect(growthOf(delta, null, null)).toMatchObject({
      values: [7],
      elapsedMs: 10_000,
      baseline: null,
    });
  });

  it("is nothing for what is told twice or late", () => {
    expect(growthOf(reading(1_000, 12), known(1_000, 10), null).kind).toBe("old");
  });

  const buckets = (timeMs: number, ...of: (readonly [number, number, number])[]): Reading =>
    reading(timeMs, 0, {
      measure: "latency",
      taken: {
        kind: "buckets",
        buckets: of.map(([lower, upper, count]) => ({ lower, upper, count })),
      },
    });

  it("of buckets goes by their edges: new ones were empty, and wider ones hold what narrow ones held", () => {
    const before: Baseline = { timeMs: 1_000, startMs: 0, values: [4, 2], edges: [1, 2] };
    const grownBy = (now: Reading) => growthOf(now, before, null);
    expect(grownBy(buckets(2_000, [0, 1, 6], [1, 2, 2], [2, 4, 5]))).toMatchObject({
      values: [2, 0, 5],
    });
    expect(grownBy(buckets(2_000, [0, 2, 9]))).toMatchObject({ values: [3] });
    expect(grownBy(buckets(2_000, [0, 1, 3]))).toMatchObject({ values: [3] });
    expect(grownBy(buckets(2_000, [0, 1, 9])).kind).toBe("first");
  });

  it("adds up to all that was counted, over any restarts that are seen", () => {
    const step = fc.record({ add: fc.nat(50), restart: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let [value, all, counted, now] = [0, 0, 0, 1_000];
        let startMs = 500;
        let before: Baseline | null = { ...known(now, 0), startMs };
        for (const { add, restart } of steps) {
          now += 1_000;
          if (restart) {
            startMs = now - 500;
            value = 0;
          }
          value += add;
          all += add;
          const growth = growthOf(reading(now, value, { startMs }), before, null);
          if (growth.kind !== "counted") throw new Error(growth.kind);
          counted += growth.values[0] ?? 0;
          before = growth.baseline;
        }
        expect(counted).toBe(all);
      }),
    );
  });
});
