/** Checks and runs: at most one active run a model, one check a moment, one promotion a run. */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { Check, type VersionRecord } from "../../contract/run.ts";
import type { Because, JournalFile, Row } from "./journal-file.ts";
import type { ChampionMove, RegistryTable } from "./registry-table.ts";
import { type NewRun, type Run, type RunEvent, isActive, newRun, transition } from "./run-state.ts";

/** A run with what the journal knows about its writing. */
export interface RunRow {
  readonly run: Run;
  readonly startedMs: number;
  readonly updatedMs: number;
  readonly seq: number;
}

/** What changes together with a run's event. */
export interface Alongside {
  /** The champion becomes the run's version if it still is at this revision. */
  readonly promote?: ChampionMove;
  readonly register?: VersionRecord;
}

export class RunTable {
  readonly #file: JournalFile;
  readonly #registry: RegistryTable;

  constructor(file: JournalFile, registry: RegistryTable) {
    this.#file = file;
    this.#registry = registry;
  }

  /** A check, its model's cursor, and the run that it starts, all or nothing; known ones stay as they are. */
  recordCheck(check: Check, run: NewRun | null): void {
    if (this.check(check.model, check.atMs, check.trigger) !== null) return;
    this.#file.transact(() => {
      this.#file.run(
        "INSERT INTO checks (model, at_ms, trigger, state) VALUES (?, ?, ?, ?)",
        check.model,
        check.atMs,
        check.trigger,
        JSON.stringify(check),
      );
      this.#file.append(check.model, check.id, {
        actor: "policy",
        atMs: check.atMs,
        action: "check",
        reason: check.reason,
        detail: { decision: check.decision, trigger: check.trigger, numbers: check.numbers },
      });
      if (run !== null) this.#insertRun(run, "policy", check.reason);
    });
  }

  start(run: NewRun, because: { readonly actor: string; readonly reason: string }): void {
    this.#file.transact(() => this.#insertRun(run, because.actor, because.reason));
  }

  /** The run after `event`; the event, what goes with it and the audit entry are written together. */
  advance(runId: string, event: RunEvent, because: Because, alongside: Alongside = {}): Run {
    return this.#file.transact(() => {
      const row = this.#runRow(runId);
      const next = transition(row.run, event, because.atMs);
      const seq = row.seq + 1;
      this.#file.run(
        "UPDATE runs SET active = ?, state = ?, updated_ms = ?, seq = ? WHERE id = ?",
        isActive(next) ? 1 : 0,
        JSON.stringify(next),
        this.#file.nowMs(),
        seq,
        runId,
      );
      this.#file.run(
        "INSERT INTO run_events (run_id, seq, at_ms, event) VALUES (?, ?, ?, ?)",
        runId,
        seq,
        because.atMs,
        JSON.stringify(event),
      );
      if (alongside.register !== undefined) this.#registry.insertWithin(alongside.register);
      if (alongside.promote !== undefined) {
        this.#file.run(
          "INSERT INTO promotions (run_id, model, version, at_ms) VALUES (?, ?, ?, ?)",
          runId,
          next.model,
          alongside.promote.version,
          because.atMs,
        );
        this.#registry.moveWithin(next.model, alongside.promote, because.atMs);
      }
      this.#file.append(next.model, runId, because);
      return next;
    });
  }

  find(runId: string): RunRow | null {
    const row = this.#file.get("SELECT * FROM runs WHERE id = ?", runId);
    return row === undefined ? null : runRowOf(row);
  }

  active(model: string): Run | null {
    const row = this.#file.get("SELECT * FROM runs WHERE model = ? AND active = 1", model);
    return row === undefined ? null : runRowOf(row).run;
  }

  /** Newest first. */
  list(model: string | null): RunRow[] {
    const rows =
      model === null
        ? this.#file.all("SELECT * FROM runs ORDER BY rowid DESC")
        : this.#file.all("SELECT * FROM runs WHERE model = ? ORDER BY rowid DESC", model);
    return rows.map(runRowOf);
  }

  events(runId: string): { readonly atMs: number; readonly event: RunEvent }[] {
    return this.#file
      .all("SELECT * FROM run_events WHERE run_id = ? ORDER BY seq", runId)
      .map((row) => ({
        atMs: Number(row["at_ms"]),
        event: JSON.parse(String(row["event"])) as RunEvent,
      }));
  }

  check(model: string, atMs: number, trigger: string): Check | null {
    const row = this.#file.get(
      "SELECT state FROM checks WHERE model = ? AND at_ms = ? AND trigger = ?",
      model,
      atMs,
      trigger,
    );
    return row === undefined ? null : Check.parse(JSON.parse(String(row["state"])));
  }

  /** Oldest first. */
  checks(model: string | null): Check[] {
    const rows =
      model === null
        ? this.#file.all("SELECT state FROM checks ORDER BY at_ms, rowid")
        : this.#file.all("SELECT state FROM checks WHERE model = ? ORDER BY at_ms, rowid", model);
    return rows.map((row) => Check.parse(JSON.parse(String(row["state"]))));
  }

  /** Model time of the last check of a trigger; null before the first. */
  lastCheckMs(model: string, trigger: string): number | null {
    const row = this.#file.get(
      "SELECT max(at_ms) AS at_ms FROM checks WHERE model = ? AND trigger = ?",
      model,
      trigger,
    );
    const atMs = row?.["at_ms"];
    return typeof atMs === "number" ? atMs : null;
  }

  promotions(model: string): { runId: string; version: string; atMs: number }[] {
    return this.#file
      .all("SELECT * FROM promotions WHERE model = ? ORDER BY at_ms", model)
      .map((row) => ({
        runId: String(row["run_id"]),
        version: String(row["version"]),
        atMs: Number(row["at_ms"]),
      }));
  }

  /** Only inside a transaction. */
  #insertRun(base: NewRun, actor: string, reason: string): void {
    const active = this.active(base.model);
    if (active !== null) throw runInFlight(active);
    const nowMs = this.#file.nowMs();
    this.#file.run(
      "INSERT INTO runs (id, model, active, state, started_ms, updated_ms, seq) VALUES (?, ?, 1, ?, ?, ?, 0)",
      base.id,
      base.model,
      JSON.stringify(newRun(base)),
      nowMs,
      nowMs,
    );
    const atMs = base.createdAtMs;
    this.#file.append(base.model, base.id, { actor, atMs, action: "run_decided", reason });
  }

  #runRow(runId: string): RunRow {
    const row = this.find(runId);
    if (row !== null) return row;
    throw new DriftmendError("not_found", {
      retry: "never",
      message: `Cannot find the run "${runId}"`,
      next: '"driftmend runs MODEL" lists them.',
    });
  }
}

function runRowOf(row: Row): RunRow {
  return {
    run: JSON.parse(String(row["state"])) as Run,
    startedMs: Number(row["started_ms"]),
    updatedMs: Number(row["updated_ms"]),
    seq: Number(row["seq"]),
  };
}

function runInFlight(active: Run): DriftmendError {
  return new DriftmendError("conflict", {
    retry: "later",
    message: `Cannot start a run of "${active.model}" as only one may be in flight: "${active.id}" is "${active.status}"`,
    next: `Wait for it, or end it with "driftmend cancel ${active.id}".`,
  });
}
