import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readManifest } from "../../../cli/archive/manifest.ts";
import { seededRandom } from "../../../runtime/random.ts";
import {
  type Harness,
  type RunningCollector,
  startHarness,
  until,
} from "../../collector/harness.ts";
import type { FakeSpool } from "../../collector/fake-spool.ts";
import {
  contentOf,
  dayName,
  fillDays,
  predictionsOf,
  rollupDifferences,
  runArchive,
  runErase,
  runProcess,
  runRestore,
} from "./stage.ts";

const SEED = 20261129;
let harness: Harness;
let collector: RunningCollector;
let spool: FakeSpool;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "driftmend-archive-"));
  harness = await startHarness();
  collector = await harness.collect();
  spool = await fillDays(harness, "m");
}, 120_000);
afterAll(async () => {
  await harness[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const place = (name: string): string => join(folder, name);
const before = dayName(2);
const oldRows = (): Promise<number> =>
  harness.count(`SELECT count() AS n FROM predictions WHERE toDate(ts) < '${dayName(2)}'`);
const rolled = (): Promise<number> =>
  harness.count("SELECT sum(n) AS n FROM model_days WHERE model = 'm' AND segment_tag = ''");

describe("archive and restore", () => {
  it("drops what was read back, and puts it back as it was, while rollups stay what they are", async () => {
    const was = await contentOf(harness, "predictions");
    expect(was.rows).toBe(404);
    const to = place("round");
    const planned = await runArchive(harness, to, {
      table: "predictions",
      before,
      drop: true,
      dryRun: true,
    });
    expect(planned.answer.partitions).toEqual([
      expect.objectContaining({ partition: dayName(6), state: "planned", drop: { kind: "yes" } }),
      expect.objectContaining({ partition: dayName(5), state: "planned", drop: { kind: "yes" } }),
    ]);
    expect(await readManifest(to)).toBeNull();

    const { code } = await runArchive(harness, to, { table: "predictions", before, drop: true });
    expect(code).toBe(0);
    expect(await oldRows()).toBe(0);
    expect(await rolled()).toBe(404);
    expect(await rollupDifferences(harness, "m")).toBe(0);

    // A late row of a dropped day, and a start that compares the hours of its group with raw.
    const late = predictionsOf("m", 5, 1).map((row) => ({ ...row, id: "late" }));
    const seq = await spool.send({ predictions: late });
    await until(() => spool.storedThrough === seq, "the late row is stored");
    await collector.stop();
    collector = await harness.collect();
    expect(await collector.metric("rollup_repairs_total")).toBe(0);
    expect(await rolled()).toBe(405);

    const restored = await runRestore(harness, to);
    expect(restored.answer.partitions).toEqual([
      {
        table: "predictions",
        partition: dayName(6),
        rows: 202,
        missing: 202,
        erased: 0,
        whole: true,
      },
      {
        table: "predictions",
        partition: dayName(5),
        rows: 202,
        missing: 202,
        erased: 0,
        whole: true,
      },
    ]);
    expect(await oldRows()).toBe(405);
    expect(await rollupDifferences(harness, "m")).toBe(0);
    const again = await runRestore(harness, to);
    expect(again.answer.partitions.map(({ missing }) => missing)).toEqual([0, 0]);
    expect(await oldRows()).toBe(405);
    await harness.engine.client.command({
      query:
        "ALTER TABLE driftmend.predictions DELETE WHERE id = 'late' SETTINGS mutations_sync = 1",
    });
    expect(await contentOf(harness, "predictions")).toEqual(was);
  }, 120_000);

  it("keeps a partition into which a group may be replayed, and says so", async () => {
    const { code, answer } = await runArchive(harness, place("replay"), {
      table: "predictions",
      before,
      drop: true,
    });
    // The late row's group is the newest.
    expect(code).toBe(1);
    const [first, second] = answer.partitions;
    expect(first).toMatchObject({ partition: dayName(6), drop: { kind: "yes" } });
    expect(second).toMatchObject({ partition: dayName(5), drop: { kind: "no" } });
    expect(JSON.stringify(second)).toContain("may be replayed");
    await runRestore(harness, place("replay"));
    expect(await oldRows()).toBe(404);
  }, 60_000);

  it("archives labels and outcomes as FINAL shows them, and one model of many", async () => {
    // Months end late: everything is asked for, of which nothing may be dropped.
    const soon = new Date(Date.now() + 40 * 86_400_000).toISOString();
    const to = place("labels");
    await runArchive(harness, to, { model: "m", before: soon });
    const manifest = await readManifest(to);
    const rowsOf = (table: string): number =>
      (manifest?.partitions ?? [])
        .filter((one) => one.table === table && one.model === "m")
        .reduce((sum, { rows }) => sum + rows, 0);
    expect([rowsOf("predictions"), rowsOf("labels"), rowsOf("outcomes")]).toEqual([404, 200, 200]);
    const labels = await contentOf(harness, "labels");
    const outcomes = await contentOf(harness, "outcomes");
    for (const table of ["labels", "outcomes"]) {
      await harness.engine.client.command({ query: `TRUNCATE TABLE driftmend.${table}` });
    }
    await runRestore(harness, to, { table: "labels" });
    await runRestore(harness, to, { table: "outcomes" });
    expect(await contentOf(harness, "labels")).toEqual(labels);
    expect(await contentOf(harness, "outcomes")).toEqual(outcomes);
    const hashes =
      "SELECT countIf(id_hash != reinterpretAsUInt128(sipHash128(id))) AS n FROM outcomes";
    expect(await harness.count(hashes)).toBe(0);
    const again = await runRestore(harness, to);
    expect(again.answer.partitions.map(({ missing }) => missing)).toEqual(
      again.answer.partitions.map(() => 0),
    );
  }, 60_000);

  it("names a damaged file and writes nothing", async () => {
    const to = place("damaged");
    await runArchive(harness, to, { table: "predictions", before });
    const [file] = readdirSync(join(to, "predictions"));
    const path = join(to, "predictions", file ?? "");
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    await expect(runRestore(harness, to)).rejects.toMatchObject({
      code: "archive_damaged",
      message: expect.stringContaining(`predictions/${file}`),
    });
    rmSync(path);
    await expect(runRestore(harness, to)).rejects.toThrow("it is not there");
  }, 60_000);

  it("refuses rows that retention would delete again, and columns that the table does not have", async () => {
    const to = place("refused");
    await runArchive(harness, to, { table: "predictions", before });
    const path = join(to, "manifest.json");
    const whole = readFileSync(path, "utf8");
    writeFileSync(path, whole.replaceAll(/"last": "\d{4}/g, '"last": "2020'));
    await expect(runRestore(harness, to)).rejects.toMatchObject({
      code: "archive_expired",
      next: expect.stringMatching(/retention: \{predictions: \d+\}/),
    });
    writeFileSync(path, whole.replace('"latency"', '"delay"'));
    await expect(runRestore(harness, to)).rejects.toMatchObject({ code: "archive_schema" });
    await expect(runArchive(harness, "s3://bucket/x", { before })).rejects.toMatchObject({
      code: "usage",
    });
  }, 60_000);

  it("keeps away what was erased since, and is rewritten without it", async () => {
    const to = place("erased");
    await runArchive(harness, to, { table: "predictions", before });
    await runArchive(harness, to, { table: "labels", before: "2299-01-01", model: "m" });
    const body = { model: "m", by: "test", reason: "", dryRun: false };
    const value = { kind: "tag", name: "customer", value: "c4" } as const;
    const { erasures } = collector.collector;
    expect((await erasures.erase({ ...body, what: value })).counts).toMatchObject({
      predictions: 40,
      labels: 20,
    });
    const restored = await runRestore(harness, to);
    expect(restored.answer.partitions.map(({ erased }) => erased)).toEqual(
      expect.arrayContaining([20, 20]),
    );
    expect(restored.answer.partitions.map(({ missing }) => missing)).toEqual(
      restored.answer.partitions.map(() => 0),
    );
    expect(
      await harness.count("SELECT count() AS n FROM predictions WHERE tags['customer'] = 'c4'"),
    ).toBe(0);

    await runErase(harness, { archive: to });
    const rowsOf = async (): Promise<number> =>
      (await readManifest(to))?.partitions.reduce((sum, { rows }) => sum + rows, 0) ?? 0;
    expect(await rowsOf()).toBe(604);
    await runErase(harness, { archive: to, yes: true });
    expect(await rowsOf()).toBe(544);
    const files = readdirSync(join(to, "predictions"));
    expect(files).toHaveLength(2);
    const again = await runRestore(harness, to);
    expect(again.answer.partitions.map(({ erased }) => erased)).toEqual(
      again.answer.partitions.map(() => 0),
    );
  }, 60_000);

  it(`comes to the same end over kills at any moment (seed ${SEED})`, async () => {
    const random = seededRandom(SEED);
    const was = await contentOf(harness, "predictions");
    const to = place("killed");
    const words = ["archive", "--table", "predictions", "--before", before, "--to", to, "--drop"];
    for (let round = 0; round < 3; round++) {
      await runProcess(harness, words, 500 + random.integer(900));
      const manifest = await readManifest(to);
      // Whole or not there, and nothing is dropped before it is.
      if (manifest === null) expect(await contentOf(harness, "predictions")).toEqual(was);
    }
    await runProcess(harness, words);
    expect(
      readdirSync(join(to, "predictions")).filter((name) => !name.endsWith(".parquet")),
    ).toEqual([]);
    for (let round = 0; round < 3; round++) {
      await runProcess(harness, ["restore", to], 500 + random.integer(900));
    }
    expect(await runProcess(harness, ["restore", to])).toBe(0);
    expect(await contentOf(harness, "predictions")).toEqual(was);
  }, 120_000);
});
