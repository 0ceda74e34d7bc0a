import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatCount,
  formatFixed,
  formatInterval,
  formatNumber,
  formatP,
  formatSeconds,
  formatShare,
} from "../../console/format/numbers.ts";
import {
  formatDuration,
  formatShortDay,
  formatSpan,
  formatTime,
} from "../../console/format/times.ts";
import { timeLabels } from "../../console/charts/time-labels.ts";

/** Thin no-break spaces as plain ones, to be readable here. */
const plain = (text: string): string => text.replaceAll("\u202f", " ");

describe("numbers", () => {
  it.each([
    [0, "0"],
    [112_426, "112 426"],
    [-1_234, "−1 234"],
    [null, "–"],
  ])("count %s: %s", (value, text) => expect(plain(formatCount(value))).toBe(text));

  it("fixed decimals have a real minus, and none before zero", () => {
    expect(formatFixed(-0.0444, 3)).toBe("−0.044");
    expect(formatFixed(-0.0001, 3)).toBe("0.000");
    expect(formatFixed(Number.NaN, 3)).toBe("–");
  });

  it.each([
    [0, "0 %"],
    [1, "100 %"],
    [0.0221, "2.21 %"],
    [0.9907, "99.1 %"],
    [0.00025, "0.025 %"],
  ])("share %s: %s", (value, text) => expect(plain(formatShare(value))).toBe(text));

  it.each([
    [1609.344, "1609"],
    [0.123456, "0.123"],
    [1.3e-16, "1.3e−16"],
    [2_356_080, "2 356 080"],
  ])("number %s: %s", (value, text) => expect(plain(formatNumber(value))).toBe(text));

  it("p-values beyond what matters are not told in digits", () => {
    expect(plain(formatP(1e-9))).toBe("< 0.0001");
    expect(formatP(0.0046)).toBe("0.0046");
    expect(formatP(0.881)).toBe("0.88");
  });

  it.each([
    [0, "0"],
    [0.000472, "472 µs"],
    [0.00363, "3.63 ms"],
    [1.5, "1.5 s"],
  ])("seconds %s: %s", (value, text) => expect(plain(formatSeconds(value))).toBe(text));

  it("an interval needs both ends", () => {
    const three = (value: number | null | undefined): string => formatFixed(value, 3);
    expect(formatInterval({ lower: 0.0507, upper: 0.116 }, three)).toBe("[0.051, 0.116]");
    expect(formatInterval({ lower: null, upper: 0.1 }, three)).toBe("");
  });

  it("counts keep every digit", () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        expect(Number(formatCount(value).replaceAll("\u202f", "").replace("−", "-"))).toBe(value);
      }),
    );
  });
});

describe("times, in UTC whatever the machine says", () => {
  it("are cut to the minute", () => {
    expect(formatTime("2026-08-13T16:35:59.999Z")).toBe("2026-08-13 16:35");
    expect(formatTime(null)).toBe("–");
    expect(formatShortDay("2026-08-13T23:59:00Z")).toBe("13 Aug");
  });

  it.each([
    ["2026-11-09T00:00:00Z", "2026-11-16T00:00:00Z", "9 – 15 Nov"],
    ["2026-08-31T00:00:00Z", "2026-09-07T00:00:00Z", "31 Aug – 6 Sep"],
    ["2026-08-31T00:00:00Z", "2026-09-01T00:00:00Z", "31 Aug"],
    ["2026-09-20T13:00:00Z", "2026-09-20T14:30:00Z", "2026-09-20 13:00 – 14:30"],
    ["2026-09-20T23:00:00Z", "2026-09-21T01:00:00Z", "2026-09-20 23:00 – 2026-09-21 01:00"],
  ])("from %s to %s: %s", (from, to, text) => expect(formatSpan(from, to)).toBe(text));

  it.each([
    [45_000, "45 s"],
    [20 * 60_000, "20 min"],
    [65 * 60_000, "1 h 5 min"],
    [7 * 86_400_000, "7 d"],
  ])("%s ms: %s", (ms, text) => expect(formatDuration(ms)).toBe(text));

  it("label an axis by hours within a day, and by the day where one begins", () => {
    const at = (text: string): number => Date.parse(text) / 1000;
    const hours = ["2026-10-05T18:00Z", "2026-10-06T00:00Z", "2026-10-06T06:00Z"].map(at);
    expect(timeLabels(hours)).toEqual(["18:00", "6 Oct", "06:00"]);
    const days = ["2026-12-25T00:00Z", "2027-01-01T00:00Z"].map(at);
    expect(timeLabels(days)).toEqual(["25 Dec", "1 Jan 2027"]);
  });
});
