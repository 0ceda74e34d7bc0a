/**
 * One process per directory, known before anything in it is touched. The lock is SQLite's on an
 * otherwise empty file: the system drops it when the process dies, however it dies, and it needs no pid,
 * which says nothing where several containers share a folder.
 */
import { DatabaseSync } from "node:sqlite";

export interface DirectoryLock {
  release(): void;
}

/** Takes the lock of `lockFile`, made if need be; null while someone holds it, in this process or another. */
export function lockDirectory(lockFile: string): DirectoryLock | null {
  const database = new DatabaseSync(lockFile, { timeout: 0 });
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    if (!(cause instanceof Error) || !/locked|busy/i.test(cause.message)) throw cause;
    return null;
  }
  return { release: () => database.close() };
}
