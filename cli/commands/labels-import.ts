/** `driftmend labels import`: a file of labels through the agent's door, in batches, each answered. */
import { createReadStream, existsSync } from "node:fs";
import { extname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { labelOf } from "../../contract/label-row.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { labelsFile } from "../../store/queries/labels-file.ts";
import { postLines } from "../agent-door.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { formatCount } from "../format.ts";
import { csvFields, isOpenRecord } from "../csv-records.ts";
import { asTyped } from "../typed-command.ts";
import { type Remote, answer, connectRemote, localSystem } from "../remote.ts";

const BATCH_ROWS = 20_000;
const Options = z.object({ model: z.string() });

export async function labelsImport(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const { model } = optionsOf(context, Options);
  const path = resolve(context.args[0] ?? "");
  if (!existsSync(path)) throw fileMissing(path);
  let accepted = 0;
  let rejected = 0;
  let batch: string[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    const taken = await postLines(remote, "labels", `${batch.join("\n")}\n`);
    accepted += taken.repeated ? batch.length : taken.accepted;
    rejected += taken.rejected;
    batch = [];
  };
  for await (const { row, place } of rowsOf(path, remote, context)) {
    batch.push(JSON.stringify(labelOf(row, model, place)));
    if (batch.length < BATCH_ROWS) continue;
    await flush();
    if (!remote.json) context.note(`${formatCount(accepted)} labels so far`);
  }
  await flush();
  answer(context, remote, { model, labels: accepted, rejected }, () => [
    `${formatCount(accepted)} labels of "${model}" are accepted; they show once their windows are evaluated again`,
    ...(rejected === 0
      ? []
      : [
          asTyped(
            `${formatCount(rejected)} are rejected: "driftmend dead-letters list" says why`,
            context.typed,
          ),
        ]),
  ]);
  return rejected === 0 ? 0 : 1;
}

interface PlacedRow {
  readonly row: unknown;
  readonly place: string;
}

async function* rowsOf(
  path: string,
  remote: Remote,
  context: CommandContext,
): AsyncGenerator<PlacedRow> {
  const kind = extname(path.replace(/\.gz$/, "")).toLowerCase();
  if (kind === ".parquet") yield* parquetRows(path, remote, context);
  else if (kind === ".csv") yield* csvRows(linesOfFile(path));
  else if ([".jsonl", ".ndjson", ".json"].includes(kind)) yield* jsonRows(linesOfFile(path));
  else {
    throw new DriftmendError("labels_file_invalid", {
      retry: "never",
      message: `Cannot import "${path}" as its ending must say what it is: "${kind}"`,
      next: "Name a file that ends in .jsonl, .csv or .parquet (.gz after the first two).",
    });
  }
}

const fileMissing = (path: string): DriftmendError =>
  new DriftmendError("labels_file_invalid", {
    retry: "never",
    message: `Cannot import "${path}" as it must be a file: there is none`,
    next: "Name a file that ends in .jsonl, .csv or .parquet (.gz after the first two).",
  });

/** The engine reads Parquet; it lies on the same machine. */
async function* parquetRows(
  path: string,
  remote: Remote,
  context: CommandContext,
): AsyncGenerator<PlacedRow> {
  const ready = localSystem(remote, "import Parquet");
  const { openStore } = await import("../../store/client.ts");
  const deps = { clock: context.clock, logger: silentLogger };
  const store = openStore({ ...ready.clickhouse, database: "default" }, deps);
  try {
    const stream = await store.stream(labelsFile, { path }, "JSONEachRow");
    yield* jsonRows(createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }));
  } finally {
    await store.close();
  }
}

function linesOfFile(path: string): AsyncIterable<string> {
  const file = createReadStream(path);
  const input = path.endsWith(".gz") ? file.pipe(createGunzip()) : file;
  return createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
}

async function* jsonRows(lines: AsyncIterable<string>): AsyncGenerator<PlacedRow> {
  let number = 0;
  for await (const line of lines) {
    number += 1;
    if (line.trim() === "") continue;
    const place = `line ${number}`;
    try {
      yield { row: JSON.parse(line), place };
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw new DriftmendError("labels_file_invalid", {
        retry: "never",
        message: `Cannot import ${place} as it must be one JSON object: ${cause.message}`,
        next: "Correct that line; nothing after it was sent.",
        cause,
      });
    }
  }
}

async function* csvRows(lines: AsyncIterable<string>): AsyncGenerator<PlacedRow> {
  let header: string[] | undefined;
  let record = "";
  let number = 0;
  for await (const line of lines) {
    number += 1;
    record = record === "" ? line : `${record}\n${line}`;
    if (isOpenRecord(record) || record.trim() === "") continue;
    const fields = csvFields(record);
    record = "";
    if (header === undefined) header = fields.map((name) => name.trim());
    else {
      const row = Object.fromEntries(header.map((name, index) => [name, fields[index]]));
      yield { row, place: `line ${number}` };
    }
  }
}
