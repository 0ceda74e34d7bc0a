/** `driftmend restore`: what an archive holds and the database does not, put back. */
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { ARCHIVED_TABLES, storeIdentity } from "../../store/queries/archive.ts";
import { withDataStore } from "../archive/data-store.ts";
import { bringBackLeaving } from "../archive/drop-partition.ts";
import { folderOf } from "../archive/folder-of.ts";
import { type ArchiveManifest, type ArchivedPartition, readManifest } from "../archive/manifest.ts";
import {
  type RestoreDeps,
  type RestoredPartition,
  checkArchive,
  columnsOf,
  restorePartition,
} from "../archive/restore-archive.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { formatCount } from "../format.ts";
import { answer } from "../remote.ts";
import { renderTable } from "../table.ts";
import { processName } from "./archive.ts";

const Options = z.object({
  table: z.enum(ARCHIVED_TABLES).optional(),
  partition: z.string().optional(),
  dryRun: z.boolean().optional(),
  by: z.string().prefault("cli"),
  json: z.boolean().optional(),
});
type Options = z.output<typeof Options>;

export async function restore(context: CommandContext): Promise<number> {
  const options = optionsOf(context, Options);
  const folder = folderOf(context.args[0] ?? "");
  const manifest = await readManifest(folder);
  if (manifest === null) throw noArchive(folder);
  const chosen = chosenOf(manifest, options);
  const { rows, elsewhere } = await withDataStore(context, "restore", async (store) => {
    const { clock } = context;
    const deps: RestoreDeps = {
      store,
      clock,
      folder,
      by: options.by,
      process: processName(context),
    };
    await checkArchive(manifest, chosen, deps);
    const dryRun = options.dryRun === true;
    if (!dryRun) await bringBackLeaving(store);
    const done: RestoredPartition[] = [];
    for (const entry of chosen) {
      done.push(await restorePartition(entry, columnsOf(manifest, entry.table), dryRun, deps));
    }
    const [identity] = await store.query(storeIdentity, {});
    return { rows: done, elsewhere: identity?.id !== manifest.store };
  });
  answer(context, { json: options.json === true }, { folder, elsewhere, partitions: rows }, () =>
    linesOf(rows, options, elsewhere, context),
  );
  return 0;
}

function chosenOf(manifest: ArchiveManifest, { table, partition }: Options): ArchivedPartition[] {
  const chosen = manifest.partitions.filter(
    (one) =>
      (table === undefined || one.table === table) &&
      (partition === undefined || one.partition === partition),
  );
  if (chosen.length > 0) return chosen;
  throw new DriftmendError("usage", {
    retry: "never",
    message: `Cannot restore ${table ?? "any table"} ${partition ?? ""} as the archive must hold it: it holds ${manifest.partitions
      .map((one) => `${one.table} ${one.partition}`)
      .slice(0, 20)
      .join(", ")}`,
  });
}

const noArchive = (folder: string): DriftmendError =>
  new DriftmendError("archive_invalid", {
    retry: "never",
    message: `Cannot restore "${folder}" as an archive must have a manifest.json: there is none`,
    next: 'One that was cut short has none either: run the same "driftmend archive" again, it goes on where it was.',
  });

function linesOf(
  rows: readonly RestoredPartition[],
  options: Options,
  elsewhere: boolean,
  context: CommandContext,
): string[] {
  const dry = options.dryRun === true;
  const partial = rows.filter(({ whole }) => whole === false);
  return [
    ...renderTable<RestoredPartition>(
      [
        { title: "table", value: ({ table }) => table },
        { title: "partition", value: ({ partition }) => partition },
        { title: "rows", value: (row) => formatCount(row.rows), align: "right" },
        {
          title: dry ? "missing" : "restored",
          value: ({ missing }) => formatCount(missing),
          align: "right",
        },
        {
          title: "erased since",
          value: ({ erased }) => (erased === 0 ? "" : formatCount(erased)),
          align: "right",
        },
      ],
      rows,
      context,
    ),
    "",
    dry ? "Nothing was written" : "Every row of the archive that was not erased is in the database",
    ...(partial.length === 0
      ? []
      : [
          `Raw rows of ${partial.map(({ partition }) => partition).join(", ")} are not what rollups count: these days stay out of comparisons (docs/data-care.md)`,
        ]),
    ...(elsewhere
      ? ["The archive is of another database: rows are restored, rollups are not made of them"]
      : []),
  ];
}
