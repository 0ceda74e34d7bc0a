/**
 * The retrainer's memory. Every method that writes is one transaction with its audit entry, on disk when
 * it returns: after a kill at any line the file holds all of a step or nothing of it.
 */
import type { Clock } from "../../runtime/clock.ts";
import { EffectTable } from "./effect-table.ts";
import { JournalFile, type JournalOptions } from "./journal-file.ts";
import { RegistryTable } from "./registry-table.ts";
import { RunTable } from "./run-table.ts";
import { SwitchTable } from "./switch-table.ts";

export interface Journal {
  readonly runs: RunTable;
  readonly effects: EffectTable;
  readonly registry: RegistryTable;
  readonly switches: SwitchTable;
  readonly log: Pick<JournalFile, "audit" | "note" | "isNoted">;
  close(): void;
}

/** @throws {DriftmendError} journal_in_use, journal_newer, journal_unreadable */
export function openJournal(
  path: string,
  deps: { clock: Clock },
  options: JournalOptions = {},
): Journal {
  const file = new JournalFile(path, deps, options);
  const registry = new RegistryTable(file);
  return {
    runs: new RunTable(file, registry),
    effects: new EffectTable(file),
    registry,
    switches: new SwitchTable(file),
    log: file,
    close: () => file.close(),
  };
}
