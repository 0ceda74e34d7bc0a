/**
 * Part files on disk: streamed from the store as Parquet, renamed when whole, with their digest beside
 * them. A part without its digest file was cut short and is written again.
 */
import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../../runtime/atomic-file.ts";
import type { Store } from "../../store/client.ts";
import { type RowColumns, trainingRows } from "../../store/queries/training-rows.ts";
import { exclusionsOf } from "./exclusions.ts";
import type { DatasetPart } from "./plan-parts.ts";

const PartFile = z.object({ sha256: z.string(), bytes: z.int() });

export interface CachedPart extends z.infer<typeof PartFile> {
  readonly path: string;
  readonly exported: boolean;
}

export async function cachedPart(
  request: {
    readonly model: string;
    readonly knownMs: number;
    readonly columns: RowColumns;
    /** Folder of the model's parts. */
    readonly folder: string;
    readonly part: DatasetPart;
  },
  store: Store,
): Promise<CachedPart> {
  const { part, folder, model, knownMs } = request;
  const path = join(folder, `${part.key}.parquet`);
  const note = join(folder, `${part.key}.json`);
  const known = await readFile(note, "utf8").catch(() => null);
  if (known !== null) return { ...PartFile.parse(JSON.parse(known)), path, exported: false };
  await mkdir(folder, { recursive: true });
  const { fromMs, toMs } = part;
  const stream = await store.stream(
    trainingRows(request.columns),
    { model, fromMs, toMs, knownMs, ...exclusionsOf(part.exclusions) },
    "Parquet",
  );
  const written = await writeStream(`${path}.tmp`, stream);
  await rename(`${path}.tmp`, path);
  await writeFileAtomic(note, JSON.stringify(written));
  return { ...written, path, exported: true };
}

async function writeStream(
  path: string,
  stream: AsyncIterable<Uint8Array>,
): Promise<{ sha256: string; bytes: number }> {
  const digest = createHash("sha256");
  let bytes = 0;
  const file = await open(path, "w");
  try {
    for await (const chunk of stream) {
      digest.update(chunk);
      bytes += chunk.length;
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sha256: digest.digest("hex"), bytes };
}
