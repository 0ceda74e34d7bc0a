/**
 * Killed between the token and the part (storage of a MergeTree without replication), an insert is
 * remembered and lost. The files are left here as such a kill leaves them, at each of the three
 * points.
 */
import { globSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  TAIL_RECORDS,
  decideRepair,
  parseLog,
  parsePartName,
  repairDeduplicationLogs,
} from "../../../store/embedded/repair-deduplication-log.ts";
import { type EmbeddedEngine, startEmbeddedEngine } from "../../support/embedded-engine.ts";

const WINDOW = "SETTINGS non_replicated_deduplication_window = 1000";

async function createTables(engine: EmbeddedEngine): Promise<void> {
  const statements = [
    `CREATE TABLE raw (p UInt8, a UInt32) ENGINE = MergeTree PARTITION BY p ORDER BY a ${WINDOW}`,
    `CREATE TABLE rollup (p UInt8, n UInt64) ENGINE = SummingMergeTree ORDER BY p ${WINDOW}`,
    "CREATE MATERIALIZED VIEW raw_rollup TO rollup AS SELECT p, count() AS n FROM raw GROUP BY p",
  ];
  for (const query of statements) await engine.client.command({ query });
}

/** Two partitions and a view's target: one insert makes three parts, in this order. */
async function insertGroup(engine: EmbeddedEngine, group: number): Promise<void> {
  await engine.client.insert({
    table: "raw",
    values: Array.from({ length: 2_000 }, (_, i) => ({ p: i % 2, a: group * 10_000 + i })),
    format: "JSONEachRow",
    clickhouse_settings: {
      insert_deduplication_token: `d/0/${group}`,
      deduplicate_blocks_in_dependent_materialized_views: 1,
    },
  });
}

async function counts(engine: EmbeddedEngine): Promise<Record<string, number>> {
  const result = await engine.client.query({
    query: `SELECT toUInt32(countIf(p = 0)) AS p0, toUInt32(countIf(p = 1)) AS p1,
                   toUInt32((SELECT sum(n) FROM rollup)) AS rollup FROM raw`,
    format: "JSONEachRow",
  });
  const [row] = await result.json<Record<string, number>>();
  return row ?? {};
}

const POINTS = ["first raw part", "second raw part", "rollup part"] as const;

/** Takes away what the kill prevented: parts from `point` on, and the tokens written after it. */
function leaveAsKilledAt(point: (typeof POINTS)[number], engineDirectory: string): void {
  const logs = globSync(join(engineDirectory, "store/*/*/deduplication_logs/*.txt"));
  const adds = (log: string) =>
    parseLog(readFileSync(log, "utf8")).filter((record) => record.operation === "add");
  const raw = logs.find((log) => adds(log).length === 4);
  const rollup = logs.find((log) => adds(log).length === 2);
  if (raw === undefined || rollup === undefined) throw new Error(`unexpected logs: ${logs.join()}`);
  const newest = [
    ...adds(raw)
      .slice(-2)
      .map((r) => ({ log: raw, ...r })),
    { log: rollup, ...adds(rollup)[1] },
  ];
  const at = POINTS.indexOf(point);
  newest.forEach(({ log, part, line }, i) => {
    if (i < at || part === undefined || line === undefined) return;
    // The part itself never came to be: it is still called tmp_insert_….
    const folder = dirname(dirname(log));
    renameSync(join(folder, part), join(folder, `tmp_insert_${part}`));
    // Tokens of later parts were not written yet.
    if (i > at) writeFileSync(log, readFileSync(log, "utf8").replace(`${line}\n`, ""));
  });
}

describe("an insert that was killed between its token and its part", () => {
  it.each(POINTS)("at the %s is stored by the replay, thanks to the repair", async (point) => {
    await using engine = await startEmbeddedEngine();
    await createTables(engine);
    await insertGroup(engine, 1);
    await insertGroup(engine, 2);
    await engine.kill();
    leaveAsKilledAt(point, join(engine.dataDirectory, "engine"));
    await engine.restart();
    await insertGroup(engine, 1);
    await insertGroup(engine, 2);
    expect(await counts(engine)).toEqual({ p0: 2_000, p1: 2_000, rollup: 4_000 });
  });

  it("is lost for ever without the repair", async () => {
    await using engine = await startEmbeddedEngine();
    await createTables(engine);
    await insertGroup(engine, 1);
    await insertGroup(engine, 2);
    await engine.kill();
    const directory = join(engine.dataDirectory, "engine");
    leaveAsKilledAt("first raw part", directory);
    const untouched = globSync(join(directory, "store/*/*/deduplication_logs/*.txt")).map(
      (path) => ({
        path,
        text: readFileSync(path, "utf8"),
      }),
    );
    // The guard runs at every start, so it is turned off by putting the token back behind it.
    await engine.restart();
    await engine.stop();
    for (const { path, text } of untouched) writeFileSync(path, text);
    const { Session } = await import("chdb");
    const session = new Session(directory);
    const rows = "SELECT number % 2, 20000 + number FROM numbers(2000)";
    await session.queryAsync(
      `INSERT INTO default.raw SETTINGS insert_deduplication_token = 'd/0/2' ${rows}`,
    );
    const count = await session.queryAsync("SELECT count() FROM default.raw WHERE p = 0", {
      format: "CSV",
    });
    session.close();
    expect(count.text().trim()).toBe("1000");
  });

  it("leaves a clean directory as it is", async () => {
    await using engine = await startEmbeddedEngine();
    await createTables(engine);
    await insertGroup(engine, 1);
    await engine.client.command({ query: "OPTIMIZE TABLE raw FINAL" });
    await engine.stop();
    const report = await repairDeduplicationLogs(join(engine.dataDirectory, "engine"));
    expect(report).toEqual({ logs: 2, repaired: [] });
  });
});

describe("the decision", () => {
  const add = (part: string) => ({ line: `1\t${part}\tx`, operation: "add" as const, part });
  const drop = (part: string) => ({ line: `2\t${part}\tx`, operation: "drop" as const, part });
  const parts = (...names: string[]) =>
    names.map(parsePartName).filter((range) => range !== undefined);

  it("keeps tokens of parts that are there, merged away or dropped on purpose", () => {
    const records = [add("0_1_1_0"), add("0_2_2_0"), add("1_3_3_0"), drop("1_3_3_0")];
    expect(decideRepair(records, parts("0_1_2_1"))).toMatchObject({ kind: "intact" });
  });

  it("drops the token above the highest visible block of its partition", () => {
    const records = [add("0_1_1_0"), add("1_1_1_0"), add("1_2_2_0")];
    const decision = decideRepair(records, parts("0_1_1_0", "1_1_1_0"));
    expect(decision).toMatchObject({ kind: "repair", drop: [{ part: "1_2_2_0" }] });
  });

  it("drops a new token although another writer has finished a later block", () => {
    const records = [add("0_1_1_0"), add("0_2_2_0"), add("0_3_3_0")];
    const decision = decideRepair(records, parts("0_1_1_0", "0_3_3_0"));
    expect(decision).toMatchObject({ kind: "repair", drop: [{ part: "0_2_2_0" }] });
  });

  it("keeps an old token whose part has vanished below later ones", () => {
    const later = Array.from({ length: TAIL_RECORDS }, (_, i) => `0_${i + 2}_${i + 2}_0`);
    const records = [add("0_1_1_0"), ...later.map(add)];
    expect(decideRepair(records, parts(...later))).toMatchObject({ kind: "intact" });
  });

  it("drops a line that the kill has torn", () => {
    const records = parseLog("1\t0_1_1_0\tx\n1\t0_2_2");
    expect(decideRepair(records, parts("0_1_1_0"))).toMatchObject({
      kind: "repair",
      drop: [{ operation: "torn" }],
    });
  });

  it("takes no temporary folder for a part", () => {
    const names = ["tmp_insert_0_1_1_0", "detached", "delete_tmp_0_1_1_0", "format_version.txt"];
    expect(names.map(parsePartName)).toEqual(names.map(() => undefined));
    expect(parsePartName("20260101_3_7_2_9")).toEqual({ partition: "20260101", min: 3, max: 7 });
  });

  it("never drops a token whose part is visible, and always one that is above all", () => {
    const block = fc.record({ partition: fc.constantFrom("0", "1"), stored: fc.boolean() });
    fc.assert(
      fc.property(fc.array(block, { maxLength: 200 }), (blocks) => {
        const names = blocks.map(({ partition }, i) => `${partition}_${i}_${i}_0`);
        const stored = names.filter((_, i) => blocks[i]?.stored === true);
        const decision = decideRepair(names.map(add), parts(...stored));
        const dropped = decision.kind === "repair" ? decision.drop.map(({ part }) => part) : [];
        expect(dropped.filter((part) => stored.includes(part))).toEqual([]);
        const last = names.at(-1);
        if (last !== undefined && !stored.includes(last)) expect(dropped).toContain(last);
      }),
    );
  });

  it("reads what this engine writes", async () => {
    await using engine = await startEmbeddedEngine();
    await createTables(engine);
    await insertGroup(engine, 1);
    await engine.client.command({ query: "ALTER TABLE raw DROP PARTITION 0" });
    await engine.kill();
    const store = join(engine.dataDirectory, "engine/store");
    const logs = globSync(join(store, "*/*/deduplication_logs/*.txt"));
    const records = logs.flatMap((log) => parseLog(readFileSync(log, "utf8")));
    expect(records.map(({ operation }) => operation).sort()).toEqual(["add", "add", "add", "drop"]);
    for (const log of logs) {
      const folders = readdirSync(dirname(dirname(log)));
      const known = parseLog(readFileSync(log, "utf8"));
      const gone = known.filter((r) => r.operation === "drop").map((r) => r.part);
      for (const { part } of known) expect(folders.includes(part)).toBe(!gone.includes(part));
      expect(basename(log)).toMatch(/^deduplication_log_\d+\.txt$/);
    }
  });
});
