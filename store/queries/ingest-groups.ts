/** Manifests of groups: which frames were stored together. */
import { z } from "zod";
import { count, timeMs } from "../column-schemas.ts";
import { defineInsert, defineQuery } from "../define-query.ts";
import { FENCE, fenceParams } from "./fence.ts";

const manifestRow = z.object({
  n: count,
  epoch: count,
  frames: z.array(z.object({ spool: z.string(), lo: count, hi: count })),
  predictions: count,
  labels: count,
  dead_letters: count,
  from: timeMs,
  to: timeMs,
  labels_from: timeMs,
  labels_to: timeMs,
  models: z.array(z.string()),
  grids: z.record(z.string(), count),
  grains: z.record(z.string(), z.enum(["1m", "1h", "1d"])),
  segments: z.record(z.string(), z.array(z.string())),
  clocks: z.array(z.object({ model: z.string(), time_ms: z.int() })),
  accepted: timeMs,
  server_metrics: count,
  metrics_from: timeMs,
  metrics_to: timeMs,
});
export type ManifestRow = z.output<typeof manifestRow>;

const COLUMNS =
  "n, epoch, frames, predictions, labels, dead_letters, `from`, `to`, labels_from, labels_to, models, grids, grains, segments, clocks, accepted, server_metrics, metrics_from, metrics_to";

const JSON_STRUCTURE = [
  "n UInt64",
  "epoch UInt64",
  "frames Array(Tuple(spool String, lo UInt64, hi UInt64))",
  "predictions UInt64",
  "labels UInt64",
  "dead_letters UInt64",
  "`from` Int64",
  "`to` Int64",
  "labels_from Int64",
  "labels_to Int64",
  "models Array(String)",
  "grids Map(String, UInt16)",
  "grains Map(String, String)",
  "segments Map(String, Array(String))",
  "clocks Array(Tuple(model String, time_ms Int64))",
  "accepted Int64",
  "server_metrics UInt64",
  "metrics_from Int64",
  "metrics_to Int64",
].join(", ");

const time = (column: string): string => `fromUnixTimestamp64Milli(m.${column}, 'UTC')`;

/**
 * The body is one block with one row: `manifest`, the group as JSON with times in milliseconds. One that the engine cannot
 * read is refused: written as a row of noughts it would use the token up, and the shard would stand still for good.
 */
export const insertGroup = defineInsert({
  name: "insert group",
  params: z.object({ ...fenceParams, formed: z.int() }),
  sql: `INSERT INTO ingest_groups (shard, ${COLUMNS}, formed)
SELECT {shard:UInt16}, m.n, m.epoch, m.frames, m.predictions, m.labels, m.dead_letters,
  ${time("from")}, ${time("to")}, ${time("labels_from")}, ${time("labels_to")},
  m.models, m.grids, m.grains, m.segments, m.clocks, ${time("accepted")},
  m.server_metrics, ${time("metrics_from")}, ${time("metrics_to")}, {formed:DateTime64(3, 'UTC')}
FROM (SELECT JSONExtract(manifest, 'Tuple(${JSON_STRUCTURE})') AS m FROM input('manifest String'))
WHERE ${FENCE} AND throwIf(m.n = 0, 'the manifest cannot be read') = 0 FORMAT Native`,
});

/** The group as it was written first; of two rows, which only a lost token allows, the later owner's. */
export const groupByNumber = defineQuery({
  name: "group",
  params: z.object({ shard: z.int(), n: z.int() }),
  row: manifestRow,
  sql: `SELECT ${COLUMNS} FROM ingest_groups
WHERE shard = {shard:UInt16} AND n = {n:UInt64} ORDER BY epoch DESC LIMIT 1`,
});

export const newestGroups = defineQuery({
  name: "newest groups",
  params: z.object({ shard: z.int(), limit: z.int() }),
  row: manifestRow,
  sql: `SELECT ${COLUMNS} FROM ingest_groups
WHERE shard = {shard:UInt16} ORDER BY n DESC, epoch DESC LIMIT 1 BY n LIMIT {limit:UInt32}`,
});

/** Highest seq of every spool that any group of the shard holds. */
export const groupedThrough = defineQuery({
  name: "highest seq of every spool",
  params: z.object({ shard: z.int() }),
  row: z.object({ spool: z.string(), hi: count }),
  sql: `SELECT f.spool AS spool, max(f.hi) AS hi FROM ingest_groups ARRAY JOIN frames AS f
WHERE shard = {shard:UInt16} GROUP BY spool`,
});

export const setAsideGroups = defineQuery({
  name: "groups set aside",
  params: z.object({ shard: z.int() }),
  row: z.object({ n: count, at: timeMs, by: z.string(), reason: z.string() }),
  sql: "SELECT n, at, by, reason FROM groups_set_aside WHERE shard = {shard:UInt16} ORDER BY n LIMIT 1 BY n",
});
