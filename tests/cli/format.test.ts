import { expect, it } from "vitest";
import {
  formatBytes,
  formatCount,
  formatFact,
  formatNumber,
  formatSpan,
  formatTime,
} from "../../cli/format.ts";
import { coloured, paintFor, plain } from "../../cli/paint.ts";

it.each([
  [formatCount(1_234_567).replaceAll("\u202f", " "), "1 234 567"],
  [formatCount(999), "999"],
  [formatTime(Date.UTC(2026, 8, 14, 6, 30)), "Mon 2026-09-14 06:30"],
  [formatSpan(850), "850 ms"],
  [formatSpan(12_400), "12 s"],
  [formatSpan(245_000), "4:05 min"],
  [formatSpan(1_200_000), "20 min"],
  [formatSpan(12_000_000), "3 h 20 min"],
  [formatSpan(446_400_000), "5 d 4 h"],
  [formatBytes(512), "512 B"],
  [formatBytes(1536), "1.5 KiB"],
  [formatBytes(3 * 1024 ** 3), "3.0 GiB"],
  [formatNumber(0.0123456), "0.01235"],
  [formatNumber(42), "42"],
  [formatFact("at", "2026-08-17T00:00:00.000Z"), "Mon 2026-08-17 00:00 UTC"],
  [formatFact("lastsMs", 86_400_000), "24 h"],
  [formatFact("residentBytes", 2048), "2.0 KiB"],
  [formatFact("canary", null), ""],
])("%s", (actual, expected) => {
  expect(actual).toBe(expected);
});

it("colours are for terminals, and NO_COLOR and FORCE_COLOR are heeded", () => {
  expect(paintFor({ isTTY: true }, {})).toBe(coloured);
  expect(paintFor({}, {})).toBe(plain);
  expect(paintFor({ isTTY: true }, { NO_COLOR: "1" })).toBe(plain);
  expect(paintFor({}, { FORCE_COLOR: "1" })).toBe(coloured);
});
