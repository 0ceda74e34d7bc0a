/** What must never hold up a shard (A7): frames that cannot be read, times that cannot be, groups that cannot be stored. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkFrame } from "../../collector/payload-check.ts";
import { decodeFrame, encodeFrame } from "../../contract/frame.ts";
import { readBlock, writeBlock } from "../../contract/native-block.ts";
import { type PredictionRow, buildPredictionBlock } from "../../contract/payload-blocks.ts";
import { subjects } from "../../contract/subjects.ts";
import { type FakeSpool, frameOf } from "./fake-spool.ts";
import { type Harness, startHarness, until } from "./harness.ts";

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
}, 60_000);
afterAll(() => harness[Symbol.asyncDispose]());

const now = Date.now();

function rows(model: string, times: readonly number[]): PredictionRow[] {
  return times.map((ts, i) => ({ model, id: `${model}-${i}`, ts, num: { x: i } }));
}

/** A frame whose CRC is right and whose block is not. */
function poisoned(spool: FakeSpool, seq: number, payload: Uint8Array): Uint8Array {
  const section = {
    table: "predictions",
    rows: 3,
    bytes: payload.length,
    fromMs: now,
    toMs: now,
    models: { poison: 3 },
  } as const;
  const header = {
    spool: spool.id,
    seq,
    acceptedMs: now,
    digests: [],
    sections: [section],
    clocks: [],
  };
  return encodeFrame(header, [payload]);
}

const letters = (where: string): Promise<number> =>
  harness.count(`SELECT count() AS n FROM dead_letters WHERE ${where}`);
const stored = (model: string): Promise<number> =>
  harness.count(`SELECT count() AS n FROM predictions WHERE model = '${model}'`);

describe("poison", () => {
  it("a clock's name with an unpaired surrogate does not hold up the shard", async () => {
    const collector = await harness.collect();
    const spool = harness.spool();
    const clocks = [{ model: "half\ud800", timeMs: now }];
    const seq = await spool.send({ predictions: rows("beside-half", [now]), clocks });
    await until(() => spool.storedThrough >= seq, "the frame is stored");
    expect(await stored("beside-half")).toBe(1);
    await collector.stop();
  });

  it("becomes dead letters while frames before and behind it are stored", async () => {
    const collector = await harness.collect();
    const spool = harness.spool();
    await spool.send({ predictions: rows("sound", [now]) });
    const foreign = writeBlock({
      rows: 3,
      columns: [
        {
          name: "model",
          type: "Float64",
          column: { kind: "float64", values: new Float64Array(3) },
        },
      ],
    });
    const payloads = [randomBytes(500), new Uint8Array(0), foreign];
    for (const payload of payloads) {
      spool.frames.push(poisoned(spool, spool.frames.length + 1, payload));
      await spool.publish(spool.frames.length);
    }
    const torn = frameOf(spool.id, 99, { predictions: rows("torn", [now]) });
    torn[torn.length - 10] = (torn.at(-10) ?? 0) ^ 1;
    await harness.nats.jetstream.publish(subjects.frames(0), torn);
    const last = await spool.send({ predictions: rows("sound", [now + 1]) });
    await until(() => spool.storedThrough === last, "the last frame is stored");
    expect(await stored("sound")).toBe(2);
    expect(await stored("torn")).toBe(0);
    expect(await letters("reason = 'block_invalid'")).toBe(3);
    expect(await letters("reason = 'frame_invalid'")).toBe(1);
    expect(await collector.metric("dead_letters_total")).toBe(4);
    await collector.stop();
  }, 60_000);

  it("of times in 1970 and 2100 never enters a group: those rows are dead letters, the others are stored", async () => {
    const collector = await harness.collect();
    const spool = harness.spool();
    const times = [now, 0, Date.UTC(2100, 0), now - 1000, Date.UTC(1990, 0)];
    const labels = times.map((time, i) => ({ model: "times", id: `times-${i}`, time, label: "a" }));
    const seq = await spool.send({ predictions: rows("times", times), labels });
    await until(() => spool.storedThrough === seq, "the frame is stored");
    expect(await stored("times")).toBe(2);
    expect(await harness.count("SELECT count() AS n FROM labels WHERE model = 'times'")).toBe(2);
    expect(await letters("model = 'times' AND reason = 'time_out_of_bounds'")).toBe(6);
    expect(
      await harness.count("SELECT count() AS n FROM outcomes FINAL WHERE model = 'times'"),
    ).toBe(2);
    expect(
      await harness.count(
        "SELECT countIf(toYear(`from`) < 2020 OR toYear(`to`) > 2090) AS n FROM ingest_groups WHERE has(models, 'times')",
      ),
    ).toBe(0);
    await collector.stop();
  }, 60_000);

  it("is a weight below 1, none at all, or beyond all sampling; a block without weights weighs 1", () => {
    const open = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
    const bounds = { predictions: open, labels: open, deadLetters: open, serverMetrics: open };
    const check = (weight: number) => {
      const predictions = rows("weighed", [now, now]).map((row) => ({ ...row, weight }));
      const frame = decodeFrame(frameOf("0".repeat(32), 1, { predictions }));
      if (frame.kind === "bad") throw new Error(frame.reason);
      return checkFrame(frame, bounds);
    };
    for (const weight of [0.5, -1, Number.NaN, Number.POSITIVE_INFINITY, 2_000_000]) {
      expect(check(weight).deadLetters, `${weight}`).toMatchObject([
        { reason: "block_invalid", rows: 2 },
      ]);
    }
    expect(check(12).predictions[0]?.columns.weight).toEqual(Float32Array.of(12, 12));
    expect(check(1).predictions[0]?.columns.weight).toBeNull();
  });

  it("of names, ids and moments that no agent sends is set aside row by row", () => {
    const spoolId = "0".repeat(32);
    const labels = [
      { model: "sound", id: "1", time: now, label: "a", prediction_time: now },
      { model: "m".repeat(257), id: "1", time: now, label: "a" },
      { model: "", id: "1", time: now, label: "a" },
      { model: "__proto__", id: "1", time: now, label: "a" },
      { model: "m", id: "", time: now, label: "a" },
      { model: "m", id: "i".repeat(257), time: now, label: "a" },
      { model: "m", id: "1", time: now, label: "a", prediction_time: -1 },
      { model: "m", id: "1", time: now, label: "a", prediction_time: 2 ** 53 - 1 },
    ];
    const frame = decodeFrame(frameOf(spoolId, 1, { labels }));
    if (frame.kind === "bad") throw new Error(frame.reason);
    const within = { fromMs: now - 1000, toMs: now + 1000 };
    const checked = checkFrame(frame, {
      ...{ predictions: within, labels: within, deadLetters: within, serverMetrics: within },
    });
    expect(checked.labels.map(({ rows }) => rows)).toEqual([1]);
    expect(checked.deadLetters.map(({ reason }) => reason)).toEqual([
      ...["model_invalid", "model_invalid", "model_invalid", "id_invalid", "id_invalid"],
      ...["prediction_time_out_of_bounds", "prediction_time_out_of_bounds"],
    ]);
  });

  it("of bits of a LowCardinality that the engine refuses is a dead letter, not a shard that stops", () => {
    const payload = Buffer.from(buildPredictionBlock([{ model: "m", id: "1", ts: now }]));
    const flags = payload.indexOf(Buffer.from("0002000000000000", "hex"));
    payload[flags + 1] = 0x0a;
    expect(() => readBlock(payload)).toThrow("LowCardinality");
    payload[flags + 1] = 0x06;
    expect(readBlock(payload).rows).toBe(1);
  });

  it("would reach the tables if times were not checked", () => {
    const frame = decodeFrame(frameOf("0".repeat(32), 1, { predictions: rows("open", [0, now]) }));
    if (frame.kind === "bad") throw new Error(frame.reason);
    const open = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
    const rest = { labels: open, deadLetters: open, serverMetrics: open };
    const unchecked = checkFrame(frame, { predictions: open, ...rest });
    expect(unchecked.predictions[0]?.columns.ts[0]).toBe(0);
    const within = { fromMs: now - 1000, toMs: now + 1000 };
    const checked = checkFrame(frame, { predictions: within, ...rest });
    expect([...(checked.predictions[0]?.columns.ts ?? [])]).toEqual([now]);
  });

  it("as a group that the engine refuses stops its shard with the reason until it is set aside", async () => {
    const collector = await harness.collect();
    const spool = harness.spool();
    await harness.engine.client.command({
      query: "RENAME TABLE driftmend.labels TO driftmend.gone",
    });
    const labels = [{ model: "stuck", id: "a", time: now, label: "a" }];
    const seq = await spool.send({ predictions: rows("stuck", [now]), labels });
    const runner = collector.collector.runners[0];
    await until(() => runner?.stuck.current !== null, "the shard says that it is stuck");
    expect(collector.collector.readiness()).toContain("cannot be stored");
    expect(() => runner?.stuck.setAside(1, "test")).toThrow("Cannot set group 1 aside");
    await harness.engine.client.command({
      query: "RENAME TABLE driftmend.gone TO driftmend.labels",
    });
    runner?.stuck.setAside(runner.stuck.current?.n ?? 0, "test");
    await until(() => spool.storedThrough === seq, "the group is set aside");
    const next = await spool.send({ predictions: rows("behind", [now]) });
    await until(() => spool.storedThrough === next, "the frame behind it is stored");
    expect(await stored("behind")).toBe(1);
    expect(await letters("reason = 'group_set_aside'")).toBe(2);
    expect(await harness.count("SELECT count() AS n FROM groups_set_aside")).toBe(1);
    await collector.stop();
  }, 60_000);
});
