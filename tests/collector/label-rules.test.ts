/** What documents say of labels, carried out by a real collector in the time of a replay. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { timeMs } from "../../store/column-schemas.ts";
import { defineQuery } from "../../store/define-query.ts";
import { censoredDays, outcomeCounts } from "../../store/queries/outcome-sums.ts";
import type { FakeSpool } from "./fake-spool.ts";
import { type Harness, type RunningCollector, startHarness, until } from "./harness.ts";

let harness: Harness;
let running: RunningCollector;
let spool: FakeSpool;
beforeAll(async () => {
  harness = await startHarness();
  running = await harness.collect();
  spool = harness.spool();
}, 60_000);
afterAll(() => harness[Symbol.asyncDispose]());

const DAY_MS = 86_400_000;
const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const begin = today - 30 * DAY_MS;
const AFTER_MS = 10 * DAY_MS;

const outcomesOf = defineQuery({
  name: "outcomes of a model",
  params: z.object({ model: z.string() }),
  row: z.object({
    id: z.string(),
    label: z.string(),
    source: z.string(),
    censored: z.int(),
    known: timeMs,
  }),
  sql: `SELECT id, toString(actual_label) AS label, toString(source) AS source, censored, known
FROM outcomes FINAL WHERE model = {model:String} ORDER BY ts, id`,
});
const labelsOf = defineQuery({
  name: "labels of a model",
  params: z.object({ model: z.string() }),
  row: z.object({ id: z.string(), label: z.string(), source: z.string() }),
  sql: `SELECT id, toString(label) AS label, toString(source) AS source
FROM labels FINAL WHERE model = {model:String} ORDER BY id`,
});

const shown = async (model: string): Promise<string[]> =>
  (await harness.store.query(outcomesOf, { model })).map(({ id, label, source, censored }) =>
    censored === 1 ? `${id} censored` : `${id} ${label} by ${source}`,
  );

async function send(content: Parameters<FakeSpool["send"]>[0]): Promise<void> {
  const seq = await spool.send(content);
  await until(() => spool.storedThrough >= seq, `frame ${seq} is stored`);
}

let revision = 0;
async function document(model: string, over: object): Promise<void> {
  const whole = {
    apiVersion: "driftmend/v1",
    kind: "Model",
    metadata: { name: model },
    task: { type: "binary", positive: "fraud" },
    segments: ["country"],
    ...over,
  };
  await harness.store.insert("models", [
    { model, document: JSON.stringify(whole), status: "active", revision: ++revision },
  ]);
  await running.collector.book.refresh(model);
}

const keep = (): Promise<void> => running.collector.labels.keeper.run(new AbortController().signal);
const announce = (model: string, timeMs: number) => send({ clocks: [{ model, timeMs }] });

describe("absence", () => {
  const model = "absence";
  const at = (day: number): number => begin + day * DAY_MS + 3_600_000;
  const prediction = (id: string, day: number, over: object = {}) => ({
    model,
    id,
    ts: at(day),
    score: 0.5,
    ...over,
  });

  it("becomes the negative label once its time is over, and not before", async () => {
    await document(model, { labels: { negative_after: "10d" } });
    await send({
      predictions: [
        prediction("a", 0),
        prediction("b", 0),
        prediction("failed", 0, { error: "timeout" }),
        prediction("c", 5),
      ],
      labels: [{ model, id: "b", label: "fraud", time: at(3), source: "chargebacks" }],
      clocks: [{ model, timeMs: at(0) + AFTER_MS - 60_000 }],
    });
    await keep();
    expect(await shown(model)).toEqual(["b fraud by chargebacks"]);
    await announce(model, at(0) + AFTER_MS + 120_000);
    await keep();
    expect(await shown(model)).toEqual(["a not fraud by absence", "b fraud by chargebacks"]);
    const [a] = await harness.store.query(outcomesOf, { model });
    expect(a?.known).toBe(at(0) + AFTER_MS);
    expect(await harness.store.query(labelsOf, { model })).toEqual([
      { id: "a", label: "not fraud", source: "absence" },
      { id: "b", label: "fraud", source: "chargebacks" },
    ]);
  });

  it("gives way to any label that comes later, of whatever revision and time", async () => {
    await send({ labels: [{ model, id: "a", label: "fraud", time: at(1), source: "late" }] });
    expect((await shown(model))[0]).toBe("a fraud by late");
    await keep();
    expect((await shown(model))[0]).toBe("a fraud by late");
  });

  it("is seen by whoever comes after a kill, in the middle of it too, and changes nothing twice", async () => {
    await announce(model, at(5) + AFTER_MS + 60_000);
    // As if a collector had written the labels and been killed before their outcomes.
    await harness.store.insert("labels", [
      {
        ...{ model, id: "c", label: "not fraud", value: Number.NaN, source: "absence" },
        ...{ prediction_time: at(5), time: at(5) + AFTER_MS },
      },
    ]);
    await running.stop();
    running = await harness.collect();
    await keep();
    await keep();
    expect(await shown(model)).toEqual([
      "a fraud by late",
      "b fraud by chargebacks",
      "c not fraud by absence",
    ]);
    expect(await harness.store.query(labelsOf, { model })).toHaveLength(3);
  });

  it("reaches predictions that came after their time was over", async () => {
    await send({ predictions: [prediction("belated", 1)] });
    await keep();
    expect(await shown(model)).toContain("belated not fraud by absence");
  });
});

describe("predictions whose outcome is never seen", () => {
  const model = "censored";
  const at = begin + 2 * DAY_MS;
  const prediction = (id: string, decision: string, over: object = {}) => ({
    model,
    id,
    ts: at + id.length,
    score: 0.5,
    cat: { decision },
    tags: { country: id === "b" ? "DE" : "AT" },
    ...over,
  });
  const labels = { censored: "decision = 'blocked'", negative_after: "10d" };
  const counts = async () => {
    const span = { model, fromMs: at - DAY_MS, toMs: at + DAY_MS };
    const [day] = await harness.store.query(outcomeCounts, { ...span, knownMs: Date.now() });
    return [day?.n, day?.censored];
  };

  it("are noted with their group, have no label whatever comes, and none by absence", async () => {
    await document(model, { labels });
    await send({
      predictions: [
        prediction("a", "blocked"),
        prediction("b", "blocked"),
        prediction("cc", "passed"),
        prediction("ddd", "blocked", { error: "timeout" }),
      ],
      labels: [{ model, id: "a", label: "legit", time: at + DAY_MS, revision: 7 }],
    });
    expect(await shown(model)).toEqual(["a censored", "b censored"]);
    await send({ labels: [{ model, id: "b", label: "legit", time: at + DAY_MS, source: "x" }] });
    await announce(model, at + 11 * DAY_MS);
    await keep();
    expect(await shown(model)).toEqual(["a censored", "b censored", "cc not fraud by absence"]);
    expect(await counts()).toEqual([1, 2]);
  });

  it("are counted by day, version and declared segment", async () => {
    const span = { model, fromMs: at - DAY_MS, toMs: at + DAY_MS };
    const rows = await harness.store.query(censoredDays, span);
    const found = rows.map((row) => `${row.segment_tag}=${row.segment_value} ${row.n}`).sort();
    expect(found).toEqual(["= 2", "country=AT 1", "country=DE 1"]);
  });

  it("are others when the condition changes: those that are freed have their labels again", async () => {
    await document(model, {
      labels: { ...labels, censored: "decision = 'passed' AND score < 0.6" },
    });
    await keep();
    expect(await shown(model)).toEqual(["a legit by ", "b legit by x", "cc censored"]);
    await document(model, { labels: { negative_after: "10d" } });
    await keep();
    expect(await shown(model)).toEqual(["a legit by ", "b legit by x", "cc not fraud by absence"]);
  });

  it.each<[string, boolean]>([
    ["amount > 100 AND tag.country = 'AT'", true],
    ["amount <= 100 OR country IN ('DE', 'FR')", false],
    ["mcc = 5411", true],
    ["mcc = '5411' AND version IS NULL", true],
    ["missing != 'x'", false],
    ["NOT missing = 'x'", false],
    ["missing IS NULL AND label = 'fraud'", true],
    [`"quote's {x:String}" = 'back\\slash''s {y:UInt8}'`, true],
    ["blocked = TRUE AND value IS NULL", true],
  ])("%s", async (censored, expected) => {
    const name = `condition ${censored}`;
    await document(name, { labels: { censored } });
    const ts = at + 1;
    await send({
      predictions: [
        {
          ...{ model: name, id: "a", ts, score: 0.5, label: "fraud", num: { amount: 250 } },
          cat: {
            mcc: "5411",
            blocked: "true",
            "quote's {x:String}": "back\\slash's {y:UInt8}",
          },
          tags: { country: "AT" },
        },
      ],
    });
    expect(await shown(name)).toEqual(expected ? ["a censored"] : []);
  });
});
