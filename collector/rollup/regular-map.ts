/**
 * Most models send the same features in the same order with every row. Such a map is a table: entry
 * `row * width + i` is the i-th feature of its row, and may be read feature by feature.
 */
import type { NumberMap, TextMap } from "../prediction-columns.ts";

/** Entries of each row where all rows have the same keys in the same order; 0 where they have not, or have none. */
export function regularWidth({ ends, keys }: NumberMap | TextMap): number {
  const width = ends.length === 0 ? 0 : ends[0]!;
  if (width === 0) return 0;
  for (let row = 0; row < ends.length; row++) {
    if (ends[row] !== (row + 1) * width) return 0;
  }
  const { indexes } = keys;
  for (let entry = width; entry < indexes.length; entry++) {
    if (indexes[entry] !== indexes[entry - width]) return 0;
  }
  return width;
}
