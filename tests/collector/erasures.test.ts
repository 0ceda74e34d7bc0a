/** What is erased is gone: from tables, from the disk, and from all that could bring it back. */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ErasureBody } from "../../collector/erasures/request.ts";
import type { PredictionRow } from "../../contract/payload-blocks.ts";
import { type Tier, rollupTiers } from "../../store/queries/rollups-from-raw.ts";
import type { FakeSpool } from "./fake-spool.ts";
import { type Harness, type RunningCollector, startHarness, until } from "./harness.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const now = Date.now();
let harness: Harness;
let collector: RunningCollector;
beforeAll(async () => {
  harness = await startHarness();
  collector = await harness.collect();
}, 60_000);
afterAll(() => harness[Symbol.asyncDispose]());

/** Compression leaves texts alone that look like nothing else. */
const id = (model: string, i: number): string =>
  createHash("sha256").update(`${model}/${i}`).digest("base64url");

function predictions(
  model: string,
  rows: number,
  of: Partial<PredictionRow> = {},
): PredictionRow[] {
  return Array.from({ length: rows }, (_, i) => ({
    model,
    id: id(model, i),
    ts: now - (i % 3) * HOUR_MS - 60_000,
    num: { x: i, age: i % 7 },
    cat: { city: `City ${i % 3}` },
    tags: { customer: `customer-Jq8Zk-${i % 5}-Vb2` },
    score: 0.5,
    ...of,
  }));
}

async function stored(
  spool: FakeSpool,
  content: Parameters<FakeSpool["send"]>[0],
): Promise<number> {
  const seq = await spool.send(content);
  await until(() => spool.storedThrough === seq, `frame ${seq} is stored`);
  return seq;
}

const erase = (model: string, what: ErasureBody["what"], dryRun = false) =>
  collector.collector.erasures.erase(ErasureBody.parse({ model, what, dryRun, by: "test" }));

const countOf = (table: string, where: string): Promise<number> =>
  harness.count(`SELECT count() AS n FROM ${table} WHERE ${where}`);

async function differences(model: string, tiers: readonly Tier[] = ["hours"]): Promise<number> {
  const span = {
    model,
    from: Math.floor(now / DAY_MS) * DAY_MS - 3 * DAY_MS,
    to: Math.floor(now / DAY_MS) * DAY_MS + DAY_MS,
  };
  let sum = 0;
  for (const tier of tiers) {
    const queries = rollupTiers[tier];
    for (const query of [queries.countFeatureDifferences, queries.countModelDifferences]) {
      sum += (await harness.store.query(query, span))[0]?.n ?? 0;
    }
  }
  return sum;
}

/** Files of the store that hold a text; merges make and remove folders meanwhile. */
function filesWith(text: string, folder: string = harness.engine.dataDirectory): string[] {
  const wanted = Buffer.from(text);
  const gone = (error: unknown): boolean =>
    error instanceof Error && "code" in error && error.code === "ENOENT";
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesWith(text, path);
      try {
        return entry.isFile() && readFileSync(path).includes(wanted) ? [path] : [];
      } catch (error) {
        if (gone(error)) return [];
        throw error;
      }
    });
  } catch (error) {
    if (gone(error)) return [];
    throw error;
  }
}

describe("erasing one prediction", () => {
  it("takes it out of every table and off the disk while rows come in, and recovery does not bring it back", async () => {
    const model = "one";
    const spool = harness.spool();
    const rows = predictions(model, 200);
    await stored(spool, { predictions: rows });
    const label = { model, label: "yes", time: now, revision: 1 };
    await stored(spool, {
      labels: [
        { ...label, id: id(model, 7) },
        { ...label, id: id(model, 8) },
      ],
    });
    expect(filesWith(id(model, 7)).length).toBeGreaterThan(0);

    const what = { kind: "prediction", id: id(model, 7) } as const;
    expect(await erase(model, what, true)).toMatchObject({
      id: null,
      state: "planned",
      counts: { predictions: 1, labels: 1, outcomes: 1, dead_letters: 0 },
    });
    expect(await countOf("predictions", `model = '${model}'`)).toBe(200);

    // Fewer groups than recovery looks at: the one that held it is among them.
    const live = (async () => {
      const other = harness.spool();
      for (let sent = 0; sent < 4; sent++) {
        await stored(other, { predictions: predictions("live", 5) });
      }
    })();
    const answer = await erase(model, what);
    await live;
    expect(answer).toMatchObject({
      state: "done",
      goneFromDisk: true,
      onTheWay: { frames: 0 },
      counts: { predictions: 1, labels: 1, outcomes: 1 },
    });
    for (const table of ["predictions", "labels", "outcomes", "waiting_labels"]) {
      expect(await countOf(table, `id = '${id(model, 7)}'`)).toBe(0);
    }
    expect(filesWith(id(model, 7))).toEqual([]);
    expect(filesWith(id(model, 8)).length).toBeGreaterThan(0);
    expect(await countOf("predictions", `model = '${model}'`)).toBe(199);
    expect(await differences(model, ["minutes", "hours", "days"])).toBe(0);
    expect(await collector.metric("rollup_repairs_total")).toBe(0);

    await collector.stop();
    await harness.engine.kill();
    await harness.engine.restart();
    collector = await harness.collect();
    expect(spool.wants).toEqual([]);
    expect(await countOf("predictions", `model = '${model}'`)).toBe(199);
    expect(await collector.metric("mended_rows_total")).toBe(0);
    expect(await collector.metric("rollup_repairs_total")).toBe(0);
    expect(await differences(model)).toBe(0);
  }, 120_000);

  it("keeps it away where recovery must mend the group that held it", async () => {
    const model = "mended";
    const spool = harness.spool();
    const seq = await stored(spool, { predictions: predictions(model, 100) });
    await erase(model, { kind: "prediction", id: id(model, 3) });
    await collector.stop();
    await harness.engine.client.command({
      query: `ALTER TABLE driftmend.predictions DELETE WHERE model = '${model}' SETTINGS mutations_sync = 1`,
    });
    collector = await harness.collect();
    expect(spool.wants).toContain(seq);
    expect(await countOf("predictions", `model = '${model}'`)).toBe(99);
    expect(await countOf("predictions", `id = '${id(model, 3)}'`)).toBe(0);
    expect(await differences(model)).toBe(0);
  }, 60_000);

  it("finishes what a process that ended had begun", async () => {
    const model = "begun";
    const spool = harness.spool();
    await stored(spool, { predictions: predictions(model, 10) });
    // Ends at the first table: as if it had been killed there.
    const { command } = harness.store;
    Object.assign(harness.store, {
      command: (defined: { name: string }, ...rest: []) =>
        defined.name.startsWith("erase from")
          ? Promise.reject(new Error("killed"))
          : (command as (...args: unknown[]) => Promise<void>)(defined, ...rest),
    });
    await expect(erase(model, { kind: "prediction", id: id(model, 3) })).rejects.toThrow("killed");
    Object.assign(harness.store, { command });
    await collector.stop();
    collector = await harness.collect();
    await until(
      () => countOf("erasures FINAL", "state = 'begun'").then((n) => n === 0),
      "the erasure is finished",
    );
    expect(await countOf("predictions", `model = '${model}'`)).toBe(9);
    expect(filesWith(id(model, 3))).toEqual([]);
    expect(await differences(model)).toBe(0);
    const settings = await harness.count(
      "SELECT count() AS n FROM system.tables WHERE engine_full LIKE '%old_parts_lifetime%'",
    );
    expect(settings).toBe(0);
  }, 60_000);
});

describe("erasing a subject", () => {
  it("takes all rows of a tag's value with their labels, and names what keeps the value", async () => {
    const model = "subject";
    const spool = harness.spool();
    const rows = predictions(model, 100);
    await stored(spool, { predictions: rows });
    await stored(spool, {
      labels: rows.map((row) => ({ model, id: row.id, label: "no", time: now, revision: 1 })),
    });
    const value = "customer-Jq8Zk-2-Vb2";
    const answer = await erase(model, { kind: "tag", name: "customer", value });
    expect(answer.counts).toMatchObject({ predictions: 20, labels: 20, outcomes: 20 });
    expect(answer.namesKept).toEqual({ rollups: 0, segments: 0, grids: 0 });
    expect(await countOf("labels", `model = '${model}'`)).toBe(80);
    expect(await countOf("outcomes", `model = '${model}'`)).toBe(80);
    expect(await differences(model)).toBe(0);
    // What comes afterwards is not meant.
    const again = { model, id: "again", ts: now, tags: { customer: value } };
    await stored(spool, { predictions: [again] });
    await collector.stop();
    collector = await harness.collect();
    expect(await countOf("predictions", `model = '${model}'`)).toBe(81);
  }, 60_000);

  it("takes features that are texts or numbers, and says the categories that stay", async () => {
    const model = "feature";
    const spool = harness.spool();
    await stored(spool, { predictions: predictions(model, 21) });
    const age = await erase(model, { kind: "feature", name: "age", value: "6.0" });
    expect(age.counts).toMatchObject({ predictions: 3 });
    const city = await erase(model, { kind: "feature", name: "city", value: "City 1" });
    expect(city.counts).toMatchObject({ predictions: 6 });
    expect(await countOf("predictions", `model = '${model}'`)).toBe(12);
    expect(await differences(model)).toBe(0);
  }, 60_000);

  it("takes dead letters and quarantine that name it", async () => {
    const model = "letters";
    const spool = harness.spool();
    const old = predictions(model, 3, { ts: 0 });
    await stored(spool, { predictions: old });
    const quarantine = {
      ...{ id: "q1", model, tag: "customer", values: ["a-value-of-somebody", "other"] },
      ...{ from: now, to: now + 1, columns: [], reason: "a-value-of-somebody is wrong" },
      ...{ finding: "{}", rows: 1, created: now, released: null, revision: 1, detail: "{}" },
    };
    await harness.store.insert("quarantine", [quarantine]);
    await erase(model, { kind: "prediction", id: id(model, 1) });
    expect(await countOf("dead_letters", `model = '${model}'`)).toBe(2);
    await erase(model, { kind: "tag", name: "customer", value: "a-value-of-somebody" });
    expect(await countOf("quarantine FINAL", "id = 'q1' AND has(values, 'other')")).toBe(1);
    expect(filesWith("a-value-of-somebody")).toEqual([]);
    expect(filesWith(id(model, 1))).toEqual([]);
  }, 60_000);
});
