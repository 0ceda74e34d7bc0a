/**
 * The journal's SQLite file. What must never happen is forbidden by the database itself: two active runs
 * of a model (partial unique index), two promotions of a run and two checks of one moment (primary keys).
 *
 * WAL with synchronous=FULL: each commit is one append and one fsync of the log (a rollback journal
 * needs three), and a torn tail is dropped whole at the next open. EXCLUSIVE keeps a second retrainer
 * out of the file and needs no shared memory.
 */
import { DatabaseSync } from "node:sqlite";
import { DriftmendError } from "../../contract/driftmend-error.ts";

const FORMAT = 1;
const LOCK_WAIT_MS = 5_000;

const DDL = `
CREATE TABLE IF NOT EXISTS runs (
  id TEXT PRIMARY KEY, model TEXT NOT NULL, active INTEGER NOT NULL, state TEXT NOT NULL,
  started_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_active_run ON runs (model) WHERE active = 1;
CREATE TABLE IF NOT EXISTS run_events (
  run_id TEXT NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL, event TEXT NOT NULL,
  PRIMARY KEY (run_id, seq)) STRICT;
CREATE TABLE IF NOT EXISTS effects (
  key TEXT PRIMARY KEY, kind TEXT NOT NULL, intent TEXT NOT NULL, intended_ms INTEGER NOT NULL,
  result TEXT, done_ms INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS checks (
  model TEXT NOT NULL, at_ms INTEGER NOT NULL, trigger TEXT NOT NULL, state TEXT NOT NULL,
  PRIMARY KEY (model, at_ms, trigger)) STRICT;
CREATE TABLE IF NOT EXISTS cursors (
  model TEXT NOT NULL, name TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (model, name)) STRICT;
CREATE TABLE IF NOT EXISTS champions (
  model TEXT PRIMARY KEY, version TEXT NOT NULL, revision INTEGER NOT NULL, since_ms INTEGER NOT NULL,
  previous TEXT) STRICT;
CREATE TABLE IF NOT EXISTS reigns (
  model TEXT NOT NULL, revision INTEGER NOT NULL, version TEXT NOT NULL, at_ms INTEGER NOT NULL,
  PRIMARY KEY (model, revision)) STRICT;
CREATE TABLE IF NOT EXISTS promotions (
  run_id TEXT PRIMARY KEY, model TEXT NOT NULL, version TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS versions (
  model TEXT NOT NULL, version TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (model, version)) STRICT;
CREATE TABLE IF NOT EXISTS loops (
  model TEXT PRIMARY KEY, mode TEXT NOT NULL, until_ms INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS blocks (
  model TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, challenger TEXT NOT NULL,
  PRIMARY KEY (model, from_ms, to_ms, challenger)) STRICT;
CREATE TABLE IF NOT EXISTS audit (
  seq INTEGER PRIMARY KEY, recorded_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL, model TEXT NOT NULL,
  actor TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL, reason TEXT NOT NULL,
  detail TEXT NOT NULL, previous_hash TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS audit_keeps BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'audit entries are not changed'); END;
CREATE TRIGGER IF NOT EXISTS audit_stays BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'audit entries are not removed'); END;
`;

/** @throws {DriftmendError} journal_in_use, journal_newer, journal_unreadable */
export function openJournalFile(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
    database.exec("PRAGMA locking_mode=EXCLUSIVE");
    database.exec("PRAGMA journal_mode=WAL");
    database.exec("PRAGMA synchronous=FULL");
    database.exec("BEGIN EXCLUSIVE");
    const format = Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
    if (format > FORMAT) throw newer(path, format);
    database.exec(DDL);
    database.exec(`PRAGMA user_version=${FORMAT}`);
    database.exec("COMMIT");
    return database;
  } catch (cause) {
    database?.close();
    if (cause instanceof DriftmendError) throw cause;
    const locked = String(cause).includes("locked");
    throw new DriftmendError(locked ? "journal_in_use" : "journal_unreadable", {
      retry: "never",
      message: locked
        ? `Cannot open the journal "${path}" as its only writer: another retrainer holds it`
        : `Cannot open the journal "${path}": ${String(cause)}`,
      next: locked
        ? "Stop the other retrainer, or give this one another data directory."
        : "Restore the file from a backup; without it no run can be resumed.",
      cause,
    });
  }
}

function newer(path: string, format: number): DriftmendError {
  return new DriftmendError("journal_newer", {
    retry: "never",
    message: `Cannot read the journal "${path}": its format ${format} is newer than ${FORMAT}`,
    next: "Start the newer release of Driftmend that wrote it.",
  });
}
