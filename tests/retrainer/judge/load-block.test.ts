import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OnboardingDocument } from "../../../contract/onboarding-document.ts";
import { type BlockRequest, loadBlock } from "../../../retrainer/judge/load-block.ts";
import { immaturity, labelsNote, sampleShare } from "../../../retrainer/policy/probe.ts";
import {
  BEGIN_MS,
  DAY_MS,
  MODEL,
  ROWS_A_DAY,
  type SmallWorld,
  openSmallWorld,
} from "../support/small-world.ts";

let world: SmallWorld;
beforeAll(async () => {
  world = await openSmallWorld();
  await world.serve(0, 7);
}, 120_000);
afterAll(() => world.close());

const week: BlockRequest = {
  document: OnboardingDocument.parse({
    apiVersion: "driftmend/v1",
    kind: "Model",
    metadata: { name: MODEL },
    task: { type: "binary", positive: "1" },
    features: { hour: { type: "numeric" }, city: { type: "categorical" } },
  }),
  columns: {
    features: [
      { name: "hour", kind: "numeric" },
      { name: "city", kind: "categorical" },
    ],
    tags: [],
    target: "label",
  },
  fromMs: BEGIN_MS,
  toMs: BEGIN_MS + 7 * DAY_MS,
  knownMs: BEGIN_MS + 8 * DAY_MS,
  quarantine: [],
};

const rowsByDay = (times: Float64Array): number[] => {
  const counts = Array.from({ length: 7 }, () => 0);
  for (const ms of times) {
    const day = Math.floor((ms - BEGIN_MS) / DAY_MS);
    counts[day] = (counts[day] ?? 0) + 1;
  }
  return counts;
};

describe("a block with more labelled rows than the judge looks at", () => {
  test("is compared on an even sample of all its days, and says so", async () => {
    const { rows, labels } = await loadBlock(week, world.store, 1_000);
    expect(rows.rows).toBeGreaterThan(700);
    expect(rows.rows).toBeLessThanOrEqual(1_000);
    const expected = ROWS_A_DAY * labels.sampleShare;
    for (const count of rowsByDay(rows.timeMs)) {
      expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected));
    }
    expect(immaturity(labels, 10_000, 10)).toBeNull();
    expect(labelsNote(labels)).toBe(
      "; compared on an even sample of 20.0 % of the 4200 labelled rows",
    );
  });

  test("gives the same rows whenever it is asked", async () => {
    const [first, again] = [
      await loadBlock(week, world.store, 1_000),
      await loadBlock(week, world.store, 1_000),
    ];
    expect(again.rows).toEqual(first.rows);
  });

  test("is sampled only beyond the maximum", async () => {
    const { rows, labels } = await loadBlock(week, world.store, 7 * ROWS_A_DAY);
    expect(rows.rows).toBe(7 * ROWS_A_DAY);
    expect(labelsNote(labels)).toBe("");
    expect(sampleShare(4_000_000, 2_000_000)).toBeCloseTo(0.498, 3);
  });
});

describe("a block with quarantined rows", () => {
  const open = { id: "q", tag: "", values: [""], reason: "kilometres for miles" };
  const day = { ...open, fromMs: BEGIN_MS + 2 * DAY_MS, toMs: BEGIN_MS + 3 * DAY_MS };
  const agents = ["a0", "a1", "a2", "a3", "a4"];

  test.each([
    ["all rows", day],
    ["all agents, one by one", { ...day, tag: "app", values: agents }],
  ])("counts a day that lost %s as excluded, not as one without labels", async (_name, entry) => {
    const { rows, labels } = await loadBlock({ ...week, quarantine: [entry] }, world.store);
    expect(rowsByDay(rows.timeMs)[2]).toBe(0);
    expect(labels).toMatchObject({ blocks: 6, blocksExcluded: 1, blocksWanted: 7 });
    expect(labels).toMatchObject({ predictions: 6 * ROWS_A_DAY, labelled: 6 * ROWS_A_DAY });
    expect(immaturity(labels, 10_000, 10)).toBeNull();
    expect(labelsNote(labels)).toBe(
      "; 1 of the 7 days of the block is quarantined whole and left out",
    );
  });

  test("counts a day of which a part is left as one with labels", async () => {
    const entry = { ...day, tag: "app", values: agents.slice(1) };
    const { labels } = await loadBlock({ ...week, quarantine: [entry] }, world.store);
    expect(labels).toMatchObject({ blocks: 7, blocksExcluded: 0, labelled: 6.2 * ROWS_A_DAY });
  });

  test("still misses the labels of a day that nobody quarantined", async () => {
    const knownMs = BEGIN_MS + 6 * DAY_MS;
    const { labels } = await loadBlock({ ...week, knownMs, quarantine: [day] }, world.store);
    expect(immaturity(labels, 10_000, 10)).toMatch(/^Labels are there for 5 of the 6 days/);
  });
});
