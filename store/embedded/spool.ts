/**
 * Files between HTTP and the engine: bodies of inserts and results that cannot be streamed. They
 * live in memory (tmpfs) when they surely fit, else in the data directory; what a killed process
 * left is swept.
 */
import { mkdirSync, readdirSync, rmSync, statSync, statfsSync } from "node:fs";
import { join } from "node:path";

export interface SpoolFolders {
  /** A folder on tmpfs, or undefined where there is none. */
  readonly memory: string | undefined;
  readonly disk: string;
}

export type SpoolChoice = { readonly folder: string; readonly reason: string };

/**
 * Where a file of `bytes` goes (undefined: not known yet, at most `bytesMax`). Half of tmpfs stays
 * free: it is memory that the engine and others need.
 */
export function chooseSpoolFolder(
  folders: SpoolFolders,
  freeMemoryBytes: number,
  size: { readonly bytes: number | undefined; readonly bytesMax: number },
): SpoolChoice {
  if (folders.memory === undefined) return { folder: folders.disk, reason: "no tmpfs" };
  const wanted = size.bytes ?? size.bytesMax;
  if (wanted * 2 > freeMemoryBytes) {
    return { folder: folders.disk, reason: `tmpfs has ${freeMemoryBytes} bytes free` };
  }
  return { folder: folders.memory, reason: "fits into tmpfs" };
}

export interface Spool {
  /** A path for a new file; the caller removes it. */
  newFile(size: { readonly bytes: number | undefined; readonly bytesMax: number }): string;
  remove(path: string): void;
  sweep(): void;
}

/**
 * @param instance names the files of this data directory, so that two endpoints may share a tmpfs
 */
export function createSpool(folders: SpoolFolders, instance: string): Spool {
  let next = 0;
  for (const folder of [folders.memory, folders.disk]) {
    if (folder !== undefined) mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
  const prefix = `driftmend-${instance}-`;
  return {
    newFile: (size) => {
      const { folder } = chooseSpoolFolder(folders, freeBytes(folders.memory), size);
      return join(folder, `${prefix}${next++}`);
    },
    remove: (path) => rmSync(path, { force: true }),
    sweep: () => {
      for (const folder of [folders.memory, folders.disk]) {
        if (folder === undefined) continue;
        for (const name of readdirSync(folder)) {
          if (name.startsWith(prefix)) rmSync(join(folder, name), { force: true });
        }
      }
    },
  };
}

/** Bytes that may still be written into `folder`; 0 where that cannot be told. */
export function freeBytes(folder: string | undefined): number {
  if (folder === undefined) return 0;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** The tmpfs of the system, where there is one that may be written to. */
export function systemMemoryFolder(path = "/dev/shm"): string | undefined {
  try {
    return statSync(path).isDirectory() ? path : undefined;
  } catch {
    return undefined;
  }
}
