/**
 * The endpoint as @clickhouse/client sees it. Nothing here is asked for that a ClickHouse server
 * has not: with CLICKHOUSE_URL (and CLICKHOUSE_USER, CLICKHOUSE_PASSWORD) it runs against one.
 */
import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { processEnvironment } from "../../../runtime/env.ts";
import { type EmbeddedEngine, startEmbeddedEngine } from "../../support/embedded-engine.ts";

const env = processEnvironment();
const serverUrl = env["CLICKHOUSE_URL"];
const database = `client_${randomUUID().replaceAll("-", "")}`;
let engine: EmbeddedEngine | undefined;
let client: ClickHouseClient;
let connect: (options?: object) => ClickHouseClient;

beforeAll(async () => {
  engine = serverUrl === undefined ? await startEmbeddedEngine() : undefined;
  const account = {
    url: engine?.url ?? serverUrl ?? "",
    username: engine?.user ?? env["CLICKHOUSE_USER"] ?? "default",
    password: engine?.password ?? env["CLICKHOUSE_PASSWORD"] ?? "",
    log: { level: ClickHouseLogLevel.OFF },
  };
  const admin = createClient(account);
  await admin.command({ query: `CREATE DATABASE ${database}` });
  await admin.close();
  connect = (options = {}) => createClient({ ...account, database, ...options });
  client = connect();
});

afterAll(async () => {
  await client.command({ query: `DROP DATABASE ${database}` });
  await client.close();
  await engine?.[Symbol.asyncDispose]();
});

async function newTable(columns: string): Promise<string> {
  const name = `t_${randomUUID().replaceAll("-", "")}`;
  await client.command({
    query: `CREATE TABLE ${name} (${columns}) ENGINE = MergeTree ORDER BY a`,
  });
  return name;
}

async function rows<T>(query: string, options: object = {}): Promise<T[]> {
  const result = await client.query({ query, format: "JSONEachRow", ...options });
  return result.json<T>();
}

describe("questions", () => {
  it("answers a ping and a query as a ping", async () => {
    expect(await client.ping()).toEqual({ success: true });
    expect(await client.ping({ select: true })).toEqual({ success: true });
  });

  it("binds parameters of many types, quotes, tabs, line ends and NULL included", async () => {
    const [row] = await rows(
      `SELECT {s: String} AS s, {n: Nullable(String)} AS n, {i: Int64} AS i, {f: Float64} AS f,
              {d: DateTime64(3, 'UTC')} AS d, {a: Array(String)} AS a, {m: Map(String, UInt8)} AS m,
              {b: Bool} AS b`,
      {
        query_params: {
          s: 'it\'s a "tab"\t, a \\ and a\nline: ünï',
          n: null,
          i: -5,
          f: 0.25,
          d: new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678)),
          a: ["x", "y'z"],
          m: new Map([["k", 3]]),
          b: true,
        },
      },
    );
    expect(row).toEqual({
      s: 'it\'s a "tab"\t, a \\ and a\nline: ünï',
      n: null,
      i: -5,
      f: 0.25,
      d: "2026-01-02 03:04:05.678",
      a: ["x", "y'z"],
      m: { k: 3 },
      b: true,
    });
  });

  it("binds parameters that are too long for a URL", async () => {
    const long = "x".repeat(100_000);
    const found = await rows<{ n: number }>("SELECT length({s: String}) AS n", {
      query_params: { s: long },
      use_multipart_params: true,
    });
    expect(Number(found[0]?.n)).toBe(long.length);
  });

  it("applies settings of a request to this request only", async () => {
    const query = "SELECT getSetting('max_block_size') AS n";
    const [first] = await rows<{ n: string }>(query, {
      clickhouse_settings: { max_block_size: "7" },
    });
    const [second] = await rows<{ n: string }>(query);
    expect(Number(first?.n)).toBe(7);
    expect(Number(second?.n)).not.toBe(7);
  });

  it("reads the same rows in every format", async () => {
    const query = "SELECT number AS a, toString(number) AS b FROM numbers(3)";
    const ask = async (format: "JSON" | "JSONCompactEachRow" | "CSV" | "TabSeparatedWithNames") =>
      client.query({ query, format });
    expect(await (await ask("JSON")).json()).toMatchObject({
      meta: [
        { name: "a", type: "UInt64" },
        { name: "b", type: "String" },
      ],
      rows: 3,
    });
    expect(await (await ask("JSONCompactEachRow")).json()).toEqual(
      [0, 1, 2].map((a) => [expect.anything(), String(a)]),
    );
    expect(await (await ask("CSV")).text()).toBe('0,"0"\n1,"1"\n2,"2"\n');
    expect(await (await ask("TabSeparatedWithNames")).text()).toBe("a\tb\n0\t0\n1\t1\n2\t2\n");
  });

  it("streams a large result without holding it", async () => {
    const result = await client.query({
      query: "SELECT number AS a, repeat('x', 100) AS b FROM numbers(300000)",
      format: "JSONEachRow",
    });
    let count = 0;
    let sum = 0;
    for await (const chunk of result.stream<{ a: string | number }>()) {
      for (const row of chunk) {
        count += 1;
        sum += Number(row.json<{ a: string | number }>().a);
      }
    }
    expect({ count, sum }).toEqual({ count: 300_000, sum: (300_000 * 299_999) / 2 });
  });

  it("compresses replies and takes compressed requests", async () => {
    const compressed = connect({ compression: { request: true, response: true } });
    try {
      const table = await newTable("a UInt32, b String");
      const values = Array.from({ length: 5_000 }, (_, a) => ({ a, b: `row ${a}` }));
      await compressed.insert({ table, values, format: "JSONEachRow" });
      const result = await compressed.query({
        query: `SELECT * FROM ${table} ORDER BY a`,
        format: "JSONEachRow",
      });
      expect(result.response_headers["content-encoding"]).toBe("gzip");
      expect(await result.json()).toEqual(values);
    } finally {
      await compressed.close();
    }
  });

  it("keeps temporary tables within a session, and out of other requests", async () => {
    const session_id = randomUUID();
    await client.command({
      query: "CREATE TEMPORARY TABLE mine (a UInt8) ENGINE = Memory",
      session_id,
    });
    await client.command({ query: "INSERT INTO mine VALUES (1), (2)", session_id });
    expect(await rows("SELECT sum(a) AS s FROM mine", { session_id })).toEqual([
      { s: expect.anything() },
    ]);
    await expect(rows("SELECT sum(a) AS s FROM mine")).rejects.toMatchObject({ code: "60" });
  });
});

describe("inserts", () => {
  it("stores rows given as values", async () => {
    const table = await newTable("a UInt32, b Array(String)");
    const result = await client.insert({
      table,
      values: [
        { a: 1, b: ["x"] },
        { a: 2, b: [] },
      ],
      format: "JSONEachRow",
    });
    expect(result.summary?.written_rows).toBe("2");
    expect(await rows(`SELECT * FROM ${table} ORDER BY a`)).toEqual([
      { a: 1, b: ["x"] },
      { a: 2, b: [] },
    ]);
  });

  it("stores a stream of rows", async () => {
    const table = await newTable("a UInt32");
    const values = Readable.from(
      (function* () {
        for (let a = 0; a < 50_000; a++) yield { a };
      })(),
      { objectMode: true },
    );
    await client.insert({ table, values, format: "JSONEachRow" });
    expect(await rows(`SELECT count() AS n, sum(a) AS s FROM ${table}`)).toEqual([
      { n: expect.anything(), s: expect.anything() },
    ]);
    const [row] = await rows<{ n: string }>(`SELECT toString(count()) AS n FROM ${table}`);
    expect(row?.n).toBe("50000");
  });

  it.each(["Native", "Parquet", "RowBinary", "CSVWithNames", "ArrowStream", "JSONCompactEachRow"])(
    "takes back in %s what it gave out in it",
    async (format) => {
      const columns = "a UInt32, b String, c Nullable(Float64), d Map(String, Float64)";
      const [from, to] = [await newTable(columns), await newTable(columns)];
      await client.command({
        query: `INSERT INTO ${from} SELECT number, toString(number), if(number % 3 = 0, NULL, number / 7), map('k', number) FROM numbers(20000)`,
      });
      const read = await client.exec({
        query: `SELECT * FROM ${from} ORDER BY a FORMAT ${format}`,
      });
      const bytes = await buffer(read.stream);
      await client.exec({
        query: `INSERT INTO ${to} FORMAT ${format}`,
        values: Readable.from([bytes], { objectMode: false }),
      });
      const sums = (table: string): Promise<unknown[]> =>
        rows(
          `SELECT count() AS n, sum(cityHash64(a, b, ifNull(c, -1.5), toString(d))) AS h FROM ${table}`,
        );
      expect(await sums(to)).toEqual(await sums(from));
    },
  );

  it("stores a statement that carries its own values", async () => {
    const table = await newTable("a UInt32, b String");
    await client.command({ query: `INSERT INTO ${table} (b, a) VALUES ('x;y', 1), ('FORMAT', 2)` });
    expect(await rows(`SELECT a, b FROM ${table} ORDER BY a`)).toEqual([
      { a: 1, b: "x;y" },
      { a: 2, b: "FORMAT" },
    ]);
  });

  it("stores what a SELECT over input() makes of the data", async () => {
    const table = await newTable("a UInt32, b String");
    await client.exec({
      query: `INSERT INTO ${table} SELECT x * {k: UInt8}, upper(y) FROM input('x UInt32, y String') WHERE x > 1 FORMAT JSONEachRow`,
      query_params: { k: 10 },
      values: Readable.from(['{"x":1,"y":"a"}\n{"x":2,"y":"b"}\n{"x":3,"y":"c"}\n'], {
        objectMode: false,
      }),
    });
    expect(await rows(`SELECT * FROM ${table} ORDER BY a`)).toEqual([
      { a: 20, b: "B" },
      { a: 30, b: "C" },
    ]);
  });

  it("stores an insert once when it is sent again under its token", async () => {
    const table = `t_${randomUUID().replaceAll("-", "")}`;
    await client.command({
      query: `CREATE TABLE ${table} (a UInt32) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100`,
    });
    const send = (token: string): Promise<unknown> =>
      client.insert({
        table,
        values: [{ a: 1 }],
        format: "JSONEachRow",
        clickhouse_settings: { insert_deduplication_token: token, async_insert: 0 },
      });
    await send("one");
    await send("one");
    await send("two");
    expect(await rows(`SELECT toUInt8(count()) AS n FROM ${table}`)).toEqual([{ n: 2 }]);
  });

  it("stores nothing of an upload that breaks off", async () => {
    const table = await newTable("a UInt32");
    const abort = new AbortController();
    const values = Readable.from(
      (async function* () {
        for (let a = 0; a < 10_000; a++) yield { a };
        abort.abort();
        await new Promise<never>(() => undefined);
      })(),
      { objectMode: true },
    );
    await expect(
      client.insert({ table, values, format: "JSONEachRow", abort_signal: abort.signal }),
    ).rejects.toThrow(/abort/i);
    expect(await rows(`SELECT toUInt32(count()) AS n FROM ${table}`)).toEqual([{ n: 0 }]);
  });

  it("refuses data that does not fit with the row that is wrong, and stores none of it", async () => {
    const table = await newTable("a UInt32");
    const insert = client.insert({
      table,
      values: [{ a: 1 }, { a: "no number" }],
      format: "JSONEachRow",
    });
    await expect(insert).rejects.toMatchObject({ type: expect.stringMatching(/PARSE|INCORRECT/) });
    expect(await rows(`SELECT toUInt32(count()) AS n FROM ${table}`)).toEqual([{ n: 0 }]);
  });
});

describe("errors", () => {
  it.each([
    ["SELEC 1", "62", "SYNTAX_ERROR"],
    ["SELECT * FROM no_such_table", "60", "UNKNOWN_TABLE"],
    ["SELECT no_such_column", "47", "UNKNOWN_IDENTIFIER"],
    ["SELECT no_such_function(1)", "46", "UNKNOWN_FUNCTION"],
    ["SELECT throwIf(1)", "395", "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"],
    ["SELECT 1; SELECT 2", "62", "SYNTAX_ERROR"],
    ["SELECT {missing: UInt8}", "456", "UNKNOWN_QUERY_PARAMETER"],
  ])("gives %s its code", async (query, code, type) => {
    await expect(client.query({ query, format: "JSONEachRow" })).rejects.toMatchObject({
      code,
      type,
    });
  });

  it("refuses a wrong password and a setting that does not exist", async () => {
    const stranger = connect({ password: "wrong" });
    try {
      await expect(stranger.query({ query: "SELECT 1" })).rejects.toMatchObject({ code: "516" });
    } finally {
      await stranger.close();
    }
    const unknown = { no_such_setting: "1" } as Record<string, string>;
    await expect(
      client.query({ query: "SELECT 1", clickhouse_settings: unknown }),
    ).rejects.toMatchObject({ code: "115" });
  });

  it("ends a query at its time limit", async () => {
    const query = "SELECT sum(cityHash64(number)) FROM numbers(100000000000)";
    await expect(
      client.query({ query, clickhouse_settings: { max_execution_time: 1 } }),
    ).rejects.toMatchObject({ code: "159" });
  });

  it("tells of an error in mid-stream instead of a shorter result", async () => {
    const result = await client.query({
      query: "SELECT number, throwIf(number = 900000) AS t FROM numbers(1000000)",
      format: "JSONEachRow",
      clickhouse_settings: { max_block_size: "10000" },
    });
    const read = async (): Promise<number> => {
      let count = 0;
      for await (const chunk of result.stream()) count += chunk.length;
      return count;
    };
    await expect(read()).rejects.toThrow(/throwIf|terminated|aborted|reset/i);
  });
});

describe("cancellation", () => {
  const running = (id: string): Promise<{ n: number }[]> =>
    rows(
      "SELECT toUInt32(count()) AS n FROM system.processes WHERE query LIKE {p: String} AND query NOT LIKE '%processes%'",
      { query_params: { p: `%${id}%` } },
    );

  it.each([
    ["computing", "SELECT sum(cityHash64(number)) FROM numbers(100000000000)"],
    ["streaming", "SELECT number FROM numbers(100000000000)"],
  ])("ends a query that is %s when its client goes", async (_what, query) => {
    const id = randomUUID();
    const abort = new AbortController();
    const asked = client.query({
      query: `${query} /* ${id} */ SETTINGS max_threads = 1, max_block_size = 65536 `.replace(
        "SELECT",
        `SELECT '${id}' AS id,`,
      ),
      format: "JSONEachRow",
      abort_signal: abort.signal,
    });
    const outcome = asked.then(
      async (result) => {
        for await (const chunk of result.stream()) if (chunk.length > 0) abort.abort();
      },
      (error: unknown) => error,
    );
    await expect.poll(() => running(id), { timeout: 10_000 }).toEqual([{ n: 1 }]);
    abort.abort();
    await outcome.catch(() => undefined);
    await expect.poll(() => running(id), { timeout: 10_000 }).toEqual([{ n: 0 }]);
  });
});

it("answers text to whoever reads the stream itself", async () => {
  const result = await client.exec({ query: "SELECT 1 AS a FORMAT TabSeparatedWithNames" });
  expect(await text(result.stream)).toBe("a\n1\n");
});
