/**
 * When to look for features among a model's first rows: reading them costs a query over raw rows, and a
 * model that has no features would be asked at every watermark. A search in vain rests for an hour.
 */
import { HOUR_MS } from "../../contract/window.ts";

/** Rows that grids are learnt from; with fewer nothing is searched. */
export const GRID_ROWS = 1_000;

/** Model time of the last search that found nothing; null: none did. */
export type VainSearch = number | null;

/** Whether to look now; time that went back, as in a new replay, begins anew. */
export function isSearchDue(vainMs: VainSearch, throughMs: number): boolean {
  return vainMs === null || throughMs < vainMs || throughMs - vainMs >= HOUR_MS;
}

/** What to remember of a search: one for which there were too few rows was none. */
export function afterSearch(rows: number, found: boolean, throughMs: number): VainSearch {
  return !found && rows >= GRID_ROWS ? throughMs : null;
}
