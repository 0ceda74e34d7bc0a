import { existsSync, readFileSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { OnboardingDocument } from "../../../contract/onboarding-document.ts";
import { DatasetDescription } from "../../../contract/trainer.ts";
import { firstBrokenLink } from "../../../retrainer/journal/audit-chain.ts";
import {
  approve,
  cancel,
  reject,
  rollback,
  startByHand,
  switchLoop,
} from "../../../retrainer/loop/commands.ts";
import { createProjector } from "../../../retrainer/projections/projector.ts";
import { systemClock } from "../../../runtime/clock.ts";
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
import { defineQuery } from "../../../store/define-query.ts";

const person = { by: "ada", reason: "looked at it" };
let world: SmallWorld;
let places: Places;
let server: ModelServer;
let bench: LoopBench | undefined;
let benches = 0;

beforeAll(async () => {
  world = await openSmallWorld();
  await world.serve(0, 14);
  places = await preparePlaces(world.store);
  await world.serve(14, 35, { changeDay: 21 });
  server = await startModelServer(places.repository, MODEL);
}, 120_000);
afterAll(async () => {
  await server.close();
  await world.close();
  await rm(places.folder, { recursive: true, force: true });
});
afterEach(async () => {
  await bench?.close();
  bench = undefined;
  server.stubborn = false;
  await resetRepository(places);
  await fetch(`${server.url}/v2/repository/models/${MODEL}/load`, { method: "POST", body: "{}" });
});

/** A loop that has adopted version 1 and begins at day 34, a Sunday. */
async function begin(document: OnboardingDocument): Promise<LoopBench> {
  bench = openLoopBench(world.store, places, document, { name: `retrainer-${++benches}` });
  await bench.advanceTo(34);
  expect(bench.journal.registry.champion(MODEL)?.version).toBe("1");
  return bench;
}
const pointer = (): unknown =>
  JSON.parse(readFileSync(join(places.repository, MODEL, "serving.json"), "utf8"));
const statusOf = ({ journal }: LoopBench): string | undefined =>
  journal.runs.list(MODEL)[0]?.run.status;

describe("a model's loop", { timeout: 120_000 }, () => {
  test("waits while a refit is no better, and says by how much", async () => {
    const opened = openLoopBench(world.store, places, tripsDocument(places, server.url), {
      name: `retrainer-${++benches}`,
    });
    bench = opened;
    await opened.advanceTo(20);
    expect(opened.journal.registry.version(MODEL, "1")?.artifact.device).toBe("cpu: a table");
    await opened.advanceTo(21);
    const [check] = opened.journal.runs.checks(MODEL);
    expect(check).toMatchObject({ decision: "WAIT", runId: null, atMs: BEGIN_MS + 21 * DAY_MS });
    expect(check?.reason).toMatch(/less than the 0.01 that is asked for/);
    expect(Math.abs(Number(check?.numbers["gain"]))).toBeLessThan(0.01);
    // Labels follow two hours later: the last 49 of Sunday are not there yet.
    expect(check?.numbers["coverage"]).toBeCloseTo(4151 / 4200, 10);
    expect(existsSync(join(check?.artifact ?? "", "model.onnx"))).toBe(true);
  });

  test("retrains what got worse, proves it better, tries it on 10 % for a day and promotes it", async () => {
    const marker = join(places.folder, "trained-once");
    const opened = await begin(tripsDocument(places, server.url, { params: { marker } }));
    await opened.advanceTo(35);
    expect(opened.journal.runs.checks(MODEL)[0]).toMatchObject({ decision: "RETRAIN" });
    expect(statusOf(opened)).toBe("canary");
    expect(pointer()).toMatchObject({
      versions: [
        { version: "1", share: 0.9 },
        { version: "2", share: 0.1 },
      ],
      previous: [{ version: "1", share: 1 }],
    });
    // The run used the model of the probe that asked for it.
    expect((await readFile(marker, "utf8")).trim().split("\n")).toHaveLength(1);

    await world.serve(35, 36, {
      changeDay: 21,
      versionOf: (row) => (row % 10 === 0 ? "2" : "1"),
    });
    // The stop switch holds a canary whose time has come; without it the run goes on.
    switchLoop(opened.loop, { mode: "paused", untilMs: null }, person, opened.deps);
    await opened.advanceTo(36);
    expect(statusOf(opened)).toBe("canary");
    switchLoop(opened.loop, null, person, opened.deps);
    await opened.advanceTo(36);
    expect(statusOf(opened)).toBe("promoted");
    expect(pointer()).toMatchObject({ versions: [{ version: "2", share: 1 }] });
    expect(opened.journal.registry.champion(MODEL)).toMatchObject({ version: "2", previous: "1" });
    expect(opened.journal.runs.promotions(MODEL)).toHaveLength(1);
    expect(firstBrokenLink(opened.journal.log.audit(0))).toBeNull();
    expect(opened.said.map(({ step }) => step)).toEqual([
      "adopted",
      "check",
      "registered",
      "canary",
      "promoted",
    ]);
    expect(server.unmarked).toBe(0);

    const record = opened.journal.registry.version(MODEL, "2");
    const text = await readFile(join(record?.dataset?.folder ?? "", "dataset.json"), "utf8");
    const description = DatasetDescription.parse(JSON.parse(text));
    expect(description.window.toMs).toBe(BEGIN_MS + 28 * DAY_MS);
    expect(description.train[0]).toMatchObject({ source: "reference", rows: 14 * 600 });
    expect(record?.judgement?.gates.map(({ name, verdict }) => [name, verdict])).toEqual([
      ["primary", "PASS"],
      ["auc", "PASS"],
      ["calibration", "PASS"],
      ["slices of city", "PASS"],
      ["answers", "PASS"],
      ["latency", "PASS"],
    ]);

    const projector = createProjector(opened.journal, opened.deps);
    await projector.rebuild();
    expect(await world.store.query(projected, { model: MODEL })).toEqual([
      { runs: 1, promoted: 1, checks: 1, serving: "2", reference: 14 * 600 },
    ]);

    const back = await rollback(opened.loop, null, person, opened.deps);
    expect(back).toMatchObject({ version: "1", from: "2", answers: { "1": 24 } });
    expect(pointer()).toMatchObject({ versions: [{ version: "1", share: 1 }] });
    expect(opened.journal.registry.champion(MODEL)?.version).toBe("1");
  });

  test("fails the run when the server answers 200 and keeps the old model", async () => {
    const opened = await begin(tripsDocument(places, server.url, { steps: ["100%"] }));
    server.stubborn = true;
    await opened.advanceTo(35);
    const run = opened.journal.runs.list(MODEL)[0]?.run;
    expect(run).toMatchObject({ status: "failed", code: "target_unproven" });
    expect(run !== undefined && "reason" in run ? run.reason : "").toMatch(
      /answers with version "1" instead of "2"/,
    );
    expect(opened.journal.registry.champion(MODEL)?.version).toBe("1");
    expect(pointer()).toMatchObject({ versions: [{ version: "1", share: 1 }] });
  });

  test("takes a canary back that fails its requests, with proof", async () => {
    const opened = await begin(tripsDocument(places, server.url, { steps: ["10% 2d", "100%"] }));
    await opened.advanceTo(35);
    await world.serve(36, 37, {
      changeDay: 21,
      versionOf: (row) => (row % 4 === 0 ? "2" : "1"),
      errorShare: 0.5,
    });
    await opened.advanceTo(37);
    expect(statusOf(opened)).toBe("rolled_back");
    expect(pointer()).toMatchObject({ versions: [{ version: "1", share: 1 }] });
    expect(opened.said.at(-1)?.text).toMatch(/Version 1 serves again, proven by 24 answers/);
  });

  test("takes a bad canary back while the loop is paused", async () => {
    const opened = await begin(tripsDocument(places, server.url, { steps: ["10% 4d", "100%"] }));
    await opened.advanceTo(35);
    expect(statusOf(opened)).toBe("canary");
    // The stop switch stops what goes on by itself, not the way back.
    switchLoop(opened.loop, { mode: "paused", untilMs: null }, person, opened.deps);
    await world.serve(37, 38, {
      changeDay: 21,
      versionOf: (row) => (row % 4 === 0 ? "2" : "1"),
      errorShare: 0.5,
    });
    await opened.advanceTo(38);
    expect(statusOf(opened)).toBe("rolled_back");
    expect(pointer()).toMatchObject({ versions: [{ version: "1", share: 1 }] });
    expect(opened.journal.registry.champion(MODEL)?.version).toBe("1");
    expect(opened.said.at(-1)?.text).toMatch(/Version 1 serves again, proven by 24 answers/);
  });

  test("only reports in mode observe, and starts nothing while it is paused", async () => {
    const window = { choose: ["14d", "all"], embargo: "7d", minimum_rows: 1000 };
    const opened = await begin(
      tripsDocument(places, server.url, { retrain: { mode: "observe", window } }),
    );
    await opened.advanceTo(35);
    const [check] = opened.journal.runs.checks(MODEL);
    // Both windows give the same model here, and the larger one is taken.
    expect(check?.numbers["trainRows"]).toBe((14 + 28) * 600);
    expect(check).toMatchObject({
      decision: "RETRAIN",
      runId: null,
    });
    expect(opened.journal.runs.list(MODEL)).toEqual([]);
    await bench?.close();

    const paused = await begin(tripsDocument(places, server.url));
    switchLoop(paused.loop, { mode: "paused", untilMs: null }, person, paused.deps);
    await paused.advanceTo(35);
    expect(paused.journal.runs.checks(MODEL)[0]).toMatchObject({ mode: "paused", runId: null });
  });

  test("lets a run by hand wait for approval while the switch says propose", async () => {
    const opened = await begin(tripsDocument(places, server.url));
    switchLoop(opened.loop, { mode: "propose", untilMs: null }, person, opened.deps);
    expect(startByHand(opened.loop, person, opened.deps).mode).toBe("propose");
  });

  test("waits for approval in mode propose", async () => {
    const propose = tripsDocument(places, server.url, {
      retrain: { mode: "propose" },
      steps: ["100%"],
    });
    const opened = await begin(propose);
    await opened.advanceTo(35);
    const run = opened.journal.runs.active(MODEL);
    expect(run?.status).toBe("approval");
    expect(pointer()).toMatchObject({ versions: [{ version: "1", share: 1 }] });
    approve(opened.loop, run?.id ?? "", person, opened.deps);
    await opened.loop.drive();
    expect(statusOf(opened)).toBe("promoted");
    await bench?.close();
    await resetRepository(places);
    await fetch(`${server.url}/v2/repository/models/${MODEL}/load`, { method: "POST", body: "{}" });

    const again = await begin(propose);
    await again.advanceTo(35);
    reject(again.loop, again.journal.runs.active(MODEL)?.id ?? "", person, again.deps);
    expect(statusOf(again)).toBe("rejected");
  });

  test("investigates instead of retraining on broken rows, and keeps them out of its data", async () => {
    const opened = await begin(tripsDocument(places, server.url));
    const open = {
      id: "q1",
      model: MODEL,
      tag: "app",
      values: ["a1"],
      from: BEGIN_MS + 22 * DAY_MS,
      to: Date.UTC(2299, 0, 1),
      columns: ["hour"],
      reason: "the hour is the universal one",
      finding: "{}",
      rows: 0,
      created: BEGIN_MS + 23 * DAY_MS,
      released: null as number | null,
      revision: 1,
      detail: "{}",
    };
    await world.store.insert("quarantine", [open]);
    try {
      await opened.advanceTo(35);
      const [check] = opened.journal.runs.checks(MODEL);
      expect(check).toMatchObject({ decision: "INVESTIGATE", runId: null });
      expect(check?.reason).toMatch(/rows with app a1 are broken since 2026-09-29T00:00Z/);
      // A fifth of the 4151 labelled rows is left out.
      expect(check?.numbers["rows"]).toBe(3321);
      expect(check?.numbers["trainRows"]).toBe((14 + 22) * 600 + 6 * 600 * 0.8);
    } finally {
      await world.store.insert("quarantine", [{ ...open, released: 1, revision: 2 }]);
    }
  });

  test("recalibrates when that is enough", async () => {
    const document = tripsDocument(places, server.url, {
      retrain: { recalibrate: "when-enough" },
      steps: ["100%"],
    });
    const opened = await begin(document);
    await opened.advanceTo(35);
    const [check] = opened.journal.runs.checks(MODEL);
    // Another city is late: no scale of the old ranking mends that.
    expect(check?.decision).toBe("RETRAIN");
    expect(Number(check?.numbers["recalibrationShare"])).toBeLessThan(0.8);
    expect(Number(check?.numbers["recalibrationGain"])).toBeGreaterThan(0);
  });
});

describe("a trainer that does not do its work", { timeout: 120_000 }, () => {
  const cases = [
    { break: "crash", code: "trainer_failed", text: /ended with code 3.*cannot allocate a GPU/s },
    { break: "final", code: "trainer_failed", text: /ended with code 65.*"city" is missing/s },
    { break: "silent", code: "trainer_no_model", text: /"manifest.json" is not there/ },
    { break: "corrupt", code: "model_corrupt", text: /as an ONNX model/ },
    { break: "inputs", code: "model_signature_unfit", text: /"town" is none of hour, city/ },
  ];
  for (const { break: what, code, text } of cases) {
    test(`(${what}) fails the run with ${code}, and the champion stays`, async () => {
      const marker = join(places.folder, `marker-${what}`);
      const params = { break: what, marker };
      const opened = await begin(tripsDocument(places, server.url, { params }));
      startByHand(opened.loop, person, opened.deps);
      await opened.loop.drive();
      const run = opened.journal.runs.list(MODEL)[0]?.run;
      expect(run).toMatchObject({ status: "failed", code });
      expect(run !== undefined && "reason" in run ? run.reason : "").toMatch(text);
      expect(opened.journal.registry.champion(MODEL)?.version).toBe("1");
      const attempts = (await readFile(marker, "utf8")).trim().split("\n").length;
      expect(attempts).toBe(what === "crash" ? 3 : 1);
    });
  }

  test("is asked anew by the next run, though what it wrote before ended with code 0", async () => {
    const marker = join(places.folder, "marker-anew");
    const params = { break: "silent", marker };
    const opened = await begin(tripsDocument(places, server.url, { params }));
    for (const attempts of [1, 2]) {
      startByHand(opened.loop, person, opened.deps);
      await opened.loop.drive();
      expect(statusOf(opened)).toBe("failed");
      expect((await readFile(marker, "utf8")).trim().split("\n")).toHaveLength(attempts);
    }
  });

  test("(hang) is ended at its deadline", async () => {
    const document = tripsDocument(places, server.url, {
      params: { break: "hang" },
      deadline: "2s",
    });
    const opened = await begin(document);
    startByHand(opened.loop, person, opened.deps);
    await opened.loop.drive();
    expect(opened.journal.runs.list(MODEL)[0]?.run).toMatchObject({
      status: "failed",
      code: "trainer_hung",
    });
  });

  test("(hang) is ended when its run is cancelled", async () => {
    const opened = await begin(tripsDocument(places, server.url, { params: { break: "hang" } }));
    const run = startByHand(opened.loop, person, opened.deps);
    const driven = opened.loop.enqueue(() => opened.loop.drive());
    while (opened.journal.runs.find(run.id)?.run.status !== "training") await systemClock.sleep(20);
    const ended = await cancel(opened.loop, run.id, person, opened.deps);
    await driven;
    expect(ended).toMatchObject({ status: "cancelled", reason: "looked at it" });
  });
});

const projected = defineQuery({
  name: "test_projected",
  params: z.object({ model: z.string() }),
  row: z.object({
    runs: z.number(),
    promoted: z.number(),
    checks: z.number(),
    serving: z.string(),
    reference: z.number(),
  }),
  sql: `SELECT
      (SELECT count() FROM retraining_runs FINAL WHERE model = {model:String}) AS runs,
      (SELECT countIf(promoted IS NOT NULL) FROM retraining_runs FINAL WHERE model = {model:String}) AS promoted,
      (SELECT count() FROM retraining_checks FINAL WHERE model = {model:String}) AS checks,
      (SELECT any(version) FROM model_versions FINAL WHERE model = {model:String} AND status = 'serving') AS serving,
      (SELECT sum(n) FROM version_references FINAL WHERE model = {model:String} AND version = '1') AS reference`,
});
