/** Small facts of a model: how far it was looked at, the loop's switch, what its blocks have judged. */
import type { LoopMode } from "../../contract/run.ts";
import type { Because, JournalFile } from "./journal-file.ts";

export interface LoopOverride {
  readonly mode: LoopMode;
  readonly untilMs: number | null;
}

export class SwitchTable {
  readonly #file: JournalFile;

  constructor(file: JournalFile) {
    this.#file = file;
  }

  cursor(model: string, name: string): number | null {
    const row = this.#file.get(
      "SELECT at_ms FROM cursors WHERE model = ? AND name = ?",
      model,
      name,
    );
    return row === undefined ? null : Number(row["at_ms"]);
  }

  setCursor(model: string, name: string, atMs: number): void {
    if (this.cursor(model, name) === atMs) return;
    this.#file.transact(() =>
      this.#file.run(
        "INSERT INTO cursors (model, name, at_ms) VALUES (?, ?, ?) " +
          "ON CONFLICT (model, name) DO UPDATE SET at_ms = excluded.at_ms",
        model,
        name,
        atMs,
      ),
    );
  }

  loop(model: string): LoopOverride | null {
    const row = this.#file.get("SELECT mode, until_ms FROM loops WHERE model = ?", model);
    if (row === undefined) return null;
    const untilMs = row["until_ms"];
    return {
      mode: String(row["mode"]) as LoopMode,
      untilMs: typeof untilMs === "number" ? untilMs : null,
    };
  }

  /** Null takes the override away. */
  setLoop(model: string, override: LoopOverride | null, because: Because): void {
    this.#file.transact(() => {
      this.#file.run("DELETE FROM loops WHERE model = ?", model);
      if (override !== null) {
        this.#file.run(
          "INSERT INTO loops (model, mode, until_ms) VALUES (?, ?, ?)",
          model,
          override.mode,
          override.untilMs,
        );
      }
      this.#file.append(model, override?.mode ?? "document", because);
    });
  }

  /** Notes that a block judged a challenger (by digest); answers how many it has judged. */
  spendBlock(model: string, block: { fromMs: number; toMs: number }, challenger: string): number {
    const key = [model, block.fromMs, block.toMs] as const;
    const known = this.#file.get(
      "SELECT 1 FROM blocks WHERE model = ? AND from_ms = ? AND to_ms = ? AND challenger = ?",
      ...key,
      challenger,
    );
    if (known === undefined) {
      this.#file.transact(() =>
        this.#file.run(
          "INSERT INTO blocks (model, from_ms, to_ms, challenger) VALUES (?, ?, ?, ?)",
          ...key,
          challenger,
        ),
      );
    }
    const row = this.#file.get(
      "SELECT count(*) AS uses FROM blocks WHERE model = ? AND from_ms = ? AND to_ms = ?",
      ...key,
    );
    return Number(row?.["uses"] ?? 0);
  }
}
