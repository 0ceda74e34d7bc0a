/**
 * What is to be told and what was told, in a SQLite file of the analyzer's own: a page must go out while
 * ClickHouse is down, and no change may be lost or told twice by a restart. WAL with synchronous=FULL, one
 * writer, as the retrainer's journal. Everything here is about delivery; the alerts themselves are in the
 * table `alerts`.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { MessageKind, Told, Waiting } from "./plan.ts";
import { Notice } from "./notice.ts";

const FORMAT = 1;
const LOCK_WAIT_MS = 5_000;

const DDL = `
CREATE TABLE IF NOT EXISTS notices (
  id TEXT PRIMARY KEY, alert_id TEXT NOT NULL, revision INTEGER NOT NULL, kind TEXT NOT NULL,
  cause TEXT NOT NULL, severity TEXT NOT NULL, state TEXT NOT NULL, notice TEXT NOT NULL,
  noticed_ms INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS notices_of_alert ON notices (alert_id, revision);
CREATE TABLE IF NOT EXISTS waiting (
  channel TEXT NOT NULL, notice_id TEXT NOT NULL, held INTEGER NOT NULL, since_ms INTEGER NOT NULL,
  PRIMARY KEY (channel, notice_id)) STRICT;
CREATE TABLE IF NOT EXISTS outbox (
  id TEXT PRIMARY KEY, seq INTEGER NOT NULL UNIQUE, channel TEXT NOT NULL, group_key TEXT NOT NULL,
  kind TEXT NOT NULL, notice_ids TEXT NOT NULL, made_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,
  first_ms INTEGER, due_ms INTEGER NOT NULL, failure TEXT NOT NULL, last_error TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS told (
  channel TEXT NOT NULL, alert_id TEXT NOT NULL, state TEXT NOT NULL, severity TEXT NOT NULL,
  key TEXT NOT NULL, notice_id TEXT NOT NULL, at_ms INTEGER NOT NULL,
  PRIMARY KEY (channel, alert_id)) STRICT;
CREATE INDEX IF NOT EXISTS told_of_alert ON told (alert_id);
CREATE TABLE IF NOT EXISTS ended (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, alert_id TEXT NOT NULL, notice_id TEXT NOT NULL,
  message_id TEXT NOT NULL, how TEXT NOT NULL, detail TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS ended_of_alert ON ended (alert_id);
CREATE TABLE IF NOT EXISTS sent (
  channel TEXT NOT NULL, group_key TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS spent (
  model TEXT NOT NULL, severity TEXT NOT NULL, alert_id TEXT NOT NULL, at_ms INTEGER NOT NULL,
  PRIMARY KEY (model, severity, alert_id)) STRICT;
CREATE TABLE IF NOT EXISTS actions (
  alert_id TEXT NOT NULL, action TEXT NOT NULL, until_ms INTEGER, at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS memory (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`;

export type Row = Readonly<Record<string, unknown>>;

/** A message that is on its way. */
export interface Outgoing {
  readonly id: string;
  readonly channel: string;
  readonly group: string;
  readonly kind: MessageKind;
  readonly noticeIds: readonly string[];
  readonly madeMs: number;
  readonly attempts: number;
  /** Wall time of the first attempt; null before it. */
  readonly firstMs: number | null;
  readonly dueMs: number;
  /** How the last attempt failed; empty: none did. */
  readonly failure: "" | "unreachable" | "refused";
  readonly lastError: string;
}

export type ToldEntry = Told & { readonly key: string; readonly noticeId: string };

/** What became of a notice at a channel. */
export interface Ending {
  readonly channel: string;
  readonly alertId: string;
  readonly noticeId: string;
  readonly messageId: string;
  readonly how: "delivered" | "given up" | "not told";
  readonly detail: string;
  readonly atMs: number;
}

export class NotificationJournal {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** @param path of the file; ":memory:" forgets. @throws {DriftmendError} notifications_unreadable */
  constructor(path: string) {
    this.#db = openFile(path);
  }

  close(): void {
    this.#db.close();
  }

  /** All of `work` or nothing of it; not nested. */
  transact<T>(work: () => T): T {
    this.run("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.run("COMMIT");
      return result;
    } catch (error) {
      this.run("ROLLBACK");
      throw error;
    }
  }

  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  all(sql: string, ...values: SQLInputValue[]): readonly Row[] {
    return this.#statement(sql).all(...values);
  }

  /** Texts of statements are constants of the code: there are some dozens. */
  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  /** False when it was there already. */
  addNotice(notice: Notice): boolean {
    const { id, alertId, revision, state, draft, noticedMs } = notice;
    return (
      this.run(
        "INSERT OR IGNORE INTO notices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ...[id, alertId, revision, draft.kind, draft.cause, draft.severity, state],
        ...[JSON.stringify(notice), noticedMs],
      ) > 0
    );
  }

  knows(noticeIdToFind: string): boolean {
    return this.all("SELECT 1 FROM notices WHERE id = ?", noticeIdToFind).length > 0;
  }

  /** Null: it is not there, or of another version of Driftmend; the list of alerts has it in any case. */
  notice(id: string): Notice | null {
    const [row] = this.all("SELECT notice FROM notices WHERE id = ?", id);
    if (row === undefined) return null;
    const parsed = Notice.safeParse(JSON.parse(String(row["notice"])));
    return parsed.success ? parsed.data : null;
  }

  /** The last change of an alert that was to be told; null where none was. */
  newestNotice(alertId: string): Notice | null {
    const [row] = this.all(
      "SELECT id FROM notices WHERE alert_id = ? ORDER BY revision DESC LIMIT 1",
      alertId,
    );
    return row === undefined ? null : this.notice(String(row["id"]));
  }

  /** Alerts that fire as far as people were told, or wait to be. */
  firingNotices(): readonly Notice[] {
    const rows = this.all(
      `SELECT id FROM notices AS n WHERE state = 'firing'
         AND (alert_id IN (SELECT alert_id FROM told WHERE state = 'firing')
           OR id IN (SELECT notice_id FROM waiting))
         AND revision = (SELECT max(revision) FROM notices WHERE alert_id = n.alert_id)
       ORDER BY noticed_ms DESC`,
    );
    return rows.flatMap((row) => this.notice(String(row["id"])) ?? []);
  }

  /** Wall time until which somebody silenced it last; null where nobody did. */
  silencedUntil(alertId: string): number | null {
    const [newest] = this.all(
      "SELECT until_ms FROM actions WHERE alert_id = ? AND action = 'silence' ORDER BY rowid DESC LIMIT 1",
      alertId,
    );
    return newest === undefined ? null : Number(newest["until_ms"]);
  }

  isAcknowledged(alertId: string): boolean {
    return (
      this.all(
        "SELECT 1 FROM actions WHERE alert_id = ? AND action = 'acknowledge' LIMIT 1",
        alertId,
      ).length > 0
    );
  }

  addWaiting(channel: string, id: string, held: boolean, sinceMs: number): void {
    this.run(
      "INSERT OR IGNORE INTO waiting VALUES (?, ?, ?, ?)",
      ...[channel, id, held ? 1 : 0, sinceMs],
    );
  }

  removeWaiting(channel: string, id: string): void {
    this.run("DELETE FROM waiting WHERE channel = ? AND notice_id = ?", channel, id);
  }

  /** Of one alert, or all; the oldest first. */
  waiting(alertId = ""): readonly Waiting[] {
    const rows = this.all(
      `SELECT channel, notice_id, alert_id, revision, kind, cause, severity, state, held, since_ms,
         notice ->> '$.model' AS model
       FROM waiting JOIN notices ON id = notice_id
       WHERE ? = '' OR alert_id = ? ORDER BY since_ms, revision, notice_id`,
      ...[alertId, alertId],
    );
    return rows.map((row) => ({
      ...{ channel: String(row["channel"]), noticeId: String(row["notice_id"]) },
      ...{ alertId: String(row["alert_id"]), revision: Number(row["revision"]) },
      model: String(row["model"]),
      kind: row["kind"] as Waiting["kind"],
      cause: row["cause"] as Waiting["cause"],
      severity: row["severity"] as Waiting["severity"],
      state: row["state"] as Waiting["state"],
      held: row["held"] === 1,
      sinceMs: Number(row["since_ms"]),
    }));
  }

  waitingCount(): number {
    return Number(this.all("SELECT count(*) AS n FROM waiting")[0]?.["n"] ?? 0);
  }

  addOutgoing(message: Outgoing): void {
    this.run(
      `INSERT INTO outbox SELECT ?, coalesce(max(seq), 0) + 1, ?, ?, ?, ?, ?, 0, NULL, ?, '', '' FROM outbox`,
      ...[message.id, message.channel, message.group, message.kind],
      ...[JSON.stringify(message.noticeIds), message.madeMs, message.dueMs],
    );
  }

  failed(
    id: string,
    failure: Outgoing["failure"],
    error: string,
    nowMs: number,
    dueMs: number,
  ): void {
    this.run(
      `UPDATE outbox SET attempts = attempts + 1, first_ms = coalesce(first_ms, ?), due_ms = ?,
         failure = ?, last_error = ? WHERE id = ?`,
      ...[nowMs, dueMs, failure, error, id],
    );
  }

  removeOutgoing(id: string): void {
    this.run("DELETE FROM outbox WHERE id = ?", id);
  }

  /** Leaves one notice out of a message that was not taken yet. */
  removeFromOutgoing(id: string, noticeIdToRemove: string): void {
    this.run(
      `UPDATE outbox SET notice_ids = (
         SELECT json_group_array(value) FROM json_each(outbox.notice_ids) WHERE value != ?) WHERE id = ?`,
      ...[noticeIdToRemove, id],
    );
  }

  outbox(): readonly Outgoing[] {
    return this.all("SELECT * FROM outbox ORDER BY seq").map((row) => ({
      ...{
        id: String(row["id"]),
        channel: String(row["channel"]),
        group: String(row["group_key"]),
      },
      kind: row["kind"] as MessageKind,
      noticeIds: JSON.parse(String(row["notice_ids"])) as string[],
      ...{ madeMs: Number(row["made_ms"]), attempts: Number(row["attempts"]) },
      firstMs: row["first_ms"] === null ? null : Number(row["first_ms"]),
      dueMs: Number(row["due_ms"]),
      failure: row["failure"] as Outgoing["failure"],
      lastError: String(row["last_error"]),
    }));
  }

  setTold({ channel, alertId, state, severity, key, noticeId, atMs }: ToldEntry): void {
    this.run(
      `INSERT INTO told VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (channel, alert_id)
       DO UPDATE SET state = excluded.state, notice_id = excluded.notice_id, at_ms = excluded.at_ms`,
      ...[channel, alertId, state, severity, key, noticeId, atMs],
    );
  }

  forgetTold(channel: string, alertId: string): void {
    this.run("DELETE FROM told WHERE channel = ? AND alert_id = ?", channel, alertId);
  }

  /** Of one alert, or all. */
  told(alertId = ""): readonly ToldEntry[] {
    const rows = this.all(
      `SELECT told.*, coalesce(notice ->> '$.model', '') AS model
       FROM told LEFT JOIN notices ON id = notice_id ${alertId === "" ? "" : "WHERE told.alert_id = ?"}`,
      ...(alertId === "" ? [] : [alertId]),
    );
    return rows.map((row) => ({
      ...{ channel: String(row["channel"]), alertId: String(row["alert_id"]) },
      model: String(row["model"]),
      state: row["state"] as Told["state"],
      severity: row["severity"] as Told["severity"],
      ...{
        key: String(row["key"]),
        noticeId: String(row["notice_id"]),
        atMs: Number(row["at_ms"]),
      },
    }));
  }

  addEnding({ channel, alertId, noticeId, messageId, how, detail, atMs }: Ending): void {
    this.run(
      "INSERT INTO ended (channel, alert_id, notice_id, message_id, how, detail, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
      ...[channel, alertId, noticeId, messageId, how, detail, atMs],
    );
  }

  /** What became of an alert's notices, oldest first. */
  endingsOf(alertId: string): readonly Ending[] {
    return this.all("SELECT * FROM ended WHERE alert_id = ? ORDER BY seq", alertId).map((row) => ({
      ...{ channel: String(row["channel"]), alertId, noticeId: String(row["notice_id"]) },
      messageId: String(row["message_id"]),
      how: row["how"] as Ending["how"],
      ...{ detail: String(row["detail"]), atMs: Number(row["at_ms"]) },
    }));
  }

  remember(name: string, value: string): void {
    this.run(
      "INSERT INTO memory VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      ...[name, value],
    );
  }

  recall(name: string): string | null {
    const [row] = this.all("SELECT value FROM memory WHERE name = ?", name);
    return row === undefined ? null : String(row["value"]);
  }

  /** Without what is too old to matter. */
  forgetBefore(ms: number): void {
    this.transact(() => {
      this.run("DELETE FROM ended WHERE at_ms < ?", ms);
      this.run("DELETE FROM sent WHERE at_ms < ?", ms);
      this.run("DELETE FROM told WHERE state = 'resolved' AND at_ms < ?", ms);
      this.run("DELETE FROM actions WHERE at_ms < ? AND coalesce(until_ms, 0) < ?", ms, ms);
      this.run(
        `DELETE FROM notices WHERE noticed_ms < ? AND id NOT IN (SELECT notice_id FROM waiting)
           AND id NOT IN (SELECT notice_id FROM told)
           AND id NOT IN (SELECT value FROM outbox, json_each(outbox.notice_ids))`,
        ms,
      );
    });
  }
}

function openFile(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
    database.exec("PRAGMA locking_mode=EXCLUSIVE");
    database.exec("PRAGMA journal_mode=WAL");
    database.exec("PRAGMA synchronous=FULL");
    database.exec("BEGIN EXCLUSIVE");
    const format = Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
    if (format > FORMAT) throw new Error(`its format ${format} is newer than ${FORMAT}`);
    database.exec(DDL);
    database.exec(`PRAGMA user_version=${FORMAT}`);
    database.exec("COMMIT");
    return database;
  } catch (cause) {
    database?.close();
    throw new DriftmendError("notifications_unreadable", {
      retry: "never",
      message: `Cannot open the journal of notifications "${path}": ${cause instanceof Error ? cause.message : String(cause)}`,
      next: "Stop another analyzer that holds it, or move a damaged file away: alerts that still fire are then told again.",
      cause,
    });
  }
}
