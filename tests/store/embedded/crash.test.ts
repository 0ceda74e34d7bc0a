/** The store killed under inserts: nothing acknowledged is lost, nothing sent again is doubled. */
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../runtime/random.ts";
import { type EmbeddedEngine, startEmbeddedEngine } from "../../support/embedded-engine.ts";

const SEED = 20_261_123;
const ROUNDS = 4;
const ROWS = 2_000;

const WINDOW = "SETTINGS non_replicated_deduplication_window = 20000";

async function createTables(engine: EmbeddedEngine): Promise<void> {
  const statements = [
    `CREATE TABLE raw (p UInt8, g UInt32, a UInt32) ENGINE = MergeTree PARTITION BY p ORDER BY a ${WINDOW}`,
    `CREATE TABLE rollup (g UInt32, n UInt64) ENGINE = SummingMergeTree ORDER BY g ${WINDOW}`,
    "CREATE MATERIALIZED VIEW raw_rollup TO rollup AS SELECT g, count() AS n FROM raw GROUP BY g",
  ];
  for (const query of statements) await engine.client.command({ query });
}

/**
 * A writer as a collector is: one group at a time, sent again under its token until acknowledged.
 */
async function writeUntil(
  engine: EmbeddedEngine,
  lane: "live" | "backlog",
  groups: Iterator<number, never>,
  running: AbortSignal,
): Promise<number> {
  let acknowledged = 0;
  while (!running.aborted) {
    const group = groups.next().value;
    const values = Array.from({ length: ROWS }, (_, i) => ({ p: i % 4, g: group, a: i }));
    for (;;) {
      try {
        await engine.client.insert({
          table: "raw",
          values,
          format: "JSONEachRow",
          clickhouse_settings: {
            insert_deduplication_token: `d/${group}`,
            deduplicate_blocks_in_dependent_materialized_views: 1,
          },
          http_headers: { "X-Driftmend-Lane": lane },
        });
        acknowledged += 1;
        break;
      } catch {
        // The store is being killed or is not up yet: the same group again.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
  return acknowledged;
}

function* counted(): Generator<number, never> {
  for (let group = 0; ; group++) yield group;
}

describe("kill -9 under inserts", () => {
  it(`keeps every group exactly once over ${ROUNDS} kills (seed ${SEED})`, async () => {
    await using engine = await startEmbeddedEngine();
    await createTables(engine);
    const random = seededRandom(SEED);
    const groups = counted();
    const over = new AbortController();
    const writers = (["live", "backlog"] as const).map((lane) =>
      writeUntil(engine, lane, groups, over.signal),
    );
    for (let round = 0; round < ROUNDS; round++) {
      await new Promise((resolve) => setTimeout(resolve, 300 + random.integer(700)));
      await engine.kill();
      await engine.restart();
    }
    over.abort();
    const acknowledged = (await Promise.all(writers)).reduce((sum, count) => sum + count, 0);
    const result = await engine.client.query({
      query: `SELECT toUInt32(count()) AS rows, toUInt32(uniqExact(g)) AS groups,
                     toUInt32((SELECT sum(n) FROM rollup)) AS rolled,
                     toUInt32((SELECT count() FROM (SELECT g FROM raw GROUP BY g HAVING count() != ${ROWS}))) AS wrong
              FROM raw`,
      format: "JSONEachRow",
    });
    expect(acknowledged).toBeGreaterThan(ROUNDS);
    expect(await result.json()).toEqual([
      { rows: acknowledged * ROWS, groups: acknowledged, rolled: acknowledged * ROWS, wrong: 0 },
    ]);
  });
});
