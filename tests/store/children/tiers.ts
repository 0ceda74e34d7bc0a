/** An engine with two disks in a folder: applies retention with a cold tier, prints where parts lie. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Session } from "chdb";
import { systemClock } from "../../../runtime/clock.ts";
import type { Store } from "../../../store/client.ts";
import {
  type ColdTier,
  Retention,
  applyRetention,
  readRetention,
} from "../../../store/retention.ts";

const folder = process.argv[2] ?? "";
const cold = `${join(folder, "cold")}/`;
mkdirSync(cold, { recursive: true });
const config = join(folder, "config.xml");
writeFileSync(
  config,
  `<clickhouse><storage_configuration>
    <disks><cold><type>local</type><path>${cold}</path></cold></disks>
    <policies><tiered><volumes><default><disk>default</disk></default><cold><disk>cold</disk></cold></volumes></tiered></policies>
  </storage_configuration></clickhouse>`,
);
const session = new Session(join(folder, "engine"), {
  connectionArgs: [`--config-file=${config}`],
});
const rows = (sql: string): unknown[] =>
  session
    .query(sql, "JSONEachRow")
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);
// What applyRetention and readRetention ask has no parameters.
const store = {
  query: (query: { sql: string }) => Promise.resolve(rows(query.sql)),
  command: (command: { sql: string }) => Promise.resolve(rows(command.sql)),
} as unknown as Store;

const times = {
  ...{ predictions: "ts", outcomes: "ts", labels: "time", dead_letters: "time" },
  server_metrics: "ts",
};
const rollups = ["feature_minutes", "model_minutes", "feature_hours", "model_hours"];
const all = {
  ...times,
  ...Object.fromEntries(rollups.map((name) => [name, "time"])),
  ingest_groups: "formed",
};
for (const [table, column] of Object.entries(all)) {
  session.query(
    `CREATE TABLE ${table} (${column} DateTime64(3, 'UTC')) ENGINE = MergeTree PARTITION BY toDate(${column}) ORDER BY ${column} SETTINGS ttl_only_drop_parts = 1`,
  );
}
const retention = Retention.parse({ predictions: 60 });
await applyRetention(store, retention, "");
session.query("INSERT INTO predictions SELECT now64(3) - toIntervalDay(40)");
session.query("INSERT INTO predictions SELECT now64(3)");
const tier: ColdTier = { policy: "tiered", volume: "cold", days: { predictions: 30 } };
await applyRetention(store, retention, "", tier);
const definition = (): unknown =>
  rows("SELECT engine_full FROM system.tables WHERE name = 'predictions'")[0];
const once = definition();
await applyRetention(store, retention, "", tier);
session.query("ALTER TABLE predictions MATERIALIZE TTL SETTINGS mutations_sync = 1");
const partsNow = (): unknown[] =>
  rows(
    "SELECT dateDiff('day', toDate(partition), today()) AS age, disk_name AS disk FROM system.parts WHERE table = 'predictions' AND active ORDER BY age",
  );
// Parts move in the background.
const deadlineMs = performance.now() + 30_000;
while (!JSON.stringify(partsNow()).includes('"cold"') && performance.now() < deadlineMs) {
  await systemClock.sleep(100);
}
const parts = partsNow();
const read = await readRetention(store);
process.stdout.write(
  JSON.stringify({ parts, read, isSame: JSON.stringify(once) === JSON.stringify(definition()) }),
);
session.close();
