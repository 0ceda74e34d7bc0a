/** How much every table holds, from the engine's own list of parts. */
import { z } from "zod";
import { count, timeMs } from "../column-schemas.ts";
import { defineQuery } from "../define-query.ts";

export const tableSizes = defineQuery({
  name: "sizes of tables",
  params: z.object({}),
  row: z.object({
    table: z.string(),
    rows: count,
    bytes: count,
    parts: count,
    oldest: z.string(),
    newest: z.string(),
  }),
  sql: `SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS parts,
  min(partition) AS oldest, max(partition) AS newest
FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table ORDER BY bytes DESC`,
});

/** What all tables take on the engine's own disk, replaced parts that are not deleted yet among it. */
export const bytesOfTables = defineQuery({
  name: "bytes of all tables",
  params: z.object({}),
  row: z.object({ bytes: count }),
  sql: `SELECT toInt64(sum(bytes_on_disk)) AS bytes FROM system.parts
WHERE database = currentDatabase() AND disk_name = 'default'`,
});

/** Event times of the raw tables; partitions are too coarse for them. */
export const rawSpan = defineQuery({
  name: "span of raw predictions",
  params: z.object({}),
  row: z.object({ oldest: timeMs, newest: timeMs }),
  sql: "SELECT min(ts) AS oldest, max(ts) AS newest FROM predictions",
});

export const modelsWithRows = defineQuery({
  name: "models with rows",
  params: z.object({}),
  row: z.object({ model: z.string() }),
  sql: "SELECT DISTINCT model FROM model_days ORDER BY model",
});

/** Disks of the engine, with what is free on them. */
export const storeDisks = defineQuery({
  name: "disks of the store",
  params: z.object({}),
  row: z.object({ name: z.string(), free: count, total: count }),
  sql: "SELECT name, free_space AS free, total_space AS total FROM system.disks ORDER BY name",
});
