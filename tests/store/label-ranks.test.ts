/** The migration that makes labels and outcomes anew: nothing is lost, wherever it is cut short. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { type Store, openStore } from "../../store/client.ts";
import { defineCommand, defineQuery } from "../../store/define-query.ts";
import { readMigrations, statementsOf } from "../../store/migrate.ts";
import { type EmbeddedEngine, startEmbeddedEngine } from "../support/embedded-engine.ts";

const RANKS = 51;
let engine: EmbeddedEngine;
let store: Store;
beforeAll(async () => {
  engine = await startEmbeddedEngine();
  const { url, user, password } = engine;
  const deps = { clock: systemClock, logger: silentLogger };
  const outside = openStore({ url, user, password, database: "default" }, deps);
  await run(outside, "CREATE DATABASE ranks ENGINE = Atomic");
  store = outside.withDatabase("ranks");
  await outside.close();
}, 60_000);
afterAll(async () => {
  await store.close();
  await engine[Symbol.asyncDispose]();
});

async function run(on: Store, sql: string): Promise<void> {
  await on.command(
    defineCommand({ name: "test", params: z.object({}), sql, repeatable: false }),
    {},
  );
}

const statements = (versions: (version: number) => boolean): readonly string[] =>
  readMigrations()
    .filter(({ version }) => versions(version))
    .flatMap(({ text }) => statementsOf(text))
    .map((sql) =>
      sql
        .replaceAll(/\{\{(?:on_cluster|replicated)\}\}/g, "")
        .replaceAll("{{deduplication}}", "non_replicated_deduplication_window = 100")
        .replaceAll("{{durable}}", "fsync_after_insert = 0"),
    );

const held = defineQuery({
  name: "test_held",
  params: z.object({}),
  row: z.object({ what: z.string() }),
  sql: `SELECT what FROM (SELECT concat('label ', id, ' ', label, ' ', toString(revision)) AS what FROM labels FINAL
UNION ALL SELECT concat('outcome ', id, ' ', actual_label, ' ', toString(revision)) AS what FROM outcomes FINAL)
ORDER BY what`,
});

it("keeps every label and outcome, run whole, again, or from any statement at which it stopped", async () => {
  for (const sql of statements((version) => version < RANKS)) await run(store, sql);
  const label = { model: "m", id: "a", value: Number.NaN, time: Date.now(), source: "x" };
  await store.insert("labels", [{ ...label, label: "old", revision: 1 }]);
  await store.insert("labels", [{ ...label, label: "new", revision: 2 }]);
  await run(
    store,
    `INSERT INTO outcomes (model, ts, id, id_hash, score, value, actual_label, actual_value, known, revision, _group)
     SELECT 'm', toDateTime64(1000, 3, 'UTC'), 'a', 1, 0.5, nan, 'new', nan, toDateTime64(2000, 3, 'UTC'), 2, 7`,
  );
  const before = await store.query(held, {});
  expect(before.map(({ what }) => what)).toEqual(["label a new 2", "outcome a new 2"]);
  const ranks = statements((version) => version === RANKS);
  expect(ranks.filter((sql) => sql.startsWith("EXCHANGE"))).toHaveLength(2);
  for (let stop = 1; stop <= ranks.length; stop++) {
    for (const sql of ranks.slice(0, stop)) await run(store, sql);
    expect(await store.query(held, {})).toEqual(before);
  }
  await store.insert("labels", [
    { ...label, time: label.time + 1, label: "later", revision: 2 },
    { ...label, label: "earlier", revision: 2 },
  ]);
  expect((await store.query(held, {}))[0]?.what).toBe("label a later 2");
}, 60_000);
