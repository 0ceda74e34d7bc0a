/**
 * Merging of rare cells before a χ² test: 50 rows on 50 categories reject 9 % at 5 % without it.
 * Invariant: totals stay, and no cell is left whose expected count is below the minimum in either
 * sample.
 */
import { countTotals } from "./count-totals.ts";

export interface MergedCounts {
  readonly a: Float64Array;
  readonly b: Float64Array;
}

/**
 * Pools the cells whose expected count under equal shares is below `expectedMin` in either sample;
 * a pool that is still too rare takes the rarest cell in addition. Cells empty in both samples
 * vanish.
 * @param a counts per cell   @param b likewise, same cells   @param expectedMin default 1
 * @throws {RangeError} if the cells do not align
 */
export function mergeRareCells(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  expectedMin: number = 1,
): MergedCounts {
  const totals = countTotals(a, b);
  const smaller = Math.min(totals.a, totals.b);
  const perRow = smaller / (totals.a + totals.b);
  const kept: [number, number][] = [];
  let poolA = 0;
  let poolB = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    if (x + y === 0) {
      continue;
    }
    if ((x + y) * perRow < expectedMin) {
      poolA += x;
      poolB += y;
    } else {
      kept.push([x, y]);
    }
  }
  while (poolA + poolB > 0 && (poolA + poolB) * perRow < expectedMin && kept.length > 0) {
    const rarest = indexOfRarest(kept);
    const [x, y] = kept[rarest]!;
    poolA += x;
    poolB += y;
    kept.splice(rarest, 1);
  }
  if (poolA + poolB > 0) {
    kept.push([poolA, poolB]);
  }
  return {
    a: Float64Array.from(kept, ([x]) => x),
    b: Float64Array.from(kept, ([, y]) => y),
  };
}

function indexOfRarest(cells: readonly (readonly [number, number])[]): number {
  let rarest = 0;
  for (let i = 1; i < cells.length; i++) {
    if (cells[i]![0] + cells[i]![1] < cells[rarest]![0] + cells[rarest]![1]) {
      rarest = i;
    }
  }
  return rarest;
}
