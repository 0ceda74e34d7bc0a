/**
 * How many days each table keeps its rows, by their own time: the tables' TTL is the one place where it
 * stands. Applied after the migrations, read by whoever must know what is too old to be stored. Where the server
 * has a storage policy, rows move to its cold volume before.
 */
import { z } from "zod";
import type { Store } from "./client.ts";
import { defineCommand, defineQuery } from "./define-query.ts";

const days = z.int().min(1).max(36_500);

export const Retention = z.strictObject({
  predictions: days.prefault(90),
  labels: days.prefault(400),
  outcomes: days.prefault(400),
  /** Rollups by minute and by hour; those by day stay for ever. */
  minutes: days.prefault(14),
  hours: days.prefault(400),
  dead_letters: days.prefault(90),
  server_metrics: days.prefault(90),
  groups: days.prefault(400),
});
export type Retention = z.output<typeof Retention>;

/** A volume of a storage policy of the server, and after how many days the rows of a table lie there. */
export const ColdTier = z.strictObject({
  policy: z.string().regex(/^\w+$/, "expected letters, digits and underscores"),
  volume: z.string().regex(/^\w+$/, "expected letters, digits and underscores"),
  days: z.strictObject({
    predictions: days.optional(),
    labels: days.optional(),
    outcomes: days.optional(),
    minutes: days.optional(),
    hours: days.optional(),
    dead_letters: days.optional(),
    server_metrics: days.optional(),
    groups: days.optional(),
  }),
});
export type ColdTier = z.output<typeof ColdTier>;

const RULES: readonly { table: string; column: string; days: keyof Retention }[] = [
  { table: "predictions", column: "ts", days: "predictions" },
  { table: "labels", column: "time", days: "labels" },
  { table: "outcomes", column: "ts", days: "outcomes" },
  { table: "feature_minutes", column: "time", days: "minutes" },
  { table: "model_minutes", column: "time", days: "minutes" },
  { table: "feature_hours", column: "time", days: "hours" },
  { table: "model_hours", column: "time", days: "hours" },
  { table: "dead_letters", column: "time", days: "dead_letters" },
  { table: "server_metrics", column: "ts", days: "server_metrics" },
  { table: "ingest_groups", column: "formed", days: "groups" },
];

const tableEngines = defineQuery({
  name: "engines of tables",
  params: z.object({}),
  row: z.object({ name: z.string(), engine_full: z.string() }),
  sql: "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()",
});

/**
 * Changes the TTL of every table whose TTL is another one; existing parts follow with their merges, and move with the
 * next look of the engine.
 */
export async function applyRetention(
  store: Store,
  retention: Retention,
  onCluster: string,
  cold: ColdTier | null = null,
): Promise<void> {
  const engines = await enginesByTable(store);
  for (const rule of RULES) {
    const engine = engines.get(rule.table) ?? "";
    const coldDays = cold?.days[rule.days];
    const after = (days: number): string => `toDateTime(${rule.column}) + toIntervalDay(${days})`;
    const move = coldDays === undefined ? "" : `${after(coldDays)} TO VOLUME '${cold?.volume}', `;
    const ttl = `TTL ${move}${after(retention[rule.days])}`;
    if (coldDays !== undefined && !engine.includes(`storage_policy = '${cold?.policy}'`)) {
      const usePolicy = defineCommand({
        name: `storage policy of ${rule.table}`,
        params: z.object({}),
        sql: `ALTER TABLE ${rule.table} ${onCluster} MODIFY SETTING storage_policy = '${cold?.policy}'`,
        repeatable: true,
      });
      await store.command(usePolicy, {});
    }
    if (engine.includes(`${ttl} `)) continue;
    const command = defineCommand({
      name: `retention of ${rule.table}`,
      params: z.object({}),
      sql: `ALTER TABLE ${rule.table} ${onCluster} MODIFY ${ttl} SETTINGS materialize_ttl_after_modify = 0`,
      repeatable: true,
    });
    await store.command(command, {});
  }
}

/** What the tables say. */
export async function readRetention(store: Store): Promise<Retention> {
  const engines = await enginesByTable(store);
  const read: Record<string, number> = {};
  for (const rule of RULES) {
    const engine = engines.get(rule.table) ?? "";
    const found = /toIntervalDay\((\d+)\)(?! TO VOLUME)/.exec(engine)?.[1];
    if (found !== undefined) read[rule.days] = Number.parseInt(found, 10);
  }
  return Retention.parse(read);
}

async function enginesByTable(store: Store): Promise<ReadonlyMap<string, string>> {
  const rows = await store.query(tableEngines, {});
  return new Map(rows.map((row) => [row.name, row.engine_full]));
}
