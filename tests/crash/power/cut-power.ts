/**
 * A power cut: files of processes that were all killed at once are put back to what was fsynced. What was not may
 * be there, in part, as zeros, or not at all; the newest renames of which neither folder was fsynced may be undone.
 */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Random } from "../../../runtime/random.ts";
import { durableState } from "./fsync-log.ts";

export interface PowerCut {
  /** Bytes that were there and are not any more. */
  readonly bytesLost: number;
  readonly filesLost: number;
  readonly renamesUndone: number;
}

/**
 * @param logFile of the processes that write below `folder`; it is emptied
 * @param settledBeforeMs what did not change since is on disk by itself
 */
export function cutPower(
  folder: string,
  logFile: string,
  options: { readonly random: Random; readonly settledBeforeMs: number },
): PowerCut {
  const { random, settledBeforeMs } = options;
  const { sizes, undoable } = durableState(
    existsSync(logFile) ? readFileSync(logFile, "utf8") : "",
  );
  let [bytesLost, filesLost, renamesUndone] = [0, 0, 0];
  for (const path of filesBelow(folder)) {
    const { size, mtimeMs } = statSync(path);
    const durable = sizes.get(path);
    if (durable !== undefined && durable >= size) continue;
    if (mtimeMs < settledBeforeMs) continue;
    const kept = survivor(size, durable, random);
    if (kept === null) {
      rmSync(path);
      filesLost++;
      bytesLost += size;
    } else if (kept.size < size || kept.zeros > 0) {
      bytesLost += size - kept.size;
      resize(path, kept);
    }
  }
  // File systems keep the order of what they do to folders: what came after the last that is kept is undone.
  const kept = random.integer(undoable.length + 1);
  for (const { from, to } of undoable.slice(kept).toReversed()) {
    const isOurs = to.startsWith(`${folder}/`) && existsSync(to) && !existsSync(from);
    if (!isOurs || statSync(to).ctimeMs < settledBeforeMs) continue;
    renameSync(to, from);
    renamesUndone++;
  }
  writeFileSync(logFile, "");
  return { bytesLost, filesLost, renamesUndone };
}

interface Kept {
  readonly size: number;
  /** Bytes at the end that became zeros. */
  readonly zeros: number;
}

/** What is left of a file of which `durable` bytes were fsynced; null: not even its name. */
function survivor(size: number, durable: number | undefined, random: Random): Kept | null {
  const draw = random.next();
  if (durable === undefined && draw < 0.4) return null;
  if (draw > 0.8) return { size, zeros: 0 };
  const kept = (durable ?? 0) + Math.floor(random.next() * (size - (durable ?? 0)));
  const loose = kept - (durable ?? 0);
  return { size: kept, zeros: draw < 0.6 ? 0 : Math.floor(random.next() * loose) };
}

function resize(path: string, { size, zeros }: Kept): void {
  const file = openSync(path, "r+");
  ftruncateSync(file, size - zeros);
  ftruncateSync(file, size);
  closeSync(file);
}

/** Each once, also where a link leads to its folder. */
function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return [...new Set(files.map((entry) => realpathSync(join(entry.parentPath, entry.name))))];
}
