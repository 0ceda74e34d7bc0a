import fc from "fast-check";
import { expect, it } from "vitest";
import { Duration, durationText, roughSpan } from "../../contract/duration.ts";

it.each([
  [604_800_000, "7d"],
  [3_600_000, "1h"],
  [90_000, "90s"],
  [1_500, "1500ms"],
  [0, "0s"],
])("%d ms are written %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

it("reads back what it wrote, whatever the span", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3 * 10 ** 12 }), (ms) => {
      expect(Duration.parse(durationText(ms))).toBe(ms);
    }),
  );
});

it.each(["12112251509h", "36526d", "1e3s", "-1h", "1"])("refuses %s", (text) => {
  expect(Duration.safeParse(text).success).toBe(false);
});

it.each([
  [77.004, "77 ms"],
  [1_600, "1.6 seconds"],
  [93_600_000, "26 hours"],
  [1_209_600_000, "14 days"],
  [34_560_000_000, "400 days"],
])("%d ms are roughly %s", (ms, text) => {
  expect(roughSpan(ms)).toBe(text);
});
