import { describe, expect, test } from "vitest";
import { cooldownOf } from "../../../retrainer/policy/cooldown.ts";
import { type Evidence, type Finding, decide } from "../../../retrainer/policy/decide.ts";
import { blockBefore, immaturity, nextDueMs } from "../../../retrainer/policy/probe.ts";
import { blockingEntry } from "../../../retrainer/policy/quarantine.ts";
import { readTrigger, thresholdFindingOf } from "../../../retrainer/policy/threshold.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const AT_MS = Date.UTC(2026, 7, 17);
const due: Finding = {
  kind: "found",
  due: true,
  reason: "A refit is better by 0.0078",
  numbers: { gain: 0.0078 },
  recalibrationShare: null,
};
const evidence: Evidence = {
  atMs: AT_MS,
  finding: due,
  quarantine: null,
  cooldown: { kind: "ready" },
  mode: "auto",
  recalibrate: "when-enough",
  runInFlight: null,
};
const broken = {
  id: "q1",
  tag: "client.version",
  values: ["5.3", "5.7"],
  fromMs: AT_MS - 7 * DAY_MS,
  toMs: Date.UTC(2299, 0, 1),
  reason: "kilometres for miles",
};

describe("the decision", () => {
  test("acts on what is due", () => {
    expect(decide(evidence)).toMatchObject({ decision: "RETRAIN", acts: true });
  });
  test("waits for what is not due, and for what cannot be known", () => {
    expect(decide({ ...evidence, finding: { ...due, due: false } }).decision).toBe("WAIT");
    const unable: Finding = { kind: "unable", reason: "labels are immature", numbers: {} };
    expect(decide({ ...evidence, finding: unable })).toMatchObject({
      decision: "WAIT",
      reason: "labels are immature",
    });
  });
  test("is INVESTIGATE where data are broken, whatever else is due", () => {
    const outcome = decide({ ...evidence, quarantine: broken });
    expect(outcome).toMatchObject({ decision: "INVESTIGATE", acts: false });
    expect(outcome.reason).toBe(
      "A run is due (a refit is better by 0.0078) and blocked: rows with client.version 5.3, 5.7 " +
        "are broken since 2026-08-10T00:00Z: kilometres for miles",
    );
  });
  test("prefers recalibration from 80 % of the gain, unless it is switched off", () => {
    const enough = { ...evidence, finding: { ...due, recalibrationShare: 0.84 } };
    expect(decide(enough)).toMatchObject({ decision: "RECALIBRATE", acts: true });
    expect(decide({ ...enough, recalibrate: "off" }).decision).toBe("RETRAIN");
    const half = { ...evidence, finding: { ...due, recalibrationShare: 0.79 } };
    expect(decide(half).decision).toBe("RETRAIN");
  });
  test("is only reported in mode observe and while paused", () => {
    for (const mode of ["observe", "paused"] as const) {
      expect(decide({ ...evidence, mode })).toMatchObject({ decision: "RETRAIN", acts: false });
    }
  });
  test("waits for a run under way, and for the cooldown", () => {
    expect(decide({ ...evidence, runInFlight: "run-1" }).decision).toBe("WAIT");
    const cooldown = cooldownOf([{ status: "promoted", endedAtMs: AT_MS - HOUR_MS }], AT_MS);
    expect(decide({ ...evidence, cooldown })).toMatchObject({ decision: "WAIT", acts: false });
  });
});

describe("the cooldown", () => {
  const rejected = (hoursAgo: number) => ({
    status: "rejected" as const,
    endedAtMs: AT_MS - hoursAgo * HOUR_MS,
  });
  test("doubles with each failure in a row", () => {
    expect(cooldownOf([rejected(7)], AT_MS)).toMatchObject({ kind: "waiting" });
    expect(cooldownOf([rejected(13)], AT_MS)).toEqual({ kind: "ready" });
    expect(cooldownOf([rejected(13), rejected(40)], AT_MS)).toMatchObject({ kind: "waiting" });
  });
  test("hands the loop to a person after three refusals within a week", () => {
    const three = [rejected(100), rejected(120), rejected(140)];
    expect(cooldownOf(three, AT_MS)).toMatchObject({ kind: "breaker" });
    expect(cooldownOf(three, AT_MS + 30 * HOUR_MS)).toEqual({ kind: "ready" });
  });
});

describe("quarantine", () => {
  test("blocks while it is open and for two clean days after its end", () => {
    expect(blockingEntry([broken], AT_MS)).toBe(broken);
    const ended = { ...broken, toMs: AT_MS };
    expect(blockingEntry([ended], AT_MS + DAY_MS)).toBe(ended);
    expect(blockingEntry([ended], AT_MS + 2 * DAY_MS)).toBeNull();
    expect(blockingEntry([broken], broken.fromMs)).toBeNull();
  });
});

describe("the probe's times", () => {
  test("weeks end on Mondays, days at midnight", () => {
    const wednesday = Date.UTC(2026, 7, 12, 15);
    expect(new Date(nextDueMs(wednesday, 7 * DAY_MS)).toISOString()).toBe(
      "2026-08-17T00:00:00.000Z",
    );
    expect(new Date(nextDueMs(wednesday, DAY_MS)).toISOString()).toBe("2026-08-13T00:00:00.000Z");
    expect(nextDueMs(AT_MS, 7 * DAY_MS)).toBe(AT_MS + 7 * DAY_MS);
  });
  test("the block is the last complete days", () => {
    expect(blockBefore(AT_MS + 5 * HOUR_MS, 7 * DAY_MS, DAY_MS)).toEqual({
      fromMs: AT_MS - 7 * DAY_MS,
      toMs: AT_MS,
    });
  });
  test("immature labels are no evidence", () => {
    const whole = { blocks: 7, blocksWanted: 7, blocksExcluded: 0, sampleShare: 1 };
    const labels = { predictions: 100, labelled: 79, ...whole };
    expect(immaturity(labels, 1000, 10)).toMatch(/79.0 % of the block's predictions/);
    expect(immaturity({ ...labels, labelled: 80 }, 1000, 10)).toBeNull();
    expect(immaturity({ ...labels, labelled: 90, blocks: 6 }, 1000, 10)).toMatch(/6 of the 7 days/);
    expect(immaturity({ ...labels, labelled: 90 }, 9, 10)).toMatch(/Too few rows/);
  });
  test("days that are quarantined whole lack no labels, and the reason names them", () => {
    const whole = { predictions: 100, labelled: 90, blocksWanted: 7, sampleShare: 1 };
    expect(immaturity({ ...whole, blocks: 6, blocksExcluded: 1 }, 1000, 10)).toBeNull();
    expect(immaturity({ ...whole, blocks: 4, blocksExcluded: 2 }, 1000, 10)).toBe(
      "Labels are there for 4 of the 5 days of the block; " +
        "2 of the 7 days of the block are quarantined whole and left out",
    );
  });
});

describe("a threshold", () => {
  const figure = (value: number) => ({ fromMs: 0, toMs: 1, value, n: 10, labelled: 10 });
  test("that cannot be read says how to write it", () => {
    expect(readTrigger("log_loss > 0.6")).toMatchObject({ metric: "log_loss", windows: 1 });
    expect(() => readTrigger("skill drops a lot")).toThrow(/METRIC/);
  });
  const rule = readTrigger("skill < 0.9 * baseline for 2 windows");
  test("fires when all its windows cross", () => {
    const dueOf = (...values: number[]) => thresholdFindingOf(rule, values.map(figure), 0.2);
    expect(dueOf(0.2, 0.17)).toMatchObject({ kind: "found", due: false });
    expect(dueOf(0.17, 0.17)).toMatchObject({ kind: "found", due: true });
    expect(dueOf(0.17)).toMatchObject({ kind: "found", due: false });
    expect(thresholdFindingOf(rule, [figure(0.1), figure(0.1)], null)).toMatchObject({
      kind: "unable",
      reason: "The baseline of skill is not known: no reference carries labels",
    });
  });
  test("waits where one of its windows has few of its labels, and names the coverage", () => {
    const few = { ...figure(0.1), fromMs: AT_MS, toMs: AT_MS + 7 * DAY_MS, n: 100, labelled: 79 };
    for (const windows of [
      [figure(0.1), few],
      [few, figure(0.1)],
    ]) {
      const finding = thresholdFindingOf(rule, windows, 0.2);
      expect(finding).toMatchObject({ kind: "unable", numbers: { coverage: 0.79 } });
      expect(decide({ ...evidence, finding })).toMatchObject({
        decision: "WAIT",
        reason:
          "Labels are immature: 79.0 % of the window 2026-08-17T00:00Z to 2026-08-24T00:00Z's " +
          "predictions have one, 80 % are needed, so its skill starts nothing",
      });
    }
    const enough = { ...few, labelled: 80 };
    expect(thresholdFindingOf(rule, [figure(0.1), enough], 0.2)).toMatchObject({ due: true });
  });
});
