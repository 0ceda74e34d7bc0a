/**
 * One open journal: transactions that are on disk when they return, statements, and the audit entry that
 * goes with each change.
 */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { AuditEntry } from "../../contract/run.ts";
import type { Clock } from "../../runtime/clock.ts";
import { FIRST_PREVIOUS_HASH, auditHash } from "./audit-chain.ts";
import { openJournalFile } from "./schema.ts";

/** Who did what and why; `atMs` is model time. */
export interface Because {
  readonly actor: string;
  readonly atMs: number;
  readonly action: string;
  readonly reason: string;
  readonly detail?: object;
}

export interface JournalOptions {
  /** Called around every commit; the crash tests kill the process here. */
  readonly onCommit?: (when: "before" | "after") => void;
}

export type Row = Readonly<Record<string, unknown>>;

const AUDIT_PAGE_MAX = 1_000;

export class JournalFile {
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #onCommit: (when: "before" | "after") => void;

  constructor(path: string, deps: { clock: Clock }, options: JournalOptions) {
    this.#db = openJournalFile(path);
    this.#clock = deps.clock;
    this.#onCommit = options.onCommit ?? (() => undefined);
  }

  close(): void {
    this.#db.close();
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  /** All of `work` or nothing of it; not nested. */
  transact<T>(work: () => T): T {
    this.#db.exec("BEGIN IMMEDIATE");
    let result: T;
    try {
      result = work();
      this.#onCommit("before");
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
    this.#onCommit("after");
    return result;
  }

  /** Answers the number of changed rows. */
  run(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#db.prepare(sql).run(...values).changes);
  }

  get(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    return this.#db.prepare(sql).get(...values);
  }

  all(sql: string, ...values: readonly SQLInputValue[]): Row[] {
    return this.#db.prepare(sql).all(...values);
  }

  /** The audit entry of a change; only inside `transact`. */
  append(model: string, target: string, because: Because): void {
    const last = this.get("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1");
    const content = {
      seq: Number(last?.["seq"] ?? 0) + 1,
      recordedMs: this.#clock.nowMs(),
      atMs: because.atMs,
      model,
      actor: because.actor,
      action: because.action,
      target,
      reason: because.reason,
      detail: JSON.stringify(because.detail ?? {}),
      previousHash: String(last?.["hash"] ?? FIRST_PREVIOUS_HASH),
    };
    this.run(
      "INSERT INTO audit (seq, recorded_ms, at_ms, model, actor, action, target, reason, detail, previous_hash, hash) " +
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      ...Object.values(content),
      auditHash(content),
    );
  }

  /** Writes an entry that goes with no change of state of its own. */
  note(model: string, target: string, because: Because): void {
    this.transact(() => this.append(model, target, because));
  }

  /** Whether an action on a target has its entry. */
  isNoted(action: string, target: string): boolean {
    const sql = "SELECT 1 FROM audit WHERE action = ? AND target = ? LIMIT 1";
    return this.get(sql, action, target) !== undefined;
  }

  /** At most 1 000 entries after `afterSeq`, oldest first. */
  audit(afterSeq: number, model: string | null = null): AuditEntry[] {
    const rows =
      model === null
        ? this.all(
            `SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ${AUDIT_PAGE_MAX}`,
            afterSeq,
          )
        : this.all(
            `SELECT * FROM audit WHERE seq > ? AND model = ? ORDER BY seq LIMIT ${AUDIT_PAGE_MAX}`,
            afterSeq,
            model,
          );
    return rows.map(auditEntryOf);
  }
}

function auditEntryOf(row: Row): AuditEntry {
  return AuditEntry.parse({
    seq: row["seq"],
    recordedMs: row["recorded_ms"],
    atMs: row["at_ms"],
    model: row["model"],
    actor: row["actor"],
    action: row["action"],
    target: row["target"],
    reason: row["reason"],
    detail: row["detail"],
    previousHash: row["previous_hash"],
    hash: row["hash"],
  });
}
