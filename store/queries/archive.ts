/**
 * What an archive asks of the engine: which partitions a table has, their rows as Parquet, and by what a file is
 * known to hold them. Rows of the tables that are read with FINAL are archived as FINAL shows each partition: what
 * a newer revision has replaced is left out, and merges meanwhile change nothing.
 */
import { z } from "zod";
import { count, timeMs } from "../column-schemas.ts";
import {
  type DefinedCommand,
  type DefinedQuery,
  defineCommand,
  defineInsert,
  defineQuery,
} from "../define-query.ts";

export const ARCHIVED_TABLES = ["predictions", "labels", "outcomes", "dead_letters"] as const;
export type ArchivedTable = (typeof ARCHIVED_TABLES)[number];

interface TableShape {
  /** Column that partitions and retention go by. */
  readonly time: string;
  readonly unit: "day" | "month";
  readonly final: boolean;
  /** Computed from other columns: not archived, made again. */
  readonly derived: Readonly<Record<string, string>>;
  /** Whose rows the newest groups may be replayed into, by these spans of their manifests. */
  readonly span: "predictions" | "labels" | "none";
}

const ID_HASH = { id_hash: "reinterpretAsUInt128(sipHash128(id))" };

export const TABLE_SHAPES: Readonly<Record<ArchivedTable, TableShape>> = {
  predictions: { time: "ts", unit: "day", final: false, derived: ID_HASH, span: "predictions" },
  labels: { time: "time", unit: "month", final: true, derived: ID_HASH, span: "labels" },
  outcomes: { time: "ts", unit: "month", final: true, derived: ID_HASH, span: "none" },
  dead_letters: { time: "time", unit: "month", final: false, derived: {}, span: "none" },
};

const PARTITION_OF = {
  day: (column: string): string => `toString(toDate(${column}))`,
  month: (column: string): string => `toString(toYYYYMM(${column}))`,
} as const;

/** Columns of a table with their types, in order. */
export const tableColumns = defineQuery({
  name: "columns of a table",
  params: z.object({ table: z.string() }),
  row: z.object({ name: z.string(), type: z.string() }),
  sql: `SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}
ORDER BY position`,
});

/** What tells this database from every other. */
export const storeIdentity = defineQuery({
  name: "identity of the store",
  params: z.object({}),
  row: z.object({ id: z.string(), migration: count }),
  sql: `SELECT toString(uuid) AS id, (SELECT max(version) FROM schema_migrations) AS migration
FROM system.tables WHERE database = currentDatabase() AND name = 'predictions'`,
});

/** Row groups small enough that no reader needs much memory. */
export const PARQUET_SETTINGS =
  "SETTINGS output_format_parquet_compression_method = 'zstd', output_format_parquet_row_group_size = 100000";
const SPAN_SETTINGS = "SETTINGS do_not_merge_across_partitions_select_final = 1";
const spanParams = { model: z.string(), from: z.int(), to: z.int() };

/** `to` is excluded; an empty model means all. */
function within(table: ArchivedTable): string {
  const { time } = TABLE_SHAPES[table];
  return `${time} >= {from:DateTime64(3, 'UTC')} AND ${time} < {to:DateTime64(3, 'UTC')}
  AND ({model:String} = '' OR model = {model:String})`;
}

const source = (table: ArchivedTable): string =>
  TABLE_SHAPES[table].final ? `${table} FINAL` : table;

export function partitionsOf(table: ArchivedTable, from: string = table) {
  const { time, unit } = TABLE_SHAPES[table];
  return defineQuery({
    name: `partitions of ${table}`,
    params: z.object(spanParams),
    row: z.object({ partition: z.string(), rows: count }),
    sql: `SELECT ${PARTITION_OF[unit](time)} AS partition, count() AS rows FROM ${from}
WHERE ${within(table)} GROUP BY partition ORDER BY partition`,
  });
}

/** Rows by hour, by which a partition that is too large for one file is cut. */
export function rowsOfHours(table: ArchivedTable) {
  const { time } = TABLE_SHAPES[table];
  return defineQuery({
    name: `rows of ${table} by hour`,
    params: z.object(spanParams),
    row: z.object({ hour: timeMs, rows: count }),
    sql: `SELECT toDateTime64(toStartOfHour(${time}), 3, 'UTC') AS hour, count() AS rows FROM ${table}
WHERE ${within(table)} GROUP BY hour ORDER BY hour`,
  });
}

/** One number per row over all archived columns; nulls are told from zeros. */
export function rowHash(columns: readonly Column[]): string {
  const args = columns.map(({ name, type }) =>
    type.startsWith("Nullable(") ? `ifNull(toString(${name}), '~null')` : name,
  );
  return `cityHash64(${args.join(", ")})`;
}

export interface Column {
  readonly name: string;
  readonly type: string;
}

export interface Content {
  readonly rows: number;
  /** Sum of the rows' hashes modulo 2^64, as a decimal number. */
  readonly checksum: string;
}

export const contentRow = z.object({
  rows: count,
  checksum: z.string(),
  first: timeMs,
  last: timeMs,
});

export function contentOf(columns: readonly Column[], time: string, from: string): string {
  return `SELECT count() AS rows, toString(sum(${rowHash(columns)})) AS checksum, min(${time}) AS first, max(${time}) AS last
FROM ${from}`;
}

/** Rows and checksum of a span as it stands. */
export function contentOfSpan(
  table: ArchivedTable,
  columns: readonly Column[],
  from: string = table,
) {
  const { time, final } = TABLE_SHAPES[table];
  return defineQuery({
    name: `content of ${table}`,
    params: z.object(spanParams),
    row: contentRow,
    sql: `${contentOf(columns, time, final ? `${from} FINAL` : from)} WHERE ${within(table)} ${SPAN_SETTINGS}`,
  });
}

/** The rows of a span for a file: ordered, so that equal rows make equal files more often. */
export function rowsOfSpan(
  table: ArchivedTable,
  columns: readonly Column[],
): DefinedQuery<z.ZodObject<typeof spanParams>, z.ZodObject> {
  return defineQuery({
    name: `archive ${table}`,
    params: z.object(spanParams),
    row: z.object({}),
    sql: `SELECT ${columns.map(({ name }) => name).join(", ")} FROM ${source(table)} WHERE ${within(table)}
${PARQUET_SETTINGS}, do_not_merge_across_partitions_select_final = 1`,
  });
}

/** Where a file is unpacked to be compared or restored; one by command, dropped in the end. */
export function stagingTable(table: ArchivedTable, name: string) {
  const command = (what: string, sql: string): DefinedCommand<z.ZodObject> =>
    defineCommand({ name: `${what} ${name}`, params: z.object({}), sql, repeatable: true });
  return {
    create: command(
      "create",
      `CREATE TABLE IF NOT EXISTS ${name} AS ${table} ENGINE = MergeTree ORDER BY tuple() SETTINGS old_parts_lifetime = 1`,
    ),
    empty: command("empty", `TRUNCATE TABLE IF EXISTS ${name}`),
    drop: command("drop", `DROP TABLE IF EXISTS ${name} SYNC`),
    content: (columns: readonly Column[]) =>
      defineQuery({
        name: `content of ${name}`,
        params: z.object({}),
        row: contentRow,
        sql: contentOf(columns, TABLE_SHAPES[table].time, name),
      }),
    upload: (columns: readonly Column[]) =>
      defineInsert({
        name: `unpack into ${name}`,
        params: z.object({}),
        sql: `INSERT INTO ${name} (${columns.map(({ name: column }) => column).join(", ")}) FORMAT Parquet`,
      }),
  } as const;
}

/** The newest groups of every shard, which recovery may replay. */
export const replayableGroups = defineQuery({
  name: "groups that may be replayed",
  params: z.object({ limit: z.int() }),
  row: z.object({
    shard: count,
    n: count,
    predictions: count,
    labels: count,
    from: timeMs,
    to: timeMs,
    labels_from: timeMs,
    labels_to: timeMs,
  }),
  sql: `SELECT shard, n, predictions, labels, \`from\`, \`to\`, labels_from, labels_to FROM (
  SELECT * FROM ingest_groups ORDER BY shard, n DESC, epoch DESC LIMIT 1 BY shard, n
) ORDER BY shard, n DESC LIMIT {limit:UInt32} BY shard`,
});

/** Rows of a span that belong to the newest groups. */
export function rowsOfReplayable(table: ArchivedTable) {
  return defineQuery({
    name: `rows of ${table} that may be replayed`,
    params: z.object({ ...spanParams, limit: z.int() }),
    row: z.object({ rows: count }),
    sql: `SELECT count() AS rows FROM ${table} WHERE ${within(table)} AND (_shard, _group) IN (
  SELECT shard, n FROM (SELECT DISTINCT shard, n FROM ingest_groups) ORDER BY shard, n DESC LIMIT {limit:UInt32} BY shard)`,
  });
}

/** Models of a span whose clock is a replay's. */
export function replaysIn(table: ArchivedTable) {
  return defineQuery({
    name: `replays in ${table}`,
    params: z.object(spanParams),
    row: z.object({ model: z.string(), time: timeMs }),
    sql: `SELECT model, time FROM model_clocks FINAL WHERE clock = 'replay'
AND model IN (SELECT DISTINCT model FROM ${table} WHERE ${within(table)})`,
  });
}

/**
 * A partition leaves its table as a whole, is compared with what was archived, and only then dropped: a row that
 * came in the last moment is seen, and goes back with all others.
 */
export function leavingTable(table: ArchivedTable, partition: string) {
  if (!/^(?:\d{4}-\d{2}-\d{2}|\d{6})$/.test(partition)) {
    throw new TypeError(`"${partition}" is no partition of ${table}`);
  }
  const name = `${table}_leaving`;
  const command = (what: string, sql: string): DefinedCommand<z.ZodObject> =>
    defineCommand({ name: `${what} ${table}`, params: z.object({}), sql, repeatable: true });
  return {
    name,
    create: command("make room for", `CREATE TABLE IF NOT EXISTS ${name} AS ${table}`),
    leave: command(
      "move out of",
      `ALTER TABLE ${table} MOVE PARTITION '${partition}' TO TABLE ${name}`,
    ),
    comeBack: command(
      "move back into",
      `ALTER TABLE ${name} MOVE PARTITION '${partition}' TO TABLE ${table}`,
    ),
    dropPartition: command(
      "drop a partition of",
      `ALTER TABLE ${name} DROP PARTITION '${partition}'`,
    ),
    drop: command("drop what left", `DROP TABLE IF EXISTS ${name} SYNC`),
  } as const;
}

/** Tables of commands that were killed: nothing runs that long. */
export const leftBehindTables = defineQuery({
  name: "unpacked tables left behind",
  params: z.object({}),
  row: z.object({ name: z.string() }),
  sql: `SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, 'unpacked_')
AND metadata_modification_time < now() - INTERVAL 6 HOUR`,
});
