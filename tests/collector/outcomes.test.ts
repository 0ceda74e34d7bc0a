import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { float, timeMs } from "../../store/column-schemas.ts";
import { defineQuery } from "../../store/define-query.ts";
import { matchedLabels, unmatchedLabels } from "../../store/queries/outcomes.ts";
import { type Harness, type RunningCollector, startHarness, until } from "./harness.ts";
import type { FakeSpool } from "./fake-spool.ts";

let harness: Harness;
let collector: RunningCollector;
let spool: FakeSpool;
beforeAll(async () => {
  harness = await startHarness();
  collector = await harness.collect();
  spool = harness.spool();
}, 60_000);
afterAll(() => harness[Symbol.asyncDispose]());

const now = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;

const outcomesOf = defineQuery({
  name: "outcomes of a model",
  params: z.object({ model: z.string() }),
  row: z.object({
    id: z.string(),
    ts: timeMs,
    actual_label: z.string(),
    score: float,
    known: timeMs,
  }),
  sql: "SELECT id, ts, actual_label, score, known FROM outcomes FINAL WHERE model = {model:String} ORDER BY id",
});

async function send(content: Parameters<FakeSpool["send"]>[0]): Promise<void> {
  const seq = await spool.send(content);
  await until(() => spool.storedThrough >= seq, `frame ${seq} is stored`);
}

describe("outcomes", () => {
  it("join a label with its prediction, whichever came first, with and without the prediction's time", async () => {
    const model = "either order";
    const prediction = (id: string, at: number) => ({ model, id, ts: at, score: 0.25 });
    const label = (id: string, predictedAt?: number) => ({
      model,
      id,
      label: "late",
      time: now + 60_000,
      ...(predictedAt === undefined ? {} : { prediction_time: predictedAt }),
    });
    await send({ predictions: [prediction("a", now), prediction("b", now + 1)] });
    await send({ labels: [label("a", now), label("b"), label("c", now + 2), label("d")] });
    expect((await harness.store.query(outcomesOf, { model })).map(({ id }) => id)).toEqual([
      "a",
      "b",
    ]);
    await send({ predictions: [prediction("c", now + 2), prediction("d", now + 3)] });
    await send({ predictions: [prediction("e", now + 4)], labels: [label("e", now + 4)] });
    await send({ labels: [label("nowhere", now + 5)] });
    const rows = await harness.store.query(outcomesOf, { model });
    expect(rows.map(({ id }) => id)).toEqual(["a", "b", "c", "d", "e"]);
    expect(rows[3]).toEqual({
      id: "d",
      ts: now + 3,
      actual_label: "late",
      score: 0.25,
      known: now + 60_000,
    });
  });

  it("do not wait for predictions that the sample leaves out, and join them where they are there all the same", async () => {
    const model = "sampled";
    const label = (id: string, unsampled: 0 | 1) => ({
      ...{ model, id, label: "late", time: now + 60_000, unsampled },
    });
    await send({ predictions: [{ model, id: "failed", ts: now, score: 0.5, error: "timeout" }] });
    await send({ labels: [label("failed", 1), label("left out", 1), label("kept", 0)] });
    const waiting = `SELECT groupArray(id) = ['kept'] AS n FROM waiting_labels FINAL WHERE model = '${model}' AND met = 0`;
    expect(await harness.count(waiting)).toBe(1);
    await send({ predictions: [{ model, id: "kept", ts: now + 1, score: 0.5, weight: 10 }] });
    expect((await harness.store.query(outcomesOf, { model })).map(({ id }) => id)).toEqual([
      "failed",
      "kept",
    ]);
    expect(
      await harness.count(
        `SELECT toInt64(sum(weight) * 100 + sum(id = 'failed')) AS n FROM predictions WHERE model = '${model}'`,
      ),
    ).toBe(1_101);
  });

  it("miss nothing when labels and predictions are stored one right after the other", async () => {
    const model = "close together";
    const pairs = 60;
    let last = 0;
    for (let i = 0; i < pairs; i++) {
      const id = String(i);
      await spool.send({
        labels: [{ model, id, label: "x", time: now, prediction_time: now + i }],
      });
      last = await spool.send({ predictions: [{ model, id, ts: now + i, score: 0.5 }] });
    }
    await until(() => spool.storedThrough >= last, "all frames are stored");
    expect(await harness.store.query(outcomesOf, { model })).toHaveLength(pairs);
  });

  it("find a prediction whose time the label knows only about", async () => {
    const model = "about";
    await send({ predictions: [{ model, id: "a", ts: now, score: 0.5 }] });
    const off = { model, id: "a", label: "x", time: now + 1, prediction_time: now + 1234 };
    await send({ labels: [off] });
    expect(await harness.store.query(outcomesOf, { model })).toHaveLength(1);
  });

  it("follow the highest revision of a label and the first prediction of an id", async () => {
    const model = "revised";
    await send({ predictions: [{ model, id: "a", ts: now, score: 0.1 }] });
    await send({ predictions: [{ model, id: "a", ts: now + 5000, score: 0.9 }] });
    for (const [revision, text] of [
      [2, "second"],
      [1, "first"],
    ] as const) {
      await send({ labels: [{ model, id: "a", label: text, time: now + 9000, revision }] });
    }
    const rows = await harness.store.query(outcomesOf, { model });
    expect(rows.map(({ score, actual_label: label }) => [score, label])).toEqual([[0.1, "second"]]);
  });

  it("of labels that waited are found again by another collector", async () => {
    const model = "restarted";
    await send({ labels: [{ model, id: "a", label: "x", time: now }] });
    await collector.stop();
    collector = await harness.collect();
    await send({ predictions: [{ model, id: "a", ts: now, score: 0.5 }] });
    expect(await harness.store.query(outcomesOf, { model })).toHaveLength(1);
  });
});

describe("labels of a model in replay, months behind another model's", () => {
  const past = now - 40 * 86_400_000;

  it("that waited are found again by another collector", async () => {
    const model = "waits in the past";
    await send({ labels: [{ model: "today", id: "t", label: "x", time: now }] });
    await send({ labels: [{ model, id: "a", label: "x", time: past }] });
    await collector.stop();
    collector = await harness.collect();
    await send({ predictions: [{ model, id: "a", ts: past, score: 0.5 }] });
    expect(await harness.store.query(outcomesOf, { model })).toHaveLength(1);
  });

  it("that were left behind are joined when a shard is taken", async () => {
    const model = "left in the past";
    await send({ predictions: [{ model, id: "a", ts: past, score: 0.5 }] });
    // As another collector stores the label at the same moment, and finds no prediction yet.
    await harness.store.insert("labels", [
      { model, id: "a", label: "x", value: Number.NaN, time: past, prediction_time: past },
    ]);
    const waits = { model, id: "a", prediction_time: past, met: 0, noted: Date.now() };
    await harness.store.insert("waiting_labels", [waits]);
    await send({ predictions: [{ model: "today", id: "t", ts: now, score: 0.5 }] });
    await collector.stop();
    collector = await harness.collect();
    expect(await harness.store.query(outcomesOf, { model })).toHaveLength(1);
    const waiting = await harness.count(
      `SELECT count() AS n FROM waiting_labels FINAL WHERE model = '${model}' AND met = 0`,
    );
    expect(waiting).toBe(0);
  });
});

describe("many labels", () => {
  const count = 1_500;
  const ids = Array.from({ length: count }, (_, i) => `${i}`);

  it("that came first are all joined when their predictions come, and wait no longer", async () => {
    const model = "labels first";
    await send({ labels: ids.map((id) => ({ model, id, label: "x", time: now })) });
    const waiting = `SELECT count() AS n FROM waiting_labels FINAL WHERE model = '${model}' AND met = 0`;
    expect(await harness.count(waiting)).toBe(count);
    await send({ predictions: ids.map((id, i) => ({ model, id, ts: now + i, score: 0.5 })) });
    expect(await harness.store.query(outcomesOf, { model })).toHaveLength(count);
    expect(await harness.count(waiting)).toBe(0);
  });

  it("are compared with the outcomes of their own ids: a million others in the same hour cost no memory", async () => {
    const model = "busy hour";
    const from = now - 3_600_000;
    await harness.engine.client.command({
      query: `INSERT INTO driftmend.outcomes (model, ts, id, id_hash, version, tags, score, value, predicted, actual_label, actual_value, known, revision)
SELECT '${model}', fromUnixTimestamp64Milli(toInt64(${from} + number)), toString(number) AS id, reinterpretAsUInt128(sipHash128(id)), '1', map(), 0.5, nan, '', 'x', nan, fromUnixTimestamp64Milli(toInt64(${now})), 1 FROM numbers(1000000)`,
    });
    await send({ labels: [{ model, id: "7", label: "x", time: now, prediction_time: from + 7 }] });
    const group = {
      shard: spool.shard,
      n: await harness.count("SELECT max(n) AS n FROM ingest_groups"),
      models: [model],
    };
    const span = { labelsFrom: now, labelsTo: now, from, to: now, limit: 10 };
    const { name, params, row, sql } = unmatchedLabels;
    const bounded = `${sql} SETTINGS max_memory_usage = 32000000`;
    const inLittleMemory = defineQuery({ name, params, row, sql: bounded });
    expect(await harness.store.query(inLittleMemory, { ...group, ...span })).toEqual([]);
  });
});

describe("the labels of a group that have met their prediction", () => {
  const model = "counted";
  const ids = ["a", "b", "c"];

  it("are counted once each, however often their join was repeated, and without those that wait", async () => {
    await send({
      predictions: ids.map((id) => ({ model, id, ts: now, score: 0.5 })),
      labels: [...ids, "nobody"].map((id) => {
        return { model, id, label: "x", time: now, prediction_time: now };
      }),
    });
    const n = await harness.count("SELECT max(n) AS n FROM ingest_groups");
    const group = { shard: spool.shard, n, models: [model], from: now, to: now };
    expect(await harness.store.query(matchedLabels, group)).toEqual([{ n: 3 }]);
    await harness.engine.client.command({
      query: `INSERT INTO driftmend.outcomes SELECT * FROM driftmend.outcomes WHERE model = '${model}'`,
    });
    expect(await harness.store.query(matchedLabels, group)).toEqual([{ n: 3 }]);
    expect(await harness.store.query(matchedLabels, { ...group, n: n + 1 })).toEqual([{ n: 0 }]);
  });
});

describe("clocks", () => {
  it("are told as watermarks once what came before them is stored, and survive the collector", async () => {
    const model = "in replay";
    const heard: { watermarkMs: number; clock: string }[] = [];
    const { WatermarkMessage } = await import("../../contract/messages.ts");
    const { subjects } = await import("../../contract/subjects.ts");
    harness.nats.subscribe(subjects.watermark(model), WatermarkMessage, (message) => {
      heard.push(message);
    });
    await send({
      predictions: [{ model, id: "a", ts: now }],
      clocks: [
        { model, timeMs: now + 1 },
        { model, timeMs: now + 2 },
      ],
    });
    await until(() => heard.length > 0, "a watermark is told");
    expect(heard[0]).toMatchObject({ watermarkMs: now + 2, clock: "replay" });
    await collector.stop();
    heard.length = 0;
    collector = await harness.collect();
    await until(() => heard.length > 0, "the watermark is told again");
    expect(heard[0]).toMatchObject({ watermarkMs: now + 2, clock: "replay" });
    await send({ clocks: [{ model, timeMs: "wall" }] });
    await until(() => heard.some(({ clock }) => clock === "wall"), "the model is on the wall");
  });
});
