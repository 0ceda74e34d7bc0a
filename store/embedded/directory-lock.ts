/**
 * One process per data directory, known before anything in it is touched. The lock is SQLite's on
 * an otherwise empty file: the system drops it when the process dies, however it dies.
 */
import { DatabaseSync } from "node:sqlite";
import { DriftmendError } from "../../contract/driftmend-error.ts";

/** @throws {DriftmendError} data_directory_in_use */
export function lockDirectory(lockFile: string, directory: string): { release(): void } {
  const database = new DatabaseSync(lockFile, { timeout: 0 });
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    if (!(cause instanceof Error) || !/locked|busy/i.test(cause.message)) throw cause;
    throw new DriftmendError("data_directory_in_use", {
      retry: "never",
      message: `Cannot open the data directory "${directory}" as only one process may use it: another one has it open`,
      next: "Stop the other process, or name another data directory.",
      cause,
    });
  }
  return { release: () => database.close() };
}
