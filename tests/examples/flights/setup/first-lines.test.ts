import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  DAY_MS,
  EPOCH_MS,
  HOUR_MS,
  WEEK_MS,
  firstDayOfWeek,
} from "../../../../examples/flights/data/calendar.ts";
import { flightsExample } from "../../../../examples/flights/main.ts";
import { firstLines } from "../../../../examples/flights/setup/first-lines.ts";

const shiftMs = 1325 * WEEK_MS;
const startMs = EPOCH_MS + shiftMs + firstDayOfWeek(10) * DAY_MS;
const text = (weeksTold: number, speed?: number): string =>
  firstLines({ doneMs: startMs + weeksTold * WEEK_MS, shiftMs }, speed).join("\n");

describe("the first lines of the example", () => {
  it("of a fresh folder say how long the whole story takes, at the pace that it is held to", () => {
    expect(firstLines(null, undefined).join("\n")).toContain("the story takes 4 to 11 minutes");
    expect(firstLines(null, 5).join("\n")).toContain("the story takes 4 to 11 minutes");
    expect(firstLines(null, 0.1).join("\n")).toContain("the story takes about 20 minutes");
  });

  it("of a story that goes on say from where, how much is left and how long that takes", () => {
    expect(text(8.5)).toContain(": 50 % of its 17 weeks are told, 8.5 weeks are left,");
    expect(text(8.5)).toContain("which take 2 to 6 minutes.");
    expect(text(8.5, 0.05)).toContain("which take about 20 minutes.");
    expect(text(16)).toContain("94 % of its 17 weeks are told, 7 days are left,");
    expect(text(16)).toContain("which take about 40 seconds.");
    expect(text(8.5)).not.toContain("4 to 11");
  });

  it("of a story that has been told say so", () => {
    const doneMs = startMs + 17 * WEEK_MS - 14 * HOUR_MS;
    expect(firstLines({ doneMs, shiftMs }, undefined)[1]).toContain("is told to its end");
  });

  it("come from what the replay has noted in the example's folder", async () => {
    const folder = mkdtempSync(join(tmpdir(), "driftmend-first-lines-"));
    const options = { speed: undefined, seed: undefined, trainer: undefined };
    const example = flightsExample({ ...options, troubles: true, permuteLabels: false });
    try {
      expect((await example.firstLines(folder)).join("\n")).toContain("4 to 11 minutes");
      const progress = { doneMs: startMs + 8.5 * WEEK_MS, predictions: 1, labels: 1 };
      writeFileSync(join(folder, "replay.json"), JSON.stringify(progress));
      writeFileSync(join(folder, "flights.json"), JSON.stringify({ shiftMs }));
      expect((await example.firstLines(folder)).join("\n")).toContain("50 % of its 17 weeks");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
