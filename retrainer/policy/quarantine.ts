/** Quarantined rows and what they mean for a decision. Rows are out of every data set until released by hand. */

export interface QuarantineEntry {
  readonly id: string;
  /** Empty: all rows. */
  readonly tag: string;
  readonly values: readonly string[];
  readonly fromMs: number;
  /** In the year 2299 while it is open. */
  readonly toMs: number;
  readonly reason: string;
}

/** Two daily windows must be clean before data count as sound again. */
const CLEAN_MS = 2 * 86_400_000;
export const OPEN_FROM_MS = Date.UTC(2200, 0, 1);

export const isOpen = (entry: QuarantineEntry): boolean => entry.toMs >= OPEN_FROM_MS;

/** The entry because of which nothing may be retrained at `atMs`; null where data are sound. */
export function blockingEntry(
  entries: readonly QuarantineEntry[],
  atMs: number,
): QuarantineEntry | null {
  return (
    entries.find(
      (entry) => entry.fromMs < atMs && (isOpen(entry) || atMs < entry.toMs + CLEAN_MS),
    ) ?? null
  );
}

/** Entries that keep rows of [fromMs, toMs) out. */
export const entriesWithin = (
  entries: readonly QuarantineEntry[],
  fromMs: number,
  toMs: number,
): QuarantineEntry[] =>
  entries
    .filter((entry) => entry.fromMs < toMs && entry.toMs > fromMs)
    .sort((a, b) => a.fromMs - b.fromMs || (a.id < b.id ? -1 : 1));
