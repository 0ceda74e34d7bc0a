/** `driftmend archive`: old partitions as Parquet files with a manifest, and out of the database where that is wanted. */
import { mkdir } from "node:fs/promises";
import { z } from "zod";
import { Duration } from "../../contract/duration.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { Store } from "../../store/client.ts";
import {
  ARCHIVED_TABLES,
  type ArchivedTable,
  leftBehindTables,
  partitionsOf,
  stagingTable,
  storeIdentity,
} from "../../store/queries/archive.ts";
import { withDataStore } from "../archive/data-store.ts";
import { bringBackLeaving, dropPartition, judgeDrop } from "../archive/drop-partition.ts";
import { folderOf } from "../archive/folder-of.ts";
import {
  type ArchiveManifest,
  type ArchivedPartition,
  newManifest,
  readManifest,
  writeManifest,
} from "../archive/manifest.ts";
import type { MayDrop } from "../archive/may-drop.ts";
import { spanOfPartition } from "../archive/span-of-partition.ts";
import {
  archivedColumns,
  sweepFolder,
  withPartition,
  writePartition,
} from "../archive/write-archive.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { formatBytes, formatCount } from "../format.ts";
import { answer } from "../remote.ts";
import { renderTable } from "../table.ts";
import { version } from "../version.ts";

const Options = z.object({
  table: z.enum(ARCHIVED_TABLES).optional(),
  model: z.string().min(1).optional(),
  before: z.string().optional(),
  olderThan: z.string().optional(),
  to: z.string(),
  drop: z.boolean().optional(),
  dryRun: z.boolean().optional(),
  by: z.string().prefault("cli"),
  json: z.boolean().optional(),
});
type Options = z.output<typeof Options>;

interface Row {
  readonly table: ArchivedTable;
  readonly partition: string;
  readonly rows: number;
  /** Null in a dry run. */
  readonly bytes: number | null;
  readonly state: "planned" | "kept" | "written";
  readonly drop: MayDrop | null;
}

export async function archive(context: CommandContext): Promise<number> {
  const options = optionsOf(context, Options);
  const beforeMs = beforeOf(options, context.clock.nowMs());
  if (options.drop === true && options.model !== undefined) throw dropsAllModels();
  const folder = folderOf(options.to);
  const rows = await withDataStore(context, "archive", (store) =>
    archiveInto(folder, { options, beforeMs, store, context }),
  );
  const result = { folder, before: new Date(beforeMs).toISOString(), partitions: rows };
  answer(context, { json: options.json === true }, result, () =>
    linesOf(rows, options, folder, context),
  );
  return rows.some(({ drop }) => drop?.kind === "no") ? 1 : 0;
}

interface Work {
  readonly options: Options;
  readonly beforeMs: number;
  readonly store: Store;
  readonly context: CommandContext;
}

async function archiveInto(folder: string, work: Work): Promise<Row[]> {
  const { options, store, context } = work;
  if (options.dryRun === true) return planned(work);
  await clearLeftBehind(store);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let manifest = await openManifest(folder, work);
  const deps = { store, folder, process: processName(context), clock: context.clock };
  const rows: Row[] = [];
  const entries: ArchivedPartition[] = [];
  for (const { table, partition } of await chosen(work)) {
    const columns = await archivedColumns(store, table);
    checkColumns(manifest, table, columns, folder);
    const model = options.model ?? null;
    const { entry, kept } = await writePartition({ table, partition, model }, columns, deps);
    manifest = withPartition(manifest, entry, columns);
    entries.push(entry);
    const bytes = entry.files.reduce((sum, file) => sum + file.bytes, 0);
    const state = kept === entry.files.length ? "kept" : "written";
    rows.push({ table, partition, rows: entry.rows, bytes, state, drop: null });
    if (options.json !== true)
      context.note(`${table} ${partition}: ${formatCount(entry.rows)} rows`);
  }
  if (rows.length === 0) return rows;
  await writeManifest(folder, manifest);
  await sweepFolder(folder, manifest);
  if (options.drop !== true) return rows;
  // Only now: what is dropped must be in an archive that is whole.
  const dropped: Row[] = [];
  for (const [index, entry] of entries.entries()) {
    const columns = manifest.columns[entry.table] ?? [];
    const drop = await dropPartition(entry, columns, {
      store,
      clock: context.clock,
      by: options.by,
    });
    const row = rows[index];
    if (row !== undefined) dropped.push({ ...row, drop });
  }
  return dropped;
}

async function planned(work: Work): Promise<Row[]> {
  const { store, context, options } = work;
  const rows: Row[] = [];
  for (const { table, partition, rows: count } of await chosen(work)) {
    const drop =
      options.drop === true
        ? await judgeDrop(table, partition, { store, clock: context.clock })
        : null;
    rows.push({ table, partition, rows: count, bytes: null, state: "planned", drop });
  }
  return rows;
}

/** Partitions that end before the moment asked for, oldest first. */
async function chosen({ options, beforeMs, store }: Work) {
  const found: { table: ArchivedTable; partition: string; rows: number }[] = [];
  for (const table of ARCHIVED_TABLES) {
    if (options.table !== undefined && options.table !== table) continue;
    const params = { model: options.model ?? "", from: 0, to: beforeMs };
    for (const one of await store.query(partitionsOf(table), params)) {
      if (spanOfPartition(one.partition).to <= beforeMs) found.push({ table, ...one });
    }
  }
  return found;
}

async function openManifest(
  folder: string,
  { store, options, context }: Work,
): Promise<ArchiveManifest> {
  const [identity] = await store.query(storeIdentity, {});
  const of = {
    store: identity?.id ?? "",
    migration: identity?.migration ?? 0,
    written: new Date(context.clock.nowMs()).toISOString(),
    by: options.by,
    version: version(),
  };
  const known = await readManifest(folder);
  if (known === null) return newManifest(of);
  if (known.store === of.store) return { ...known, ...of };
  throw new DriftmendError("archive_invalid", {
    retry: "never",
    message: `Cannot add to the archive "${folder}" as its rows must be of the same database: they are of "${known.store}", this is "${of.store}"`,
    next: "Name another folder.",
  });
}

function checkColumns(
  manifest: ArchiveManifest,
  table: ArchivedTable,
  columns: readonly { name: string; type: string }[],
  folder: string,
): void {
  const known = manifest.columns[table];
  if (known === undefined || JSON.stringify(known) === JSON.stringify(columns)) return;
  throw new DriftmendError("archive_schema", {
    retry: "never",
    message: `Cannot add ${table} to the archive "${folder}" as all of its files must have the same columns: the table has changed since`,
    next: "Name another folder; what was archived stays as it is.",
  });
}

async function clearLeftBehind(store: Store): Promise<void> {
  await bringBackLeaving(store);
  for (const { name } of await store.query(leftBehindTables, {})) {
    await store.command(stagingTable("predictions", name).drop, {});
  }
}

/** Of this run: two that run at once do not meet in one table. */
export const processName = (context: Pick<CommandContext, "clock">): string =>
  `${process.pid.toString(36)}_${Math.floor(context.clock.nowMs()).toString(36)}`;

function beforeOf({ before, olderThan }: Options, nowMs: number): number {
  if (olderThan !== undefined) return nowMs - Duration.parse(olderThan);
  const beforeMs = Date.parse(before ?? "");
  if (before !== undefined && !Number.isNaN(beforeMs)) return beforeMs;
  throw new DriftmendError("usage", {
    retry: "never",
    message: `Cannot tell what is old as --before or --older-than must say so: ${before === undefined ? "neither is given" : `"${before}" is no time`}`,
    next: 'For example "driftmend archive --older-than 60d --to archive" or --before 2026-03-01.',
  });
}

const dropsAllModels = (): DriftmendError =>
  new DriftmendError("usage", {
    retry: "never",
    message:
      "Cannot drop what was archived as a partition goes as a whole: --model archives one model of it",
    next: "Leave out --model, or leave out --drop.",
  });

function linesOf(
  rows: readonly Row[],
  options: Options,
  folder: string,
  context: CommandContext,
): string[] {
  if (rows.length === 0) return ["No partition is that old"];
  const refused = rows.filter(({ drop }) => drop?.kind === "no");
  const gone = rows.filter(({ drop }) => drop?.kind === "yes");
  const dry = options.dryRun === true;
  return [
    ...renderTable<Row>(
      [
        { title: "table", value: ({ table }) => table },
        { title: "partition", value: ({ partition }) => partition },
        { title: "rows", value: (row) => formatCount(row.rows), align: "right" },
        {
          title: "size",
          value: ({ bytes }) => (bytes === null ? "" : formatBytes(bytes)),
          align: "right",
        },
        { title: "state", value: ({ state, drop }) => stateOf(state, drop, dry) },
      ],
      rows,
      context,
    ),
    "",
    dry ? "Nothing was written" : `${folder} is whole: manifest.json was written last`,
    ...(gone.length === 0
      ? []
      : [
          `${gone.length} partitions ${dry ? "would be" : "are"} out of the database: their rows cannot be looked at, recomputed or trained on until they are restored; rollups, alerts and results stay`,
        ]),
    ...refused.map(({ table, partition, drop }) =>
      drop?.kind === "no" ? `Not dropped: ${table} ${partition}, as ${drop.reason}` : "",
    ),
  ];
}

function stateOf(state: Row["state"], drop: MayDrop | null, dry: boolean): string {
  if (drop?.kind === "yes") return dry ? "would be dropped" : "archived and dropped";
  if (state === "planned")
    return drop === null ? "would be archived" : "would be archived, not dropped";
  return state === "kept" ? "was archived before" : "archived";
}
