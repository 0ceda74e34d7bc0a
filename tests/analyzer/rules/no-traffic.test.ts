import { describe, expect, it } from "vitest";
import { SLOT_MS, type TrafficProfile, judgeSilence } from "../../../analyzer/rules/no-traffic.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Weeks whose slots carry what `perSlot` says by hour of the day. */
const profile = (
  weeks: number,
  perSlot: (hour: number, week: number) => number,
): TrafficProfile => ({
  firstSlotMs: -2 * HOUR,
  weeks: Array.from({ length: weeks }, (_, week) => ({
    weeksAgo: week + 1,
    slots: Float64Array.from({ length: 336 }, (_unused, slot) =>
      perSlot(Math.floor((((slot * SLOT_MS - 2 * HOUR) / HOUR) % 24) + 24) % 24, week),
    ),
  })),
});
const busy = profile(5, (hour) => (hour === 8 ? 1 : 85));

describe("silence", () => {
  it.each([
    ["20 minutes at the peak", busy, 18 * HOUR, 20 * MINUTE, true],
    ["8 minutes at the peak", busy, 18 * HOUR, 8 * MINUTE, false],
    ["28 minutes in the quiet hour", busy, 8 * HOUR + 10 * MINUTE, 28 * MINUTE, false],
    ["the quiet hour moved by a summer time", busy, 9 * HOUR + 5 * MINUTE, 28 * MINUTE, false],
    ["an hour at the peak in the second week", profile(1, () => 85), 18 * HOUR, HOUR, false],
    ["an hour at the peak in the third week", profile(2, () => 85), 18 * HOUR, HOUR, true],
    ["an hour without any history", profile(0, () => 0), 18 * HOUR, HOUR, false],
    ["an hour of a model with a request a day", profile(8, () => 1 / 288), 18 * HOUR, HOUR, false],
  ])("judges %s", (_name, past, fromMs, silentMs, breach) => {
    expect(judgeSilence(past, fromMs, fromMs + silentMs).breach).toBe(breach);
  });

  it("expects what the same hours carried", () => {
    expect(judgeSilence(busy, 18 * HOUR, 18 * HOUR + 20 * MINUTE).expected).toBeCloseTo(340, 6);
  });

  it("trusts hours that vary less than those that do not", () => {
    const steady = profile(8, () => 20);
    const wild = profile(8, (_hour, week) => (week % 2 === 0 ? 1 : 39));
    const p = (past: TrafficProfile): number =>
      judgeSilence(past, 18 * HOUR, 18 * HOUR + 15 * MINUTE).pValue;
    expect(p(steady)).toBeLessThan(p(wild) / 10);
  });
});
