/** Partitions whose rows were archived and dropped: what is left of them must not be compared with rollups. */
import { z } from "zod";
import { count, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

export const partitionsPutAway = defineQuery({
  name: "partitions put away",
  params: z.object({}),
  row: z.object({
    table: z.string(),
    partition: z.string(),
    state: z.enum(["dropped", "restored"]),
    rows: count,
    by: z.string(),
    at: timeMs,
    revision: count,
  }),
  sql: "SELECT table, partition, state, rows, by, at, revision FROM partitions_put_away FINAL ORDER BY table, partition",
});

/**
 * Stands in every statement that repairs rollups, as the fence does: one that begins after a day was put away leaves
 * that day alone, and a drop waits for those that began before.
 */
export const notPutAway = (column: string): string =>
  `toDate(${column}) NOT IN (SELECT day_from FROM partitions_put_away FINAL WHERE table = 'predictions' AND state = 'dropped')`;

/** Repairs that run, whoever waits for them: their names are in `log_comment`. */
export const runningRepairs = defineQuery({
  name: "running repairs of rollups",
  params: z.object({}),
  row: z.object({ n: count }),
  sql: "SELECT count() AS n FROM system.processes WHERE Settings['log_comment'] LIKE 'driftmend shard %: repair %'",
});
