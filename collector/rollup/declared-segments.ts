/**
 * Which segment each row of a block belongs to, by declared tag: indexes into the block's own dictionary
 * of tag values, so that names are looked up once per block and not once per row.
 */
import type { TextMap } from "../prediction-columns.ts";

/** A declared tag of one block: for each row an index into `values.keys`, −1 where the row lacks it. */
export interface RowSegments {
  readonly tag: string;
  readonly valueIndexes: Int32Array;
}

export function rowSegments(
  tags: TextMap,
  rows: number,
  declared: readonly string[],
): RowSegments[] {
  return declared.map((tag) => {
    const valueIndexes = new Int32Array(rows).fill(-1);
    const wanted = tags.keys.keys.indexOf(tag);
    if (wanted >= 0) {
      const keys = tags.keys.indexes;
      const values = tags.values.indexes;
      let entry = 0;
      for (let row = 0; row < rows; row++) {
        const end = tags.ends[row]!;
        for (; entry < end; entry++) {
          if (keys[entry] === wanted) valueIndexes[row] = values[entry]!;
        }
      }
    }
    return { tag, valueIndexes };
  });
}

/** Values of the declared tags that occur in the block. */
export function occurringValues(tags: TextMap, segments: RowSegments): string[] {
  const seen = new Uint8Array(tags.values.keys.length);
  for (const index of segments.valueIndexes) if (index >= 0) seen[index] = 1;
  return tags.values.keys.filter((_value, index) => seen[index] === 1);
}
