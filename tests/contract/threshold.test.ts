import { describe, expect, it } from "vitest";
import { isBeyond, parseThreshold } from "../../contract/threshold.ts";

describe("thresholds", () => {
  it.each([
    ["skill < 0.9 * baseline for 2 windows", 0.1, 0.12, true],
    ["skill < 0.9 * baseline for 2 windows", 0.11, 0.12, false],
    ["log_loss > 0.5", 0.51, Number.NaN, true],
    ["log_loss > 1.1 * baseline", 0.9, Number.NaN, false],
    ["calibration < -0.05", -0.06, Number.NaN, true],
  ])("reads %j", (text, value, baseline, beyond) => {
    const threshold = parseThreshold(text);
    expect(threshold && isBeyond(threshold, value, baseline)).toBe(beyond);
  });

  it("are read the same by who alerts and who retrains", () => {
    expect(parseThreshold(" skill < 0.9 * baseline for 2 windows ")).toEqual({
      text: "skill < 0.9 * baseline for 2 windows",
      metric: "skill",
      comparison: "<",
      number: 0.9,
      ofBaseline: true,
      windows: 2,
    });
    expect(parseThreshold("log_loss > 0.6 for 0 windows")).toMatchObject({ windows: 1 });
  });

  it("refuses what it does not know", () => {
    expect(parseThreshold("skill <= 1")).toBeNull();
  });
});
