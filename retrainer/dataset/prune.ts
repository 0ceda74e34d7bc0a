/**
 * Keeps the disk from filling over the years: the newest data sets and trainings stay, and all that a
 * version was made of; part files that no data set links to any more go with them.
 */
import { readdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { LIMITS } from "../../contract/limits.ts";

/** @param keep folders that stay whatever their age; @returns how many folders and part files went */
export async function pruneModelFolder(
  modelFolder: string,
  keep: ReadonlySet<string>,
  keptMax: number = LIMITS.datasetsKeptMax,
): Promise<number> {
  const names = new Set([...keep].map((folder) => basename(folder)));
  const gone = await Promise.all(
    ["datasets", "trainings"].map((kind) => pruneFolders(join(modelFolder, kind), names, keptMax)),
  );
  const removed = gone.reduce((sum, count) => sum + count, 0);
  return removed === 0 ? 0 : removed + (await pruneParts(join(modelFolder, "parts")));
}

async function pruneFolders(
  folder: string,
  names: ReadonlySet<string>,
  keptMax: number,
): Promise<number> {
  const found = await Promise.all(
    (await readdir(folder).catch(() => [])).map(async (name) => ({
      name,
      changedMs: (await stat(join(folder, name))).mtimeMs,
    })),
  );
  const old = found
    .sort((a, b) => b.changedMs - a.changedMs)
    .slice(keptMax)
    .filter(({ name }) => !names.has(name));
  for (const { name } of old) await rm(join(folder, name), { recursive: true, force: true });
  return old.length;
}

/** A part whose only link is the cache's own belongs to no data set that is left. */
async function pruneParts(folder: string): Promise<number> {
  let removed = 0;
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.endsWith(".parquet")) continue;
    const { nlink } = await stat(join(folder, name));
    if (nlink > 1) continue;
    // The note first: a part without it is made again.
    await rm(join(folder, name.replace(/\.parquet$/, ".json")), { force: true });
    await rm(join(folder, name), { force: true });
    removed++;
  }
  return removed;
}
