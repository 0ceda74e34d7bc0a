/** `driftmend erase`: one prediction or one subject, out of the tables and, by its folder, out of an archive. */
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { type RewrittenPartition, eraseFromArchive } from "../archive/erase-archive.ts";
import { withDataStore } from "../archive/data-store.ts";
import { folderOf } from "../archive/folder-of.ts";
import { readManifest } from "../archive/manifest.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { formatCount } from "../format.ts";
import { answer, connectRemote } from "../remote.ts";
import { processName } from "./archive.ts";

const Options = z.object({
  model: z.string().optional(),
  prediction: z.string().min(1).optional(),
  subject: z.string().optional(),
  archive: z.string().optional(),
  reason: z.string().prefault(""),
  dryRun: z.boolean().optional(),
  yes: z.boolean().optional(),
  by: z.string().prefault("cli"),
  json: z.boolean().optional(),
});
type Options = z.output<typeof Options>;

const Erased = z.looseObject({
  id: z.string().nullable(),
  state: z.enum(["planned", "done"]),
  counts: z.record(z.string(), z.int()),
  lettersOfOthers: z.int(),
  onTheWay: z.object({ spools: z.int(), frames: z.int() }).nullable(),
  goneFromDisk: z.boolean().nullable(),
  namesKept: z.record(z.string(), z.int()).nullable(),
  datasets: z.array(z.object({ run: z.string(), folder: z.string() })),
});
type Erased = z.output<typeof Erased>;

/** Mutations of large tables take their time. */
const TIMEOUT_MS = 3_600_000;
const DATASETS_SHOWN = 10;

export async function erase(context: CommandContext): Promise<number> {
  const options = optionsOf(context, Options);
  const dryRun = options.dryRun === true || options.yes !== true;
  const what = whatOf(options);
  if (what === null && options.archive === undefined) throw nothingMeant();
  const erased = what === null ? null : await ask(what, options, dryRun, context);
  const archived =
    options.archive === undefined ? null : await rewrite(options.archive, dryRun, context);
  answer(context, { json: options.json === true }, { erased, archive: archived }, () => [
    ...(erased === null ? [] : linesOf(erased)),
    ...(archived === null ? [] : archiveLines(archived, dryRun)),
    ...(dryRun
      ? ["Nothing was erased", ...(options.dryRun === true ? [] : ["Add --yes to do it"])]
      : []),
  ]);
  const isIncomplete = (erased?.onTheWay?.frames ?? 0) > 0;
  return isIncomplete || (dryRun && options.dryRun !== true) ? 1 : 0;
}

type What =
  | { readonly kind: "prediction"; readonly id: string }
  | { readonly kind: "tag" | "feature"; readonly name: string; readonly value: string };

function whatOf({ prediction, subject }: Options): What | null {
  if (prediction !== undefined && subject !== undefined) {
    throw usage("one of --prediction and --subject must say what is meant: both are given");
  }
  if (prediction !== undefined) return { kind: "prediction", id: prediction };
  return subject === undefined ? null : parseSubject(subject);
}

/** "tag[customer]=42": the name ends at the first "]=". */
export function parseSubject(text: string): What {
  const found = /^(tag|feature)\[(.+?)\]=(.*)$/s.exec(text);
  const [, kind, name = "", value = ""] = found ?? [];
  if (kind === "tag" || kind === "feature") return { kind, name, value };
  throw usage(`a subject must read tag[name]=value or feature[name]=value: it reads "${text}"`);
}

async function ask(what: What, options: Options, dryRun: boolean, context: CommandContext) {
  const { model, by, reason } = options;
  if (model === undefined) throw usage("--model must say whose rows are meant: it is not given");
  return connectRemote(context).api.request({
    method: "POST",
    path: "/api/v1/erasures",
    body: { model, what, by, reason, dryRun },
    schema: Erased,
    timeoutMs: TIMEOUT_MS,
  });
}

async function rewrite(
  place: string,
  dryRun: boolean,
  context: CommandContext,
): Promise<RewrittenPartition[]> {
  const folder = folderOf(place);
  const manifest = await readManifest(folder);
  if (manifest === null) {
    throw new DriftmendError("archive_invalid", {
      retry: "never",
      message: `Cannot erase from "${folder}" as an archive must have a manifest.json: there is none`,
      next: "Name the folder of an archive.",
    });
  }
  return withDataStore(context, "erase from an archive", (store) =>
    eraseFromArchive(manifest, dryRun, {
      ...{ store, folder, clock: context.clock, process: processName(context) },
    }),
  );
}

function linesOf(erased: Erased): string[] {
  const counts = Object.entries(erased.counts).filter(([, rows]) => rows > 0);
  const planned = erased.state === "planned";
  const kept = Object.entries(erased.namesKept ?? {}).filter(([, rows]) => rows > 0);
  return [
    counts.length === 0
      ? "No row is stored of it"
      : `${planned ? "Would be erased" : "Erased"}: ${counts.map(([table, rows]) => `${table} ${formatCount(rows)}`).join(", ")}`,
    ...(erased.lettersOfOthers > 0
      ? [
          `With dead letters ${planned ? "would go" : "went"} ${formatCount(erased.lettersOfOthers)} records of others: they lie in one piece of bytes`,
        ]
      : []),
    ...(erased.goneFromDisk === false
      ? ["The disk of the store loses the last bytes within eight minutes"]
      : []),
    ...((erased.onTheWay?.frames ?? 0) > 0
      ? [
          `${formatCount(erased.onTheWay?.frames ?? 0)} frames of ${formatCount(erased.onTheWay?.spools ?? 0)} agents were not stored in time: run it again once they are`,
        ]
      : []),
    ...(kept.length > 0
      ? [
          `The value stays as a name of cells that count rows: ${kept.map(([place, rows]) => `${place} ${formatCount(rows)}`).join(", ")} (docs/data-care.md)`,
        ]
      : []),
    ...(erased.datasets.length > 0
      ? [
          `Data sets that may hold it: ${erased.datasets
            .slice(0, DATASETS_SHOWN)
            .map(({ folder }) => folder)
            .join(", ")}${erased.datasets.length > DATASETS_SHOWN ? ", …" : ""}`,
        ]
      : []),
    'Archives that were written before hold it still: "driftmend erase --archive <folder> --yes" rewrites one',
  ];
}

function archiveLines(rewritten: readonly RewrittenPartition[], dryRun: boolean): string[] {
  const hit = rewritten.filter(({ erased }) => erased > 0);
  if (hit.length === 0) return ["The archive holds nothing that was erased since it was written"];
  return hit.map(
    ({ table, partition, erased }) =>
      `${table} ${partition}: ${formatCount(erased)} rows ${dryRun ? "would go" : "are gone"}`,
  );
}

const nothingMeant = (): DriftmendError =>
  usage("--prediction, --subject or --archive must say what is meant: none is given");

const usage = (state: string): DriftmendError =>
  new DriftmendError("usage", {
    retry: "never",
    message: `Cannot erase as ${state}`,
    next: '"driftmend erase --help" has examples.',
  });
