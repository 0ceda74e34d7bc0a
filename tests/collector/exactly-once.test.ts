/**
 * The holes of exactly-once that were found on the real engine, each with its guard and without: a part that
 * is lost while its token is remembered, a token that has left its window, an owner that slept through the
 * loss of its shard.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { groupFromFrames } from "../../collector/mend-group.ts";
import { type Ownership, insertRows } from "../../collector/group-store.ts";
import { ModelBook } from "../../collector/model-book.ts";
import { retentionBounds } from "../../collector/retention-bounds.ts";
import { takeEpoch } from "../../collector/shard-epoch.ts";
import { decodeFrame } from "../../contract/frame.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { PredictionRow } from "../../contract/payload-blocks.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { defineInsert } from "../../store/define-query.ts";
import { FENCE } from "../../store/queries/fence.ts";
import { insertPredictions } from "../../store/queries/group-data.ts";
import { groupByNumber } from "../../store/queries/ingest-groups.ts";
import { Retention } from "../../store/retention.ts";
import { CODE_THROW_IF, engineCodeOf } from "../../store/store-error.ts";
import type { FakeSpool } from "./fake-spool.ts";
import { type Harness, startHarness, until } from "./harness.ts";

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
}, 60_000);
afterAll(() => harness[Symbol.asyncDispose]());

const DAY_MS = 86_400_000;
const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;

/** `rows` predictions spread over two days, so that their group has two parts. */
function overTwoDays(model: string, rows: number): PredictionRow[] {
  return Array.from({ length: rows }, (_, i) => ({
    model,
    id: `${model}-${i}`,
    ts: today - (i % 2) * DAY_MS - 60_000,
    num: { x: i },
    score: 0.5,
  }));
}

async function command(sql: string): Promise<void> {
  await harness.engine.client.command({
    query: sql,
    clickhouse_settings: { database: "driftmend" } as never,
  });
}

const rowsOf = (model: string): Promise<number> =>
  harness.count(`SELECT count() AS n FROM predictions WHERE model = '${model}'`);
const rollupOf = (model: string, tier: string): Promise<number> =>
  harness.count(
    `SELECT sum(n) AS n FROM model_${tier} WHERE model = '${model}' AND segment_tag = ''`,
  );
const newestEpoch = (): Promise<number> =>
  harness.count("SELECT max(epoch) AS n FROM shard_epochs WHERE shard = 0");
const newestGroup = (): Promise<number> =>
  harness.count("SELECT max(n) AS n FROM ingest_groups WHERE shard = 0");

/** A group again as it was recorded, from the frames of a spool. */
async function groupAgain(n: number, spool: FakeSpool, seqs: readonly number[]) {
  const [manifest] = await harness.store.query(groupByNumber, { shard: 0, n });
  if (manifest === undefined) throw new Error(`There is no group ${n}`);
  const frames = seqs.map((seq) => {
    const frame = decodeFrame(spool.frames[seq - 1] ?? new Uint8Array(0));
    if (frame.kind === "bad") throw new Error(frame.reason);
    return frame;
  });
  const book = new ModelBook({ store: harness.store, logger: silentLogger });
  const bounds = retentionBounds(Retention.parse({}));
  const group = await groupFromFrames(manifest, frames, { book, bounds, clock: systemClock });
  return { group, manifest };
}

/** Does not wait as long for frames that nobody sends. */
const impatient: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms === LIMITS.framesAwaitedMs ? 500 : ms, signal),
};

describe("a part that was lost while its token is remembered (A1)", () => {
  it("stays lost when tokens are trusted, and is mended by counting", async () => {
    const first = await harness.collect();
    const spool = harness.spool();
    const seq = await spool.send({ predictions: overTwoDays("lost-part", 1000) });
    await until(() => spool.storedThrough === seq, "the group is stored");
    await first.stop();
    const n = await newestGroup();
    const day = new Date(today - DAY_MS - 60_000).toISOString().slice(0, 10);
    const lose = (table: string, column: string): Promise<void> =>
      command(
        `ALTER TABLE driftmend.${table} DELETE WHERE model = 'lost-part' AND toDate(${column}) = '${day}' SETTINGS mutations_sync = 1`,
      );
    await lose("predictions", "ts");
    await lose("model_minutes", "time");
    await lose("feature_hours", "time");
    expect(await rowsOf("lost-part")).toBe(500);

    const owner: Ownership = { shard: 0, epoch: await newestEpoch() };
    const { group } = await groupAgain(n, spool, [seq]);
    await insertRows(harness.store, owner, n, group);
    expect(await rowsOf("lost-part")).toBe(500);

    const second = await harness.collect();
    expect(await rowsOf("lost-part")).toBe(1000);
    expect(spool.wants).toContain(seq);
    expect(await rollupOf("lost-part", "minutes")).toBe(1000);
    expect(
      await harness.count(
        "SELECT sum(n) AS n FROM feature_hours WHERE model = 'lost-part' AND feature = 'x'",
      ),
    ).toBe(1000);
    expect(await second.metric("mended_rows_total")).toBe(500);
    await second.stop();

    const third = await harness.collect();
    expect(await rowsOf("lost-part")).toBe(1000);
    expect(await third.metric("mended_rows_total")).toBe(0);
    expect(await third.metric("rollup_repairs_total")).toBe(0);
    await third.stop();
  }, 60_000);

  it("waits for the agent where the stream has lost the frames too", async () => {
    const first = await harness.collect();
    const spool = harness.spool();
    const seq = await spool.send({ predictions: overTwoDays("all-lost", 100) });
    await until(() => spool.storedThrough === seq, "the group is stored");
    await first.stop();
    await command(
      "ALTER TABLE driftmend.predictions DELETE WHERE model = 'all-lost' SETTINGS mutations_sync = 1",
    );
    const second = await harness.collect();
    expect(await rowsOf("all-lost")).toBe(100);
    await second.stop();
  }, 60_000);

  it("says which frames nobody sends, goes on when they come, or when a person gives them up", async () => {
    const first = await harness.collect();
    const [returning, deleted] = [harness.spool(), harness.spool()];
    const lose = async (model: string): Promise<void> => {
      await until(() => rowsOf(model).then((rows) => rows === 10), `"${model}" is stored`);
      const where = `model = '${model}'`;
      await command(
        `ALTER TABLE driftmend.predictions DELETE WHERE ${where} SETTINGS mutations_sync = 1`,
      );
    };
    await returning.send({ predictions: overTwoDays("returning", 10) });
    await lose("returning");
    await deleted.send({ predictions: overTwoDays("deleted", 10) });
    await lose("deleted");
    await first.stop();
    returning.close();
    deleted.close();

    const second = await harness.collect({ recovering: true, clock: impatient });
    const runner = second.collector.runners[0];
    const awaits = (spool: FakeSpool) => (): boolean =>
      runner?.stuck.current?.reason.includes(`frames 1 to 1 of spool ${spool.id}`) ?? false;
    await until(awaits(returning), "the first spool is named");
    expect(second.collector.readiness()).toContain("start the agent that keeps this spool");
    await returning.publish(1);
    await until(awaits(deleted), "the second spool is named");
    runner?.stuck.setAside(runner.stuck.current?.n ?? 0, "test");
    await until(() => second.collector.readiness() === null, "the shard works");
    expect(await rowsOf("returning")).toBe(10);
    expect(await rowsOf("deleted")).toBe(0);
    expect(await second.metric("frames_lost_total")).toBe(1);
    expect(await harness.count("SELECT count() AS n FROM groups_set_aside")).toBe(1);
    await second.stop();

    const third = await harness.collect();
    expect(await third.metric("frames_lost_total")).toBe(0);
    await third.stop();
  }, 90_000);
});

describe("a token that has left the window (A5)", () => {
  it("doubles the group when it is inserted again, which counting prevents", async () => {
    await command(
      "ALTER TABLE driftmend.predictions MODIFY SETTING non_replicated_deduplication_window = 3",
    );
    const first = await harness.collect();
    const spool = harness.spool();
    const seq = await spool.send({ predictions: overTwoDays("evicted", 100) });
    await until(() => spool.storedThrough === seq, "the group is stored");
    const n = await newestGroup();
    for (let i = 0; i < 4; i++) {
      const later = await spool.send({ predictions: overTwoDays(`evicts-${i}`, 10) });
      await until(() => spool.storedThrough === later, "a later group is stored");
    }
    await first.stop();
    const second = await harness.collect();
    expect(await rowsOf("evicted")).toBe(100);
    expect(await second.metric("mended_rows_total")).toBe(0);
    await second.stop();

    const { group } = await groupAgain(n, spool, [seq]);
    await insertRows(harness.store, { shard: 0, epoch: await newestEpoch() }, n, group);
    expect(await rowsOf("evicted")).toBe(200);
    await command(
      "ALTER TABLE driftmend.predictions MODIFY SETTING non_replicated_deduplication_window = 20000",
    );
  }, 60_000);
});

describe("an owner that slept through the loss of its shard (A6)", () => {
  it("is refused with code 395, and would write without the fence", async () => {
    const first = await harness.collect();
    const spool = harness.spool();
    const seq = await spool.send({ predictions: overTwoDays("fenced", 10) });
    await until(() => spool.storedThrough === seq, "the group is stored");
    const zombie: Ownership = { shard: 0, epoch: await newestEpoch() };
    const n = await newestGroup();
    await first.stop();
    const { group } = await groupAgain(n, spool, [seq]);

    const deps = { store: harness.store, clock: systemClock };
    const epoch = await takeEpoch(0, "another", deps, new AbortController().signal);
    expect(epoch).toBe(zombie.epoch + 1);

    const refused = insertRows(harness.store, zombie, n + 1000, group);
    await expect(refused).rejects.toSatisfy((error) => engineCodeOf(error) === CODE_THROW_IF);
    expect(await rowsOf("fenced")).toBe(10);

    const unfenced = defineInsert({
      name: "insert without a fence",
      params: z.object({ n: z.int(), shard: z.int() }),
      sql: insertPredictions.sql.replace(FENCE, "1"),
    });
    const params = { n: n + 1000, shard: 0 };
    await harness.store.insertNative(unfenced, params, group.piecesOf("predictions"));
    expect(await rowsOf("fenced")).toBe(20);
  }, 60_000);

  it("takes the shard again and stores what it had read exactly once", async () => {
    const collector = await harness.collect();
    const spool = harness.spool();
    const one = await spool.send({ predictions: overTwoDays("taken", 10) });
    await until(() => spool.storedThrough === one, "the first frame is stored");
    const deps = { store: harness.store, clock: systemClock };
    await takeEpoch(0, "another", deps, new AbortController().signal);
    const two = await spool.send({ predictions: overTwoDays("taken", 10) });
    await until(() => spool.storedThrough === two, "the second frame is stored");
    expect(await rowsOf("taken")).toBe(20);
    expect(await rollupOf("taken", "hours")).toBe(20);
    await collector.stop();
  }, 60_000);
});

describe("the order of a spool", () => {
  it("takes each frame once and asks for those that are missing", async () => {
    const collector = await harness.collect();
    const spool = harness.spool();
    for (let i = 0; i < 6; i++) spool.add({ predictions: overTwoDays("ordered", 10) });
    for (const seq of [1, 1, 3, 5, 6]) await spool.publish(seq);
    await until(() => spool.storedThrough === 6, "all frames are stored");
    for (const seq of [2, 4, 6, 1]) await spool.publish(seq);
    const last = await spool.send({ predictions: overTwoDays("ordered", 10) });
    await until(() => spool.storedThrough === last, "the last frame is stored");
    expect(await rowsOf("ordered")).toBe(70);
    expect(await rollupOf("ordered", "days")).toBe(70);
    expect(spool.wants[0]).toBe(2);
    await collector.stop();
  }, 60_000);

  it("stores a frame without rows, a heartbeat, as a group of its own", async () => {
    const collector = await harness.collect();
    const spool = harness.spool();
    const seq = await spool.send({});
    await until(() => spool.storedThrough === seq, "the heartbeat is stored");
    const n = await newestGroup();
    expect(
      await harness.count(`SELECT predictions + labels AS n FROM ingest_groups WHERE n = ${n}`),
    ).toBe(0);
    await collector.stop();
    const next = await harness.collect();
    expect(await next.metric("mended_rows_total")).toBe(0);
    await next.stop();
  }, 60_000);

  it("asks for frames whose publication was lost when the spool announces them", async () => {
    const collector = await harness.collect();
    const spool = harness.spool();
    const seq = spool.add({ predictions: overTwoDays("announced", 10) });
    await until(async () => {
      spool.announce(Date.now());
      await systemClock.sleep(200);
      return spool.storedThrough === seq;
    }, "the announced frame is stored");
    expect(await rowsOf("announced")).toBe(10);
    await collector.stop();
  }, 60_000);
});
