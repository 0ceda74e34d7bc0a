/**
 * The endpoint byte for byte: headers, accounts, codings, errors in mid-stream, clickhouse-go's
 * greeting.
 */
import { type IncomingHttpHeaders, request as httpRequest } from "node:http";
import { brotliCompressSync, deflateSync, gzipSync, gunzipSync, zstdCompressSync } from "node:zlib";
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EmbeddedEngine, startEmbeddedEngine } from "../../support/embedded-engine.ts";

let engine: EmbeddedEngine;
let account: Record<string, string>;

beforeAll(async () => {
  engine = await startEmbeddedEngine();
  account = { "X-ClickHouse-User": engine.user, "X-ClickHouse-Key": engine.password };
});
afterAll(() => engine[Symbol.asyncDispose]());

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** False when the connection ended before the reply did. */
  readonly complete: boolean;
}

interface Question {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly path?: string;
}

function ask(params: Record<string, string>, question: Question = {}): Promise<Answer> {
  const query = new URLSearchParams(params).toString();
  const url = `${engine.url}${question.path ?? "/"}${query === "" ? "" : `?${query}`}`;
  return new Promise((resolve, reject) => {
    const options = { method: question.method ?? "POST", headers: question.headers ?? account };
    const request = httpRequest(url, options, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", () => undefined);
      response.on("close", () => {
        const { statusCode: status = 0, headers, complete } = response;
        resolve({ status, headers, body: Buffer.concat(parts), complete });
      });
    });
    request.on("error", reject);
    request.end(question.body);
  });
}

describe("paths and methods", () => {
  it("answers health checks without an account", async () => {
    for (const path of ["/ping", "/replicas_status", "/"]) {
      const answer = await ask({}, { method: "GET", path, headers: {} });
      expect([answer.status, answer.body.toString()]).toEqual([200, "Ok.\n"]);
    }
    expect((await ask({}, { method: "GET", path: "/nowhere", headers: {} })).status).toBe(404);
  });

  it("tells its health and its counts as the other services do", async () => {
    const get = (path: string): Promise<Answer> => ask({}, { method: "GET", path, headers: {} });
    expect((await get("/readyz")).body.toString()).toBe('{"status":"ready"}');
    await ask({ query: "SELECT 1" });
    const counts = (await get("/metrics")).body.toString();
    expect(counts).toMatch(/driftmend_store_statements_total\{.*kind="select".*\} [1-9]/);
  });

  it("takes the statement from the URL, the body or both", async () => {
    const texts = await Promise.all([
      ask({ query: "SELECT 1" }, { method: "GET" }),
      ask({}, { body: "SELECT 1" }),
      ask({ query: "SELECT" }, { body: "1" }),
    ]);
    expect(texts.map(({ body }) => body.toString())).toEqual(["1\n", "1\n", "1\n"]);
  });

  it("takes the end of an INSERT from the body, or its format from a header", async () => {
    await ask({ query: "CREATE TABLE parts (a UInt8) ENGINE = MergeTree ORDER BY a" });
    const query = "INSERT INTO parts";
    const byFormat = { ...account, "X-ClickHouse-Format": "TSV" };
    await ask({ query }, { body: "VALUES (1), (2)" });
    await ask({ query }, { body: "3\n", headers: byFormat });
    await ask({}, { body: `${query} FORMAT JSONEachRow {"a": 4}` });
    await ask({ query: `${query} FORMAT JSONEachRow {"a": 5}` }, { body: '{"a": 6}' });
    expect(
      (
        await ask({ query: "SELECT groupArray(a) FROM (SELECT a FROM parts ORDER BY a)" })
      ).body.toString(),
    ).toBe("[1,2,3,4,5,6]\n");
  });

  it("changes nothing on GET", async () => {
    const answer = await ask(
      { query: "CREATE TABLE got (a UInt8) ENGINE = Memory" },
      { method: "GET" },
    );
    expect(answer.headers["x-clickhouse-exception-code"]).toBe("164");
  });

  it("tells what it is and how to read the reply", async () => {
    const answer = await ask({
      query: "SELECT 1 AS a",
      query_id: "mine",
      default_format: "JSONEachRow",
    });
    expect(answer.headers).toMatchObject({
      "x-clickhouse-query-id": "mine",
      "x-clickhouse-format": "JSONEachRow",
      "x-clickhouse-timezone": "UTC",
      "x-clickhouse-server-display-name": "driftmend",
      "content-type": "application/x-ndjson; charset=UTF-8",
    });
    const inFile = await ask({ query: "SELECT number FROM numbers(7) FORMAT Parquet" });
    expect(JSON.parse(String(inFile.headers["x-clickhouse-summary"]))).toMatchObject({
      read_rows: "7",
    });
    expect(inFile.body.subarray(0, 4).toString()).toBe("PAR1");
  });

  it("selects the database by parameter or header and waits for the end when asked", async () => {
    const query = "SELECT currentDatabase()";
    const byParameter = await ask({ query, database: "system" });
    const byHeader = await ask(
      { query, wait_end_of_query: "1" },
      { headers: { ...account, "X-ClickHouse-Database": "system" } },
    );
    expect([byParameter.body.toString(), byHeader.body.toString()]).toEqual([
      "system\n",
      "system\n",
    ]);
    expect((await ask({ query, database: "absent" })).headers["x-clickhouse-exception-code"]).toBe(
      "81",
    );
  });
});

describe("accounts", () => {
  it("are known by Basic authorization, headers or parameters", async () => {
    const basic = Buffer.from(`${engine.user}:${engine.password}`).toString("base64");
    const answers = await Promise.all([
      ask({ query: "SELECT 1" }, { headers: { Authorization: `Basic ${basic}` } }),
      ask({ query: "SELECT 1" }),
      ask({ query: "SELECT 1", user: engine.user, password: engine.password }, { headers: {} }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it("are refused with 401 when missing and 403 when wrong", async () => {
    const none = await ask({ query: "SELECT 1" }, { headers: {} });
    expect([none.status, none.headers["x-clickhouse-exception-code"]]).toEqual([401, "194"]);
    const wrong = await ask(
      { query: "SELECT 1", user: engine.user, password: "no" },
      { headers: {} },
    );
    expect([wrong.status, wrong.headers["x-clickhouse-exception-code"]]).toEqual([403, "516"]);
    expect(wrong.body.toString()).toMatch(
      /^Code: 516\. DB::Exception: .*\(AUTHENTICATION_FAILED\) \(version [\d.]+\)\n$/,
    );
  });
});

describe("status of an error", () => {
  it.each([
    ["SELEC 1", 400, "62"],
    ["SELECT * FROM absent", 404, "60"],
    ["SELECT 1 FORMAT Absent", 404, "73"],
    ["SELECT throwIf(1)", 500, "395"],
    ["SELECT sleep(2) SETTINGS max_execution_time = 0.1", 408, "159"],
    ["SELECT 1 INTO OUTFILE 'x'", 500, "358"],
  ])("of %s is %i", async (query, status, code) => {
    const answer = await ask({ query });
    expect([answer.status, answer.headers["x-clickhouse-exception-code"]]).toEqual([status, code]);
  });

  it("of a statement that is too long is 413, of an unknown coding 501", async () => {
    const long = await ask({}, { body: `SELECT '${"x".repeat(1_100_000)}'` });
    expect([long.status, long.headers["x-clickhouse-exception-code"]]).toEqual([413, "229"]);
    const coded = await ask({}, { body: "x", headers: { ...account, "Content-Encoding": "lz4" } });
    expect(coded.status).toBe(501);
  });

  it("of damaged compressed data is an error of decompression, and nothing is stored", async () => {
    await ask({ query: "CREATE TABLE damaged (a UInt32) ENGINE = MergeTree ORDER BY a" });
    const body = gzipSync("1\n2\n3\n").subarray(0, 15);
    const headers = { ...account, "Content-Encoding": "gzip" };
    const answer = await ask({ query: "INSERT INTO damaged FORMAT TSV" }, { body, headers });
    expect([answer.status, answer.headers["x-clickhouse-exception-code"]]).toEqual([400, "271"]);
    expect((await ask({ query: "SELECT count() FROM damaged" })).body.toString()).toBe("0\n");
  });
});

describe("codings", () => {
  it.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
    ["zstd", zstdCompressSync],
  ] as const)("of a body: %s", async (coding, compress) => {
    const table = `coded_${coding}`;
    await ask({ query: `CREATE TABLE ${table} (a UInt32) ENGINE = MergeTree ORDER BY a` });
    const headers = { ...account, "Content-Encoding": coding };
    const body = compress("1\n2\n3\n");
    expect(
      (await ask({ query: `INSERT INTO ${table} FORMAT TSV` }, { body, headers })).status,
    ).toBe(200);
    expect((await ask({ query: `SELECT sum(a) FROM ${table}` })).body.toString()).toBe("6\n");
  });

  it("of a reply are those that the client takes; an empty reply has none", async () => {
    const headers = { ...account, "Accept-Encoding": "gzip" };
    const answer = await ask(
      { query: "SELECT number FROM numbers(5)", enable_http_compression: "1" },
      { headers },
    );
    expect(answer.headers["content-encoding"]).toBe("gzip");
    expect(gunzipSync(answer.body).toString()).toBe("0\n1\n2\n3\n4\n");
    const empty = await ask(
      { query: "SELECT 1 WHERE 0", enable_http_compression: "1" },
      { headers },
    );
    expect([empty.headers["content-encoding"], empty.headers["content-length"]]).toEqual([
      undefined,
      "0",
    ]);
    const refused = await ask({ query: "SELECT 1", enable_http_compression: "0" }, { headers });
    expect(refused.body.toString()).toBe("1\n");
  });
});

describe("an error in mid-stream", () => {
  const failing =
    "SELECT number, throwIf(number = 900000) FROM numbers(1000000) SETTINGS max_block_size = 10000";

  it.each(["identity", "gzip"])(
    "is framed with the announced tag and the reply is cut (%s)",
    async (coding) => {
      const answer = await ask(
        { query: `${failing} FORMAT TSV`, enable_http_compression: "1" },
        { headers: { ...account, "Accept-Encoding": coding } },
      );
      expect([answer.status, answer.complete]).toEqual([200, false]);
      const body = coding === "gzip" ? gunzipSync(answer.body, { finishFlush: 2 }) : answer.body;
      const tag = String(answer.headers["x-clickhouse-exception-tag"]);
      expect(tag).toHaveLength(16);
      const frame = new RegExp(
        `\\r\\n__exception__\\r\\n${tag}\\r\\n(Code: 395[^]*\\n)(\\d+) ${tag}\\r\\n__exception__\\r\\n$`,
      );
      const [, message = "", length] = frame.exec(body.subarray(-2_000).toString()) ?? [];
      expect(message).toMatch(/FUNCTION_THROW_IF_VALUE_IS_NON_ZERO/);
      expect(Number(length)).toBe(Buffer.byteLength(message));
    },
  );

  it("reaches @clickhouse/client as an error, however it reads", async () => {
    const client: ClickHouseClient = createClient({
      url: engine.url,
      username: engine.user,
      password: engine.password,
      log: { level: ClickHouseLogLevel.OFF },
    });
    try {
      for (const format of ["JSONEachRow", "JSONCompactEachRow", "CSV"] as const) {
        const result = await client.query({ query: failing, format });
        await expect(result.text()).rejects.toThrow(/throwIf|terminated|aborted|reset/i);
      }
    } finally {
      await client.close();
    }
  });
});

describe("clickhouse-go", () => {
  const revision = { client_protocol_version: "54460", default_format: "Native" };

  it("is greeted in its revision, byte for byte", async () => {
    const body = "SELECT displayName(), version(), revision(), timezone()";
    const answer = await ask({ ...revision, max_execution_time: "35" }, { body });
    const version = (await ask({ query: "SELECT version()" })).body.toString().trim();
    const hex = (text: string): string =>
      Buffer.of(text.length).toString("hex") + Buffer.from(text).toString("hex");
    const column = (name: string, type: string, data: string): string =>
      `${hex(name)}${hex(type)}00${data}`;
    expect(answer.body.toString("hex")).toBe(
      [
        "010002ffffffff000401",
        column("displayName()", "String", hex("driftmend")),
        column("version()", "String", hex(version)),
        column("revision()", "UInt32", "00000000"),
        column("timezone()", "String", hex("UTC")),
      ].join(""),
    );
  });

  it("gets plain Native, and columns even where there are no rows", async () => {
    const one = await ask(revision, { body: "SELECT 1" });
    expect(one.body.toString("hex")).toBe(
      "0101013105" + Buffer.from("UInt8").toString("hex") + "01",
    );
    const none = await ask(
      { ...revision, param_x: "5" },
      { body: "SELECT number AS n FROM numbers(3) WHERE n > {x: UInt8}" },
    );
    expect(none.body.toString("hex")).toBe("0100016e06" + Buffer.from("UInt64").toString("hex"));
  });
});

describe("writers", () => {
  it("take the lane that the request names, and any statement of theirs in between", async () => {
    await ask({ query: "CREATE TABLE lanes (a UInt32) ENGINE = MergeTree ORDER BY a" });
    const insert = (lane: string): Promise<Answer> =>
      ask(
        { query: "INSERT INTO lanes FORMAT TSV" },
        { body: "1\n", headers: { ...account, "X-Driftmend-Lane": lane } },
      );
    const blocked = ask(
      { query: "INSERT INTO lanes SELECT number FROM numbers(6) WHERE sleepEachRow(0.5) = 0" },
      { headers: { ...account, "X-Driftmend-Lane": "backlog" } },
    );
    expect((await insert("live")).status).toBe(200);
    expect((await ask({ query: "SELECT count() FROM lanes" })).body.toString()).toBe("1\n");
    expect((await insert("backlog")).status).toBe(200);
    await blocked;
    expect((await ask({ query: "SELECT count() FROM lanes" })).body.toString()).toBe("8\n");
  });

  it("are refused with code 202 and 503 when too many wait", async () => {
    const slow = Array.from({ length: 80 }, () => ask({ query: "SELECT sleep(0.05)" }));
    const answers = await Promise.all(slow);
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(20);
    expect(new Set(refused.map(({ headers }) => headers["x-clickhouse-exception-code"]))).toEqual(
      new Set(["202"]),
    );
    expect(refused[0]?.headers["retry-after"]).toBe("1");
  });
});
