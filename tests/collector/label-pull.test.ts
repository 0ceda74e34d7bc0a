/** Labels fetched by a real collector from tables, files and an object store, through a real agent. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { count } from "../../store/column-schemas.ts";
import { defineQuery } from "../../store/define-query.ts";
import { LABEL_SOURCES, vetLabelStatement } from "../../store/label-source.ts";
import { labelPulls } from "../../store/queries/label-pull.ts";
import { type AgentProcess, startAgentProcess } from "../agent/agent-process.ts";
import { startObjectStore } from "../support/object-store.ts";
import { type Harness, type RunningCollector, startHarness, until } from "./harness.ts";

const secrets = { secret_table: "chargebacks" };
let harness: Harness;
let running: RunningCollector;
let agent: AgentProcess;
let folder: string;
beforeAll(async () => {
  harness = await startHarness();
  running = await harness.collect({ secrets });
  folder = mkdtempSync(join(tmpdir(), "driftmend-pull-"));
  agent = await startAgent();
  await command(
    "CREATE TABLE chargebacks (payment String, verdict String, seen DateTime64(3, 'UTC'), correction UInt8) ENGINE = MergeTree ORDER BY payment",
  );
}, 60_000);
afterAll(async () => {
  await agent.kill();
  await harness[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const startAgent = (): Promise<AgentProcess> =>
  startAgentProcess(join(folder, "agent"), {
    DRIFTMEND_NATS_URL: `nats://${harness.nats.connection.getServer()}`,
    DRIFTMEND_SHARDS: "1",
  });

async function command(sql: string): Promise<void> {
  await harness.engine.client.command({
    query: sql,
    clickhouse_settings: { database: "driftmend" } as never,
  });
}

let revision = 0;
async function document(model: string, pull: object): Promise<void> {
  const whole = {
    apiVersion: "driftmend/v1",
    kind: "Model",
    metadata: { name: model },
    task: { type: "binary" },
    labels: { pull: { every: "1h", ...pull } },
  };
  await harness.store.insert("models", [
    { model, document: JSON.stringify(whole), status: "active", revision: ++revision },
  ]);
  await running.collector.book.refresh(model);
}

/** As when the time of the next pull has come: the last one was two hours ago. */
async function pull(model: string): Promise<z.output<typeof labelPulls.row>> {
  const before = (await harness.store.query(labelPulls, {})).find((row) => row.model === model);
  if (before !== undefined) {
    await command(`DELETE FROM label_pulls WHERE model = '${model}'`);
    await harness.store.insert("label_pulls", [{ ...before, ran: before.ran - 2 * 3_600_000 }]);
  }
  await running.collector.labels.puller.run(new AbortController().signal);
  const rows = await harness.store.query(labelPulls, {});
  return rows.find((row) => row.model === model) ?? expect.fail("nothing was pulled");
}

const labelsOf = defineQuery({
  name: "labels of a model",
  params: z.object({ model: z.string() }),
  row: z.object({ id: z.string(), label: z.string(), revision: count }),
  sql: "SELECT id, toString(label) AS label, revision FROM labels FINAL WHERE model = {model:String} ORDER BY id",
});
async function stored(model: string, wanted: readonly string[]): Promise<void> {
  let last: readonly string[] = [];
  await until(
    async () => {
      const rows = await harness.store.query(labelsOf, { model });
      last = rows.map(({ id, label, revision: n }) => `${id} ${label} ${n}`);
      return JSON.stringify(last) === JSON.stringify(wanted);
    },
    `labels of ${model} are ${wanted.join(", ")}; they are ${last.join(", ")}`,
  );
}

const second = Math.floor(Date.now() / 1000) * 1000;
const ago = (minutes: number): string =>
  `fromUnixTimestamp64Milli(toInt64(${second - minutes * 60_000}))`;

describe("labels.pull by a statement", () => {
  const model = "by sql";
  const sql =
    "SELECT payment AS prediction_id, verdict AS label, seen AS time, correction AS revision FROM driftmend.chargebacks";

  it("fetches what there is, then what is new, corrected, or was committed late", async () => {
    await document(model, { sql });
    await command(
      `INSERT INTO chargebacks VALUES ('a', 'fraud', ${ago(300)}, 0), ('b', 'legit', ${ago(200)}, 0)`,
    );
    expect(await pull(model)).toMatchObject({ rows: 2, rows_total: 2, refused: 0, error: "" });
    await stored(model, ["a fraud 0", "b legit 0"]);
    // An hour before the newest is looked at again; what is older is not.
    await command(
      `INSERT INTO chargebacks VALUES ('b', 'fraud', ${ago(100)}, 1), ('late', 'legit', ${ago(250)}, 0), ('older', 'legit', ${ago(290)}, 0)`,
    );
    const again = await pull(model);
    expect(again).toMatchObject({ rows: 3, rows_total: 5, watermark: second - 100 * 60_000 });
    await stored(model, ["a fraud 0", "b fraud 1", "late legit 0"]);
  });

  it("is not due before its time, and goes on elsewhere from where it came to", async () => {
    await running.collector.labels.puller.run(new AbortController().signal);
    const [before] = await harness.store.query(labelPulls, {});
    expect(before?.rows_total).toBe(5);
    await running.stop();
    running = await harness.collect({ secrets, instance: "another" });
    await command(`INSERT INTO chargebacks VALUES ('c', 'fraud', ${ago(90)}, 0)`);
    expect(await pull(model)).toMatchObject({ rows: 2, rows_total: 7 });
    await stored(model, ["a fraud 0", "b fraud 1", "c fraud 0", "late legit 0"]);
  });

  it("sees the watermark, and a secret that stands in no document", async () => {
    const name = "by parameters";
    await document(name, {
      sql: `SELECT payment AS id, verdict AS label, seen AS time FROM merge('driftmend', {secret_table:String})
        WHERE seen > {watermark:DateTime64(3, 'UTC')} - INTERVAL 1 DAY`,
    });
    expect(await pull(name)).toMatchObject({ rows: 6, error: "" });
  });

  it("counts rows that are no labels and takes the others", async () => {
    const name = "with gaps";
    await document(name, {
      sql: `SELECT '' AS prediction_id, 'x' AS label, ${ago(5)} AS time UNION ALL SELECT 'a', 'x', ${ago(4)}`,
    });
    const row = await pull(name);
    expect(row).toMatchObject({ rows: 2, refused: 1, failures: 0 });
    expect(row.error).toContain("prediction_id is missing");
    await stored(name, ["a x 0"]);
  });

  it("that fails says why, keeps its place and is tried again later and later", async () => {
    const name = "broken";
    await document(name, { sql: "SELECT 1 AS prediction_id, 'x' AS label FROM nowhere" });
    const row = await pull(name);
    expect(row).toMatchObject({ rows: 0, failures: 1, pulled: 0 });
    expect(row.error).toContain("nowhere");
    expect(row.error).toContain("label_pull_failed");
    expect((await pull(name)).failures).toBe(2);
  });

  it("never writes down a secret, though the engine quotes it", async () => {
    const name = "secret";
    const sql = "SELECT * FROM merge('driftmend', concat({secret_table:String}, '_nowhere'))";
    await document(name, { sql });
    const { error } = await pull(name);
    expect(error).not.toBe("");
    expect(error).not.toContain(secrets.secret_table);
  });

  it("waits for an agent, and loses nothing meanwhile", async () => {
    await agent.kill();
    await command(`INSERT INTO chargebacks VALUES ('d', 'fraud', ${ago(80)}, 0)`);
    const without = await pull(model);
    expect(without).toMatchObject({ failures: 1, watermark: second - 90 * 60_000 });
    expect(without.error).toContain("label_pull_failed");
    agent = await startAgent();
    await until(async () => (await agent.self()).natsConnected, "the agent is connected");
    expect(await pull(model)).toMatchObject({ failures: 0, error: "" });
    await stored(model, ["a fraud 0", "b fraud 1", "c fraud 0", "d fraud 0", "late legit 0"]);
  });
});

describe("labels.pull from Parquet", () => {
  const parquet = (path: string, id: string) =>
    command(
      `INSERT INTO FUNCTION file('${path}', 'Parquet') SELECT '${id}' AS prediction_id, 'yes' AS label, ${ago(10)} AS time`,
    );

  it("reads every file that its pattern names", async () => {
    await parquet(join(folder, "one.parquet"), "1");
    await parquet(join(folder, "two.parquet"), "2");
    await document("files", { file: join(folder, "*.parquet") });
    expect(await pull("files")).toMatchObject({ rows: 2, error: "" });
    await stored("files", ["1 yes 0", "2 yes 0"]);
  });

  it("reads them from an object store", async () => {
    await using bucket = await startObjectStore();
    await parquet(join(folder, "three.parquet"), "3");
    bucket.objects.set("2026/three.parquet", readFileSync(join(folder, "three.parquet")));
    await document("objects", { file: `${bucket.url}2026/*.parquet` });
    expect(await pull("objects")).toMatchObject({ rows: 1, error: "" });
    await stored("objects", ["3 yes 0"]);
  });
});

describe("a statement of labels.pull", () => {
  it.each([
    ["INSERT INTO labels SELECT 1", "may only read"],
    ["DROP TABLE labels", "may only read"],
    ["SELECT 1 INTO OUTFILE '/tmp/x'", "INTO OUTFILE is not allowed"],
    ["SELECT 1; SELECT 2", "formatQuery"],
    ["SELECT * FROM executable('x', 'TSV', 'a String')", 'may not call the function "executable"'],
    ["SELECT * FROM url('http://x', 'CSV')", 'may not call the function "url"'],
    ["SELECT {password:String}", "placeholder {password"],
  ])("%j is refused", async (sql, why) => {
    const allowed = LABEL_SOURCES.filter((name) => name !== "url");
    const vetted = vetLabelStatement(harness.store, sql, allowed, { watermark: 0, ...secrets });
    await expect(vetted).rejects.toThrow(why);
  });
});
