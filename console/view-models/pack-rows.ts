/** Rows for marks on one axis, so that none lies on another: each goes into the first row that has room. */

export interface Extent {
  readonly left: number;
  readonly right: number;
}

const GAP = 2;

/** @param extents by `left` ascending  @returns the row of each, from 0 */
export function packRows(extents: readonly Extent[]): readonly number[] {
  const ends: number[] = [];
  return extents.map(({ left, right }) => {
    const found = ends.findIndex((end) => end + GAP <= left);
    const row = found < 0 ? ends.length : found;
    ends[row] = right;
    return row;
  });
}
