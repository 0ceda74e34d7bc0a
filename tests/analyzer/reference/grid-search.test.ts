import { expect, it } from "vitest";
import {
  GRID_ROWS,
  type VainSearch,
  afterSearch,
  isSearchDue,
} from "../../../analyzer/reference/grid-search.ts";

/** Searches of an hour of watermarks, one each two seconds; the model's rows grow by one each time. */
function searches(firstRows: number, hasFeatures: boolean): number {
  let vain: VainSearch = null;
  let count = 0;
  for (let step = 0; step < 1_800; step++) {
    const rows = firstRows + step;
    if (!isSearchDue(vain, step * 2_000)) continue;
    const found = hasFeatures && rows >= GRID_ROWS;
    if (rows >= GRID_ROWS) count++;
    vain = afterSearch(rows, found, step * 2_000);
    if (found) break;
  }
  return count;
}

it("a model without features is searched once an hour, not at every watermark", () => {
  expect(searches(GRID_ROWS, false)).toBe(1);
});

it("a model with features is searched as soon as it has rows enough", () => {
  expect(searches(0, true)).toBe(1);
});

it("a search in vain is repeated after an hour, and when time went back", () => {
  expect(isSearchDue(3_600_000, 7_199_999)).toBe(false);
  expect(isSearchDue(3_600_000, 7_200_000)).toBe(true);
  expect(isSearchDue(3_600_000, 0)).toBe(true);
});
