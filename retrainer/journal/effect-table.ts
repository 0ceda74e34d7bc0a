/** Effects outside: intent before, result after, both found by key, so that nothing is done without a trace. */
import type { JournalFile } from "./journal-file.ts";

export class EffectTable {
  readonly #file: JournalFile;

  constructor(file: JournalFile) {
    this.#file = file;
  }

  /**
   * Performs an effect whose key was never completed, else answers what it answered then. The intent is
   * on disk before `perform` begins; `perform` must find by the key what an earlier try left behind.
   */
  async once<T extends object>(
    key: string,
    kind: string,
    intent: object,
    perform: () => Promise<T>,
  ): Promise<T> {
    const known = this.find(key);
    if (known?.result !== undefined && known.result !== null) return known.result as T;
    if (known === null) {
      this.#file.transact(() =>
        this.#file.run(
          "INSERT INTO effects (key, kind, intent, intended_ms) VALUES (?, ?, ?, ?)",
          key,
          kind,
          JSON.stringify(intent),
          this.#file.nowMs(),
        ),
      );
    }
    const result = await perform();
    this.#file.transact(() =>
      this.#file.run(
        "UPDATE effects SET result = ?, done_ms = ? WHERE key = ?",
        JSON.stringify(result),
        this.#file.nowMs(),
        key,
      ),
    );
    return result;
  }

  find(key: string): { kind: string; intent: unknown; result: unknown } | null {
    const row = this.#file.get("SELECT * FROM effects WHERE key = ?", key);
    if (row === undefined) return null;
    const result = row["result"];
    return {
      kind: String(row["kind"]),
      intent: JSON.parse(String(row["intent"])),
      result: typeof result === "string" ? JSON.parse(result) : null,
    };
  }
}
