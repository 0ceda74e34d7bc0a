/** Tables that may take so much: over it nothing is stored and nothing lost. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decideRoom } from "../../collector/table-budget.ts";
import { LIMITS } from "../../contract/limits.ts";
import { systemClock } from "../../runtime/clock.ts";
import { bytesOfTables } from "../../store/queries/storage.ts";
import { type Harness, startHarness, until } from "./harness.ts";

describe("room in the tables", () => {
  it("ends at the budget, and is there again once a part of it came free", () => {
    const mib = (n: number): number => n * 1024 ** 2;
    expect(decideRoom(mib(999), mib(1_000), false)).toEqual({ kind: "room" });
    expect(decideRoom(mib(1_000), mib(1_000), false)).toMatchObject({ kind: "full" });
    expect(decideRoom(mib(985), mib(1_000), true)).toMatchObject({
      reason: expect.stringContaining("must be under 980.0 MiB again: they take 985.0 MiB"),
    });
    expect(decideRoom(mib(979), mib(1_000), true)).toEqual({ kind: "room" });
    expect(LIMITS.tableBudgetFreedShare).toBe(0.02);
  });
});

describe("a collector whose tables are full", () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness[Symbol.asyncDispose]());

  const rows = (from: number) =>
    Array.from({ length: 500 }, (_, i) => ({
      ...{ model: "m", id: `m-${from + i}`, ts: Date.now() - 60_000, score: 0.5 },
      num: { x: Math.sin(from + i) },
    }));
  const stored = (): Promise<number> => harness.count("SELECT count() AS n FROM predictions");
  const bytes = async (): Promise<number> =>
    (await harness.store.query(bytesOfTables, {}))[0]?.bytes ?? 0;

  it("stores no group more, says why and what to do, and stores all once there is room", async () => {
    const spool = harness.spool();
    const before = await harness.collect();
    const first = await spool.send({ predictions: rows(0) });
    await until(() => spool.storedThrough === first, "the first frame is stored");
    await before.stop();

    const tight = await harness.collect({ tableBytesMax: await bytes() });
    const second = await spool.send({ predictions: rows(500) });
    await until(() => tight.collector.budget.reason !== null, "the budget is noticed");
    expect(tight.collector.budget.reason).toMatch(
      /tables must be under .*DRIFTMEND_TABLE_BYTES_MAX/,
    );
    // It owns its shards: what is in its way is no fault of theirs.
    expect(tight.collector.readiness()).toBeNull();
    await systemClock.sleep(1_500);
    expect([await stored(), spool.storedThrough]).toEqual([500, first]);
    await tight.stop();

    const roomy = await harness.collect({ tableBytesMax: 10 * (await bytes()) });
    await until(() => spool.storedThrough === second, "the second frame is stored");
    expect(await stored()).toBe(1_000);
    expect(await roomy.metric("table_bytes")).toBeGreaterThan(0);
    await roomy.stop();
  }, 60_000);
});
