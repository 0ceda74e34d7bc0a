/** Quarantine that names the erased value of a tag: a new revision without it, and the older ones go. */
import type { Store } from "../../store/client.ts";
import { deleteQuarantine, quarantineNaming } from "../../store/queries/erase-rows.ts";

const ERASED = "(erased)";

/** @returns the number of entries that named the value */
export async function countQuarantine(
  subject: { readonly model: string; readonly tag: string; readonly value: string },
  store: Store,
): Promise<number> {
  return (await store.query(quarantineNaming, subject)).length;
}

export async function eraseFromQuarantine(
  subject: { readonly model: string; readonly tag: string; readonly value: string },
  store: Store,
): Promise<void> {
  for (const entry of await store.query(quarantineNaming, subject)) {
    const without = (text: string): string => text.replaceAll(subject.value, ERASED);
    const row = {
      ...entry,
      values: entry.values.map((value) => (value === subject.value ? ERASED : value)),
      reason: without(entry.reason),
      finding: without(entry.finding),
      detail: without(entry.detail),
      revision: entry.revision + 1,
    };
    await store.insert("quarantine", [row]);
    const { id, model, revision } = row;
    await store.command(deleteQuarantine, { id, model, revision });
  }
}
