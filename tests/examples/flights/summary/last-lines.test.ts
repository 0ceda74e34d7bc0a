import { describe, expect, it } from "vitest";
import type { Difference, Figures } from "../../../../examples/flights/offline/figures.ts";
import { lastLines } from "../../../../examples/flights/summary/last-lines.ts";

const total: Difference = {
  stale: 0.4836,
  served: 0.4711,
  difference: -0.0125,
  byDay: { lower: -0.018, upper: -0.007 },
  byWeek: { lower: -0.019, upper: -0.006 },
  rows: 1_900_000,
};
const figures: Figures = {
  total,
  sinceFirstPromotion: { ...total, difference: -0.0171 },
  weeks: Array.from({ length: 17 }, (_, index) => ({
    week: 10 + index,
    ...{ stale: 0.48, served: 0.47, lower: -0.02, upper: -0.01, aucGain: 0.01 },
  })),
  weeksPromoted: 14,
  weeksBetter: 13,
  weeksBeyondDoubt: 11,
  brokenLogLoss: null,
  recalibrationShare: 0.5,
  recalibrationShareSince: 0.5,
  recalibrationShareEmbargo: 0.4,
  alertWeeks: [],
  refitAlertWeeks: [],
  refitEpisodes: 2,
};

describe("the last lines of the story", () => {
  it("say the result, the lesson and what to type next", () => {
    const lines = lastLines({
      figures,
      predictions: 1_972_389,
      alertKinds: ["calibration", "error-share", "data-break"],
      promoted: 3,
    });
    expect(lines.join("\n").replaceAll("\u202f", " ")).toMatchInlineSnapshot(`
      "
      The story has ended: 1 972 389 predictions in 17 weeks, 3 retrained versions promoted.
      Log-loss of what served against version 1 alone, on the same flights (lower is better, 95 % by day):
        all weeks              0.4711 against 0.4836: −0.0125 [−0.0180, −0.0070]
        since first promotion  0.4711 against 0.4836: −0.0171 [−0.0180, −0.0070]
        better in 13 of 14 weeks that a retrained version served
      The lesson: no alert said that inputs or predictions drift, and an estimate without labels takes the
      scores at their word, so it cannot see this. Only the labels showed that the model had grown stale.
      Look at it in a second terminal (README.md says more):
        npx driftmend runs flights      what was retrained, and which gates it passed
        npx driftmend checks flights    every Monday's decision, with its numbers
        npx driftmend alerts --all      everything that fired;  npx driftmend why <alert> explains it
        npx driftmend rollback flights  take the last version back, proven by what the server answers
      "
    `);
  });

  it("do not claim that inputs stayed quiet where an alert said that they drift", () => {
    const lines = lastLines({ figures, predictions: 1, alertKinds: ["drift"], promoted: 0 });
    expect(lines.join("\n")).toContain("1 alert said that inputs or predictions drift");
    expect(lines.join("\n")).not.toContain("The lesson");
  });
});
