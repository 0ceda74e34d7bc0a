/**
 * What the reading account may and may not do. The engine itself would let it read and write files.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ClickHouseLogLevel, type ClickHouseClient, createClient } from "@clickhouse/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EmbeddedEngine, startEmbeddedEngine } from "../../support/embedded-engine.ts";

let engine: EmbeddedEngine;
let reader: ClickHouseClient;

beforeAll(async () => {
  engine = await startEmbeddedEngine();
  reader = createClient({
    url: engine.url,
    username: engine.readUser,
    password: engine.readPassword,
    log: { level: ClickHouseLogLevel.OFF },
  });
  const statements = [
    "CREATE TABLE t (a UInt32, b String) ENGINE = MergeTree ORDER BY a",
    "INSERT INTO t VALUES (1, 'x'), (2, 'y')",
    "CREATE VIEW v AS SELECT a FROM t",
  ];
  for (const query of statements) await engine.client.command({ query });
  writeFileSync(join(engine.dataDirectory, "secret.csv"), "1,secret\n");
});

afterAll(async () => {
  await reader.close();
  await engine[Symbol.asyncDispose]();
});

describe("the reading account may", () => {
  it.each([
    "SELECT * FROM t WHERE b = 'a;b' OR b = 'INTO OUTFILE' -- ; DROP TABLE t",
    "WITH x AS (SELECT a FROM t) SELECT count() FROM x, numbers(3) AS n SETTINGS max_threads = 2",
    "SELECT a FROM v UNION ALL SELECT number FROM numbers(2)",
    "SELECT a FROM t SETTINGS additional_table_filters = {'t': 'a = 1'}",
    "SELECT a FROM t SETTINGS additional_table_filters = {'t': 'b IN (\\'x\\', \\'z\\')'}",
    "SELECT * FROM values('x UInt8', 1, 2)",
    "SHOW DATABASES",
    'SHOW TABLES FROM "default"',
    'DESC TABLE "default"."t"',
    "EXISTS TABLE t",
    "SHOW CREATE TABLE t",
    "EXPLAIN PLAN SELECT * FROM t",
    "SELECT name FROM system.columns WHERE table = 't'",
    "SELECT a, a FROM t",
  ])("run %s", async (query) => {
    const result = await reader.query({ query, format: "JSONCompactEachRow" });
    expect((await result.json()).length).toBeGreaterThanOrEqual(query.includes("OUTFILE") ? 0 : 1);
  });

  it("bind parameters and set how results look", async () => {
    const result = await reader.query({
      query: "SELECT {x: String} AS x, a FROM {t: Identifier} WHERE a = {a: UInt32}",
      query_params: { x: "it's", t: "t", a: 2 },
      format: "JSONEachRow",
      clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
    });
    expect(await result.json()).toEqual([{ x: "it's", a: 2 }]);
  });
});

describe("the reading account may not", () => {
  const secret = (): string => join(engine.dataDirectory, "secret.csv");

  it.each([
    ["read files", () => `SELECT * FROM file('${secret()}', 'CSV')`],
    ["read files in a subquery", () => `SELECT (SELECT any(c2) FROM file('${secret()}', 'CSV'))`],
    ["read files in a view()", () => `SELECT * FROM view(SELECT * FROM file('${secret()}'))`],
    ["read files by IN", () => `SELECT 1 IN file('${secret()}')`],
    ["read files by a function", () => `SELECT file('${secret()}')`],
    ["read files by quoting the name", () => `SELECT * FROM \`file\`('${secret()}')`],
    ["describe files", () => `DESCRIBE TABLE file('${secret()}')`],
    ["explain a reading of files", () => `EXPLAIN SELECT * FROM file('${secret()}')`],
    ["reach hosts", () => "SELECT * FROM url('http://127.0.0.1:9/', 'CSV', 'a UInt8')"],
    ["reach servers", () => "SELECT * FROM remote('127.0.0.1:9', system.one)"],
    ["run programs", () => "SELECT * FROM executable('x', 'TSV', 'a UInt8')"],
    ["insert", () => "INSERT INTO t VALUES (3, 'z')"],
    ["insert into a function", () => "INSERT INTO FUNCTION file('x.csv') SELECT 1"],
    ["create", () => "CREATE TABLE u (a UInt8) ENGINE = Memory"],
    ["create temporary tables", () => "CREATE TEMPORARY TABLE u (a UInt8)"],
    ["drop", () => "DROP TABLE t"],
    ["alter", () => "ALTER TABLE t DELETE WHERE 1"],
    ["kill", () => "KILL QUERY WHERE 1"],
    ["run system commands", () => "SYSTEM SHUTDOWN"],
    ["set", () => "SET readonly = 0"],
    ["explain an insert", () => "EXPLAIN AST INSERT INTO t VALUES (1, 'x')"],
    ["set what is not on the list", () => "SELECT 1 SETTINGS max_memory_usage = 0"],
    [
      "set it in a subquery",
      () => "SELECT * FROM (SELECT 1 SETTINGS max_threads = 1, readonly = 0)",
    ],
  ])("%s", async (_what, query) => {
    const asked = reader.query({ query: query(), format: "JSONEachRow" });
    await expect(asked).rejects.toMatchObject({ code: "497", type: "ACCESS_DENIED" });
  });

  it("write files", async () => {
    const path = join(engine.dataDirectory, "written.csv");
    const asked = reader.exec({ query: `SELECT 1 INTO OUTFILE '${path}' FORMAT CSV` });
    await expect(asked).rejects.toMatchObject({ code: "358" });
    expect(existsSync(path)).toBe(false);
  });

  it.each([
    "SELECT 1; DROP TABLE t",
    "SELECT * FROM (SELECT 1); SELECT 99",
    "SELECT 1 /* ' */; DROP TABLE t --'",
    "SHOW TABLES; DROP TABLE t",
  ])("send more than one statement: %s", async (query) => {
    await expect(reader.exec({ query })).rejects.toMatchObject({ code: "62" });
    expect(
      (await engine.client.query({ query: "EXISTS TABLE t", format: "TabSeparated" })).text,
    ).toBeDefined();
  });

  it("set by parameter of the request what is not on the list", async () => {
    const asked = reader.query({
      query: "SELECT 1",
      clickhouse_settings: { max_memory_usage: "0" },
    });
    await expect(asked).rejects.toMatchObject({ code: "164" });
  });

  it.each([
    ["a table's filter", "additional_table_filters", "{'t': 'throwIf(1, file(\\'PATH\\'))'}"],
    ["an escaped parenthesis", "additional_table_filters", "{'t': 'throwIf\\x281, b)'}"],
    ["a subquery", "additional_table_filters", "{'t': 'a IN (SELECT 1 FROM file(\\'PATH\\'))'}"],
    ["a comment", "additional_table_filters", "{'t': 'throwIf -- IN\n(1, b)'}"],
    ["the result's filter", "additional_result_filter", "throwIf(1, file('PATH'))"],
    ["a schema to write", "output_format_schema", "PATH.capnp"],
  ])("reach files by a setting: %s", async (_what, name, pattern) => {
    const value = pattern.replace("PATH", secret());
    const inUrl = new URL(engine.url);
    inUrl.searchParams.set(name, value);
    const literal = value.startsWith("{") ? value : `'${value.replaceAll("'", "\\'")}'`;
    for (const [url, query] of [
      [inUrl, "SELECT a FROM t"],
      [new URL(engine.url), `SELECT a FROM t SETTINGS ${name} = ${literal}`],
    ] as const) {
      const answer = await fetch(url, {
        method: "POST",
        body: query,
        headers: {
          "X-ClickHouse-User": engine.readUser,
          "X-ClickHouse-Key": engine.readPassword,
        },
      });
      const text = await answer.text();
      expect(text).toMatch(/may not (set|use parentheses in) "/);
      expect(text).not.toContain("1,secret");
    }
  });

  it.each([
    ["max_execution_time", "0", "60"],
    ["max_execution_time", "65", "60"],
    ["max_execution_time", "5", "5"],
    ["max_result_rows", "0", "1000000"],
    ["max_result_rows", "2", "2"],
    ["max_result_bytes", "1e12", "268435456"],
  ])("ask for more than its limits: of %s, %s, it gets %s", async (name, asked, got) => {
    const url = new URL(engine.url);
    url.searchParams.set(name, asked);
    const answer = await fetch(url, {
      method: "POST",
      body: `SELECT toString(getSetting('${name}'))`,
      headers: { "X-ClickHouse-User": engine.readUser, "X-ClickHouse-Key": engine.readPassword },
    });
    expect((await answer.text()).trim()).toBe(got);
  });

  it.each(["0", "61", "DEFAULT", "-1", "'1e9'"])(
    "say in a statement that it may run for longer: %s",
    async (seconds) => {
      const query = `SELECT count() FROM numbers(1000000000000) SETTINGS max_execution_time = ${seconds}`;
      const asked = reader.query({ query, format: "JSONEachRow" });
      await expect(asked).rejects.toMatchObject({ type: expect.stringMatching(/ACCESS|SYNTAX/) });
    },
  );

  it("run a query for ever, or take more rows than are read by anybody", async () => {
    const endless = reader.query({
      query: "SELECT count() FROM numbers(1000000000000) WHERE number % 7 = 8",
      format: "JSONEachRow",
      clickhouse_settings: { max_execution_time: 1 },
    });
    await expect(endless).rejects.toMatchObject({ code: "159", type: "TIMEOUT_EXCEEDED" });
    for (const format of ["JSONEachRow", "JSON"] as const) {
      const endlessly = reader
        .query({ query: "SELECT number FROM numbers(2000000)", format })
        .then((result) => result.text());
      await expect(endlessly).rejects.toThrow(
        /Limit for result exceeded|aborted|terminated|reset/i,
      );
    }
  });

  it.each([
    { limit: "1" },
    { offset: "3" },
    { max_result_rows: "1", result_overflow_mode: "break" },
    { max_rows_to_read: "1" },
    { additional_result_filter: "explain LIKE 'Select%'" },
    {
      session_timezone: "UTC",
      max_block_size: "1",
      max_result_rows: "1",
      result_overflow_mode: "break",
    },
  ])("hide a part of a statement from its judge by settings of results: %o", async (settings) => {
    const url = new URL(engine.url);
    for (const [name, value] of Object.entries(settings)) url.searchParams.set(name, value);
    const answer = await fetch(url, {
      method: "POST",
      body: `SELECT * FROM file('${secret()}', 'CSV')`,
      headers: { "X-ClickHouse-User": engine.readUser, "X-ClickHouse-Key": engine.readPassword },
    });
    const text = await answer.text();
    expect(text).toMatch(/may not call the function "file"/);
    expect(text).not.toContain("secret,");
  });

  it("have changed anything by all this", async () => {
    const result = await engine.client.query({
      query: "SELECT toUInt8(count()) AS n FROM t",
      format: "JSONEachRow",
    });
    expect(await result.json()).toEqual([{ n: 2 }]);
  });
});
