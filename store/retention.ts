/** How long each table keeps its rows, by their own time; a setting, applied after the migrations. */
import { z } from "zod";
import type { Store } from "./client.ts";
import { defineCommand, defineQuery } from "./define-query.ts";

export interface Retention {
  readonly rawDays: number;
  readonly labelsDays: number;
  readonly outcomesDays: number;
  readonly minutesDays: number;
  readonly hoursDays: number;
  readonly deadLettersDays: number;
  readonly groupsDays: number;
}

export const DEFAULT_RETENTION: Retention = {
  rawDays: 90,
  labelsDays: 400,
  outcomesDays: 400,
  minutesDays: 14,
  hoursDays: 400,
  deadLettersDays: 90,
  groupsDays: 400,
};

const RULES: readonly { table: string; column: string; days: keyof Retention }[] = [
  { table: "predictions", column: "ts", days: "rawDays" },
  { table: "labels", column: "time", days: "labelsDays" },
  { table: "outcomes", column: "ts", days: "outcomesDays" },
  { table: "feature_minutes", column: "time", days: "minutesDays" },
  { table: "model_minutes", column: "time", days: "minutesDays" },
  { table: "feature_hours", column: "time", days: "hoursDays" },
  { table: "model_hours", column: "time", days: "hoursDays" },
  { table: "dead_letters", column: "time", days: "deadLettersDays" },
  { table: "ingest_groups", column: "formed", days: "groupsDays" },
];

const tableEngines = defineQuery({
  name: "engines of tables",
  params: z.object({}),
  row: z.object({ name: z.string(), engine_full: z.string() }),
  sql: "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()",
});

/** Changes the TTL of every table whose TTL is another one; existing parts follow with their merges. */
export async function applyRetention(
  store: Store,
  retention: Retention,
  onCluster: string,
): Promise<void> {
  const engines = new Map(
    (await store.query(tableEngines, {})).map((row) => [row.name, row.engine_full]),
  );
  for (const { table, column, days } of RULES) {
    const ttl = `TTL toDateTime(${column}) + toIntervalDay(${retention[days]})`;
    if (engines.get(table)?.includes(ttl) === true) continue;
    const command = defineCommand({
      name: `retention of ${table}`,
      params: z.object({}),
      sql: `ALTER TABLE ${table} ${onCluster} MODIFY ${ttl} SETTINGS materialize_ttl_after_modify = 0`,
      repeatable: true,
    });
    await store.command(command, {});
  }
}
