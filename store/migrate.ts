/**
 * The schema, step by step: numbered files of store/migrations, each run once and remembered with its
 * checksum, then what is kept for how long. Statements say IF NOT EXISTS, so a migration that was cut
 * short is simply run again. `up` and `driftmend migrate` run it; services only check.
 */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DriftmendError } from "../contract/driftmend-error.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Store } from "./client.ts";
import { count } from "./column-schemas.ts";
import { defineCommand, defineQuery } from "./define-query.ts";
import { ColdTier, Retention, applyRetention } from "./retention.ts";

export interface MigrateOptions {
  /** Name of a cluster in ClickHouse's configuration: DDL is run on it, tables are replicated. */
  readonly cluster?: string;
  /** ReplicatedMergeTree, as every server should have it, a single one too; not the embedded engine. */
  readonly replicated?: boolean;
  /** Days by table; see `Retention`. */
  readonly retention?: z.input<typeof Retention>;
  /** Where rows lie before they go; none: one volume. */
  readonly cold?: z.input<typeof ColdTier>;
}

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
  readonly text: string;
}

const FOLDER = join(import.meta.dirname, "migrations");
const DEDUPLICATION = {
  plain: "non_replicated_deduplication_window = 20000",
  replicated:
    "replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 604800",
};
const DURABLE = "fsync_after_insert = 1, fsync_part_directory = 1";

const appliedMigrations = defineQuery({
  name: "migrations applied",
  params: z.object({}),
  row: z.object({ version: count, checksum: z.string() }),
  sql: "SELECT version, any(checksum) AS checksum FROM schema_migrations GROUP BY version ORDER BY version",
});

const migrationTables = defineQuery({
  name: "migration table",
  params: z.object({}),
  row: z.object({ n: count }),
  sql: "SELECT count() AS n FROM system.tables WHERE database = currentDatabase() AND name = 'schema_migrations'",
});

/** All migrations of this version of Driftmend, in order. */
export function readMigrations(folder: string = FOLDER): readonly Migration[] {
  return readdirSync(folder)
    .filter((file) => /^\d{4}_\w+\.sql$/.test(file))
    .sort()
    .map((file) => {
      const text = readFileSync(join(folder, file), "utf8");
      return {
        version: Number.parseInt(file.slice(0, 4), 10),
        name: file.slice(5, -4),
        checksum: createHash("sha256").update(text).digest("hex"),
        text,
      };
    });
}

/**
 * Makes the database and brings its schema to this version.
 * @throws {DriftmendError} schema_newer, migration_changed, store_unreachable, store_refused
 */
export async function migrate(
  store: Store,
  options: MigrateOptions,
  deps: { clock: Clock },
): Promise<{ applied: readonly string[] }> {
  const onCluster = options.cluster === undefined ? "" : `ON CLUSTER '${options.cluster}'`;
  const retention = Retention.parse(options.retention ?? {});
  const cold = options.cold === undefined ? null : ColdTier.parse(options.cold);
  const replicated = options.replicated === true || options.cluster !== undefined;
  const fill = (text: string): string =>
    text
      .replaceAll("{{on_cluster}}", onCluster)
      .replaceAll("{{replicated}}", replicated ? "Replicated" : "")
      .replaceAll("{{deduplication}}", replicated ? DEDUPLICATION.replicated : DEDUPLICATION.plain)
      .replaceAll("{{durable}}", DURABLE);
  const outside = store.withDatabase("default");
  try {
    await runStatement(
      outside,
      `CREATE DATABASE IF NOT EXISTS ${store.database} ${onCluster} ENGINE = Atomic`,
    );
  } finally {
    await outside.close();
  }
  await runStatement(
    store,
    fill(
      `CREATE TABLE IF NOT EXISTS schema_migrations {{on_cluster}} (
         version UInt32, name String, checksum String, applied DateTime64(3, 'UTC')
       ) ENGINE = {{replicated}}MergeTree ORDER BY version SETTINGS {{deduplication}}, {{durable}}`,
    ),
  );
  const migrations = readMigrations();
  const missing = compare(migrations, await store.query(appliedMigrations, {}));
  for (const migration of missing) {
    for (const statement of statementsOf(fill(migration.text)))
      await runStatement(store, statement);
    const { version, name, checksum } = migration;
    const applied = deps.clock.nowMs();
    await store.insert("schema_migrations", [{ version, name, checksum, applied }], {
      token: `migration/${version}`,
    });
  }
  await applyRetention(store, retention, onCluster, cold);
  return { applied: missing.map((migration) => migration.name) };
}

/**
 * Says whether the schema is this version's: what a service asks before it starts.
 * @throws {DriftmendError} schema_missing (later: somebody migrates), schema_newer, migration_changed
 */
export async function checkSchema(store: Store): Promise<void> {
  const [table] = await store.query(migrationTables, {});
  const applied = table?.n === 1 ? await store.query(appliedMigrations, {}) : [];
  const missing = compare(readMigrations(), applied);
  if (missing.length === 0) return;
  throw new DriftmendError("schema_missing", {
    retry: "later",
    message: `Cannot use the database "${store.database}" as its schema must be migrated: missing are ${missing.map((migration) => migration.name).join(", ")}`,
    next: 'Run "driftmend migrate".',
  });
}

/** The migrations still to run. */
function compare(
  known: readonly Migration[],
  applied: readonly { readonly version: number; readonly checksum: string }[],
): readonly Migration[] {
  const checksums = new Map(applied.map(({ version, checksum }) => [version, checksum]));
  for (const { version, checksum } of applied) {
    const migration = known.find((candidate) => candidate.version === version);
    if (migration === undefined) {
      throw new DriftmendError("schema_newer", {
        retry: "never",
        message: `Cannot use these data as this version knows migrations up to ${known.at(-1)?.version ?? 0}: the data have ${version}`,
        next: "Use the newer version of Driftmend that wrote them, or another data directory.",
      });
    }
    if (migration.checksum !== checksum) {
      throw new DriftmendError("migration_changed", {
        retry: "never",
        message: `Cannot use these data as migration ${version} must be the one that made them: its checksum differs`,
        next: "Use the version of Driftmend that made the data; migrations are never edited once released.",
      });
    }
  }
  return known.filter((migration) => !checksums.has(migration.version));
}

/** Statements end with a semicolon at the end of a line; whole-line comments are dropped. */
export function statementsOf(text: string): readonly string[] {
  return text
    .split("\n")
    .filter((line) => !line.startsWith("--"))
    .join("\n")
    .split(/;\s*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}

async function runStatement(store: Store, sql: string): Promise<void> {
  const name = `migration: ${sql.slice(0, 60).split("(")[0]?.trim() ?? ""}`;
  const command = defineCommand({ name, params: z.object({}), sql, repeatable: true });
  await store.command(command, {});
}
