/** Versions, which never change once written, and which of them is the champion, moved by compare-and-set. */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { VersionRecord } from "../../contract/run.ts";
import type { Because, JournalFile } from "./journal-file.ts";

export interface Champion {
  readonly version: string;
  /** Grows with each change: what compare-and-set compares. */
  readonly revision: number;
  readonly sinceMs: number;
  readonly previous: string | null;
}

export interface ChampionMove {
  readonly expectedRevision: number;
  readonly version: string;
}

export class RegistryTable {
  readonly #file: JournalFile;

  constructor(file: JournalFile) {
    this.#file = file;
  }

  champion(model: string): Champion | null {
    const row = this.#file.get("SELECT * FROM champions WHERE model = ?", model);
    if (row === undefined) return null;
    const previous = row["previous"];
    return {
      version: String(row["version"]),
      revision: Number(row["revision"]),
      sinceMs: Number(row["since_ms"]),
      previous: typeof previous === "string" ? previous : null,
    };
  }

  /** Takes a version that was found serving as the first champion; a known one stays. */
  adopt(version: VersionRecord, because: Because): void {
    if (this.champion(version.model) !== null) return;
    this.#file.transact(() => {
      this.insertWithin(version);
      this.#file.run(
        "INSERT INTO champions (model, version, revision, since_ms, previous) VALUES (?, ?, 1, ?, NULL)",
        version.model,
        version.version,
        because.atMs,
      );
      this.#reign(version.model, 1, version.version, because.atMs);
      this.#file.append(version.model, version.version, because);
    });
  }

  /** Moves the champion by hand. @throws {DriftmendError} conflict when it moved meanwhile */
  move(model: string, move: ChampionMove, because: Because): void {
    this.#file.transact(() => {
      this.moveWithin(model, move, because.atMs);
      this.#file.append(model, move.version, because);
    });
  }

  version(model: string, version: string): VersionRecord | null {
    const row = this.#file.get(
      "SELECT state FROM versions WHERE model = ? AND version = ?",
      model,
      version,
    );
    return row === undefined ? null : VersionRecord.parse(JSON.parse(String(row["state"])));
  }

  /** In order of registration. */
  versions(model: string | null): VersionRecord[] {
    const rows =
      model === null
        ? this.#file.all("SELECT state FROM versions ORDER BY rowid")
        : this.#file.all("SELECT state FROM versions WHERE model = ? ORDER BY rowid", model);
    return rows.map((row) => VersionRecord.parse(JSON.parse(String(row["state"]))));
  }

  /** Only inside a transaction. */
  insertWithin(record: VersionRecord): void {
    this.#file.run(
      "INSERT INTO versions (model, version, state) VALUES (?, ?, ?)",
      record.model,
      record.version,
      JSON.stringify(record),
    );
  }

  /** Only inside a transaction. */
  moveWithin(model: string, move: ChampionMove, atMs: number): void {
    const changed = this.#file.run(
      "UPDATE champions SET previous = version, version = ?, revision = revision + 1, since_ms = ? " +
        "WHERE model = ? AND revision = ?",
      move.version,
      atMs,
      model,
      move.expectedRevision,
    );
    if (changed === 1) {
      this.#reign(model, move.expectedRevision + 1, move.version, atMs);
      return;
    }
    throw new DriftmendError("conflict", {
      retry: "never",
      message: `Cannot make "${move.version}" the champion of "${model}" as revision ${move.expectedRevision} must stand: it is ${this.champion(model)?.revision ?? "unknown"}`,
      next: `"driftmend runs ${model}" shows what changed it.`,
    });
  }

  /** Every champion of a model in order, with the model time from which it was. */
  reigns(model: string): { readonly version: string; readonly fromMs: number }[] {
    return this.#file
      .all("SELECT version, at_ms FROM reigns WHERE model = ? ORDER BY revision", model)
      .map((row) => ({ version: String(row["version"]), fromMs: Number(row["at_ms"]) }));
  }

  #reign(model: string, revision: number, version: string, atMs: number): void {
    this.#file.run(
      "INSERT INTO reigns (model, revision, version, at_ms) VALUES (?, ?, ?, ?)",
      model,
      revision,
      version,
      atMs,
    );
  }
}
