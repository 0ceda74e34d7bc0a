import { rm } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type LoopBench,
  type Places,
  openLoopBench,
  preparePlaces,
  resetRepository,
  tripsDocument,
} from "../support/loop-bench.ts";
import { type ModelServer, startModelServer } from "../support/model-server.ts";
import {
  BEGIN_MS,
  DAY_MS,
  MODEL,
  type SmallWorld,
  openSmallWorld,
} from "../support/small-world.ts";

let world: SmallWorld;
let places: Places;
let server: ModelServer;
let bench: LoopBench;

beforeAll(async () => {
  world = await openSmallWorld();
  await world.serve(0, 14);
  places = await preparePlaces(world.store);
  await world.serve(14, 21);
  await world.serve(21, 36, { shift: 1.5 });
}, 120_000);
beforeEach(async () => {
  await resetRepository(places);
  server = await startModelServer(places.repository, MODEL);
});
afterEach(async () => {
  await bench.close();
  await server.close();
});
afterAll(async () => {
  await world.close();
  await rm(places.folder, { recursive: true, force: true });
});

describe("a world in which everything is late more often", { timeout: 120_000 }, () => {
  test("is mended by recalibration: the champion's graph with a scale behind its score", async () => {
    bench = openLoopBench(
      world.store,
      places,
      tripsDocument(places, server.url, {
        retrain: { recalibrate: "when-enough" },
        steps: ["100%"],
      }),
      { name: "recalibrates" },
    );
    await bench.advanceTo(34);
    await bench.advanceTo(35);
    const [check] = bench.journal.runs.checks(MODEL);
    expect(check).toMatchObject({ decision: "RECALIBRATE" });
    expect(Number(check?.numbers["recalibrationShare"])).toBeGreaterThan(0.8);
    expect(bench.journal.registry.champion(MODEL)).toMatchObject({ version: "2" });
    const record = bench.journal.registry.version(MODEL, "2");
    expect(record).toMatchObject({ origin: "recalibrated", parentVersion: "1" });
    // All are late more often by 1.5 on the scale of the logit.
    expect(Number(record?.metrics["b"])).toBeGreaterThan(1);
  });

  test("fires a threshold after two windows below the baseline, and not after one", async () => {
    const rule = "skill < 0.9 * baseline for 2 windows";
    bench = openLoopBench(
      world.store,
      places,
      tripsDocument(places, server.url, {
        retrain: { when: [{ threshold: rule }] },
        steps: ["100%"],
        // The ranking stays as it is, which 4 000 rows cannot prove to within 0.005.
        guards: ["calibration"],
      }),
      { name: "threshold" },
    );
    await bench.advanceTo(20);
    await world.store.insert("performance_results", [window(14, 0.15), window(21, -0.2)]);
    await bench.advanceTo(28);
    const first = bench.journal.runs.checks(MODEL);
    expect(first.map(({ decision, atMs }) => [decision, (atMs - BEGIN_MS) / DAY_MS])).toEqual([
      ["WAIT", 21],
      ["WAIT", 28],
    ]);
    await world.store.insert("performance_results", [window(28, -0.2)]);
    await bench.advanceTo(35);
    const check = bench.journal.runs.checks(MODEL).at(-1);
    expect(check).toMatchObject({ decision: "RETRAIN", trigger: rule });
    expect(check?.reason).toMatch(/skill was below 0\.\d+ in 2 of the last 2 windows/);
    expect(Number(check?.numbers["baseline"])).toBeGreaterThan(0.1);
    expect(bench.journal.runs.list(MODEL)[0]?.run.status).toBe("promoted");
  });
});

const window = (day: number, value: number): object => ({
  model: MODEL,
  kind: "realised",
  metric: "skill",
  from: BEGIN_MS + day * DAY_MS,
  to: BEGIN_MS + (day + 7) * DAY_MS,
  segment_tag: "",
  segment_value: "",
  version: "",
  value,
  lower: value - 0.02,
  upper: value + 0.02,
  n: 4200,
  labelled: 4200,
  blocks: 7,
  evaluated: BEGIN_MS + (day + 7) * DAY_MS,
  revision: 1,
  detail: "{}",
});
