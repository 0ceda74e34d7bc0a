import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { type Store, openStore } from "../../store/client.ts";
import { count, float, json, timeMs } from "../../store/column-schemas.ts";
import { boundParams, defineCommand, defineQuery } from "../../store/define-query.ts";
import { checkSchema, migrate, readMigrations, statementsOf } from "../../store/migrate.ts";
import { readRetention } from "../../store/retention.ts";
import { engineCodeOf, storeError } from "../../store/store-error.ts";
import { ClickHouseError } from "@clickhouse/client";
import { type EmbeddedEngine, startEmbeddedEngine } from "../support/embedded-engine.ts";

const deps = { clock: systemClock, logger: silentLogger };
let engine: EmbeddedEngine;
let store: Store;

function open(database: string): Store {
  const { url, user, password } = engine;
  return openStore({ url, user, password, database }, deps);
}

beforeAll(async () => {
  engine = await startEmbeddedEngine();
  store = open("first");
  await migrate(store, {}, deps);
}, 60_000);
afterAll(async () => {
  await store.close();
  await engine[Symbol.asyncDispose]();
});

const none = z.object({});
const countOf = (sql: string) =>
  defineQuery({ name: "test", params: none, row: z.object({ n: count }), sql });
const run = (sql: string) =>
  store.command(defineCommand({ name: "test", params: none, sql, repeatable: false }), {});

describe("queries", () => {
  it("bind times as milliseconds, also in arrays, and read rows by their schema", async () => {
    const at = Date.UTC(2026, 1, 3, 4, 5, 6, 7);
    const query = defineQuery({
      name: "echo",
      params: z.object({ at: z.int(), all: z.array(z.int()), text: z.string() }),
      row: z.object({
        at: timeMs,
        all: z.array(timeMs),
        text: z.string(),
        infinite: float,
        nan: float,
        big: count,
        document: json,
      }),
      sql: `SELECT {at:DateTime64(3, 'UTC')} AS at, {all:Array(DateTime64(3, 'UTC'))} AS all, {text:String} AS text,
        -1 / 0 AS infinite, 0 / 0 AS nan, toUInt64(9007199254740991) AS big, '{"a":[1]}' AS document`,
    });
    const text = 'it\'s \\ a\nline\twith "quotes" and ü';
    const rows = await store.query(query, { at, all: [0, at], text });
    expect(rows).toEqual([
      {
        at,
        all: [0, at],
        text,
        infinite: Number.NEGATIVE_INFINITY,
        nan: Number.NaN,
        big: Number.MAX_SAFE_INTEGER,
        document: { a: [1] },
      },
    ]);
  });

  it("refuse parameters that do not fit before anything is sent", async () => {
    const query = defineQuery({
      name: "limited",
      params: z.object({ limit: z.int().max(10) }),
      row: z.object({ n: count }),
      sql: "SELECT 1 AS n LIMIT {limit:UInt32}",
    });
    await expect(store.query(query, { limit: 11 })).rejects.toThrow("<=10");
    expect(boundParams(query, { limit: 3 })).toEqual({ limit: 3 });
  });

  it("cannot be defined when placeholders and params differ", () => {
    const define = () =>
      defineQuery({
        name: "wrong",
        params: z.object({ b: z.string() }),
        row: none,
        sql: "SELECT {a:String}",
      });
    expect(define).toThrow("without a param: a; without a placeholder: b");
  });

  it("carry the engine's code in their errors and say whether to try again", async () => {
    const unknown = store.query(countOf("SELECT nothing AS n"), {});
    await expect(unknown).rejects.toMatchObject({ code: "store_refused", retry: "never" });
    await expect(unknown).rejects.toSatisfy((error) => engineCodeOf(error) === 47);
    const elsewhere = openStore(
      { url: "http://127.0.0.1:1", user: "a", password: "b", database: "c" },
      deps,
    );
    const unreachable = elsewhere.query(countOf("SELECT 1 AS n"), {});
    await expect(unreachable).rejects.toMatchObject({ code: "store_unreachable", retry: "later" });
    await elsewhere.close();
  });

  it("say of a full disk, whatever its code, that space is wanted and that it is tried again", () => {
    const written = "Cannot write to file: , errno: 28, strerror: No space left on device";
    for (const [code, message] of [
      ["75", written],
      ["1001", written],
      ["243", "Cannot reserve 1.00 MiB, not enough space"],
    ] as const) {
      const cause = new ClickHouseError({ code, type: "", message });
      expect(storeError("store it", cause)).toMatchObject({
        retry: "later",
        next: "Free space on the disk of ClickHouse; agents keep what is not stored and it is tried again.",
      });
    }
  });

  it("stream in formats of the engine", async () => {
    const query = countOf("SELECT number AS n FROM numbers(3)");
    const stream = await store.stream(query, {}, "CSVWithNames");
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
    expect(Buffer.concat(chunks).toString()).toBe('"n"\n0\n1\n2\n');
  });
});

describe("inserts", () => {
  it("keep times, non-finite numbers and bigints of JSON rows", async () => {
    const ts = Date.now() - 1000;
    const row = { model: "json", ts, id: "a", num: { x: Number.NaN }, score: Number.NaN, _seq: 5n };
    await store.insert("predictions", [{ ...row, value: Number.NEGATIVE_INFINITY }]);
    const query = defineQuery({
      name: "read back",
      params: none,
      row: z.object({ ts: timeMs, x: float, score: float, value: float, _seq: count }),
      sql: "SELECT ts, num['x'] AS x, score, value, _seq FROM predictions WHERE model = 'json'",
    });
    expect(await store.query(query, {})).toEqual([
      { ts, x: Number.NaN, score: Number.NaN, value: Number.NEGATIVE_INFINITY, _seq: 5 },
    ]);
  });

  it("are skipped under a known token, views included, and stored twice without one", async () => {
    const time = Date.now();
    const row = {
      model: "token",
      version: "",
      segment_tag: "",
      segment_value: "",
      error: "",
      time,
      n: 1,
    };
    const sum = countOf("SELECT sum(n) AS n FROM model_rollups WHERE model = 'token'");
    for (let i = 0; i < 3; i++) await store.insert("model_minutes", [row], { token: "one" });
    expect((await store.query(sum, {}))[0]?.n).toBe(3);
    for (let i = 0; i < 2; i++) await store.insert("model_minutes", [row]);
    expect((await store.query(sum, {}))[0]?.n).toBe(9);
  });

  it("refuse unknown columns and nulls where none may be", async () => {
    const renamed = store.insert("changes", [{ idd: "a" }]);
    await expect(renamed).rejects.toMatchObject({ code: "store_refused", retry: "never" });
    await expect(store.insert("changes", [{ id: "a", model: null }])).rejects.toThrow("Cannot");
  });
});

describe("the schema", () => {
  it("is migrated once, checked by services, and keeps what it is told to keep", async () => {
    const second = open("second");
    await expect(checkSchema(second)).rejects.toMatchObject({ retry: "never" });
    const { applied } = await migrate(second, { retention: { predictions: 400 } }, deps);
    expect(applied).toEqual(readMigrations().map(({ name }) => name));
    await checkSchema(second);
    expect(await migrate(second, { retention: { predictions: 30, hours: 500 } }, deps)).toEqual({
      applied: [],
    });
    expect(await readRetention(second)).toMatchObject({ predictions: 30, hours: 500, minutes: 14 });
    await second.close();
  });

  it("gives what was stored before there was sampling the weight 1, in every tier, and adds weights to it", async () => {
    const before = open("before");
    const outside = before.withDatabase("default");
    const runIn = (target: Store, sql: string) =>
      target.command(defineCommand({ name: "test", params: none, sql, repeatable: false }), {});
    await runIn(outside, "CREATE DATABASE before ENGINE = Atomic");
    await outside.close();
    const fill = (text: string): string =>
      text
        .replaceAll(/\{\{(on_cluster|replicated)\}\}/g, "")
        .replaceAll("{{deduplication}}", "non_replicated_deduplication_window = 100")
        .replaceAll("{{durable}}", "fsync_after_insert = 0");
    await runIn(
      before,
      "CREATE TABLE schema_migrations (version UInt32, name String, checksum String, applied DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY version",
    );
    for (const { version, name, checksum, text } of readMigrations()) {
      if (version >= 53) continue;
      for (const statement of statementsOf(fill(text))) await runIn(before, statement);
      await before.insert("schema_migrations", [{ version, name, checksum }]);
    }
    const row = { model: "m", version: "1", error: "", time: Date.now() };
    await before.insert("model_minutes", [{ ...row, n: 3 }]);
    await before.insert("predictions", [{ model: "m", id: "a", ts: Date.now() }]);
    // Cut short and begun again.
    const own = readMigrations().find(({ version }) => version === 53)?.text ?? "";
    for (const statement of statementsOf(fill(own)).slice(0, 4)) await runIn(before, statement);
    await migrate(before, {}, deps);
    for (const _ of [1, 2]) await before.insert("model_minutes", [{ ...row, n: 2, unkept: 9 }]);
    await before.insert("model_minutes", [{ ...row, n: 1 }]);
    for (const tier of ["minutes", "hours", "days"]) {
      await runIn(before, `OPTIMIZE TABLE model_${tier} FINAL`);
    }
    const tiers = defineQuery({
      name: "test",
      params: none,
      row: z.object({ grain: z.string(), parts: count, n: count, requests: float }),
      sql: `SELECT r.grain AS grain, count() AS parts, sum(r.n) AS n, sum(r.requests) AS requests
        FROM model_rollups AS r GROUP BY grain ORDER BY grain`,
    });
    const sums = { parts: 2, n: 8, requests: 44 };
    expect(await before.query(tiers, {})).toEqual(
      ["1d", "1h", "1m"].map((grain) => ({ grain, ...sums })),
    );
    const weight = countOf("SELECT toInt64(sum(weight)) AS n FROM predictions");
    expect(await before.query(weight, {})).toEqual([{ n: 1 }]);
    await before.close();
  });

  it("of a newer version, or with an edited migration, is refused", async () => {
    await run(
      "INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, 'future', 'x')",
    );
    await expect(checkSchema(store)).rejects.toMatchObject({
      code: "schema_newer",
      retry: "never",
    });
    await expect(migrate(store, {}, deps)).rejects.toMatchObject({ code: "schema_newer" });
    await run(
      "ALTER TABLE schema_migrations DELETE WHERE version = 9999 SETTINGS mutations_sync = 1",
    );
    await run(
      "ALTER TABLE schema_migrations UPDATE checksum = 'y' WHERE version = 1 SETTINGS mutations_sync = 1",
    );
    await expect(checkSchema(store)).rejects.toMatchObject({ code: "migration_changed" });
  });

  it("comments every column of every table", async () => {
    const bare = defineQuery({
      name: "columns without a comment",
      params: none,
      row: z.object({ table: z.string(), name: z.string() }),
      sql: `SELECT table, name FROM system.columns WHERE database = 'second' AND comment = ''
        AND table IN (SELECT name FROM system.tables WHERE database = 'second' AND engine LIKE '%MergeTree')
        AND table != 'schema_migrations'`,
    });
    expect(await store.query(bare, {})).toEqual([]);
  });

  it("yields replicated tables on a cluster", () => {
    const first = readMigrations()[0];
    expect(statementsOf(first?.text ?? "").every((sql) => sql.includes("{{replicated}}"))).toBe(
      true,
    );
  });
});
