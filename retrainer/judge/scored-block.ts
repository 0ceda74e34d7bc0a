/**
 * The labelled rows on which two versions are compared, each row answered by both. Rows that either left
 * unanswered (NaN) are counted and take no part in paired figures, or the pairing would be lost.
 */
import type { PairedBlockSum } from "../../stats/index.ts";
import { auc } from "../../stats/index.ts";
import type { Loss } from "./row-loss.ts";

export interface ScoredBlock {
  readonly fromMs: number;
  readonly toMs: number;
  readonly timeMs: ArrayLike<number>;
  /** 1 for the positive class, else 0; or the true value. */
  readonly target: ArrayLike<number>;
  readonly champion: ArrayLike<number>;
  readonly challenger: ArrayLike<number>;
  /** A categorical feature as codes into its values. */
  readonly slices: {
    readonly feature: string;
    readonly values: readonly string[];
    readonly codes: ArrayLike<number>;
  } | null;
}

const HOUR_MS = 3_600_000;
export const CLUSTER_MS = { hour: HOUR_MS, day: 24 * HOUR_MS } as const;
export type Cluster = keyof typeof CLUSTER_MS;

/** Rows of one block of time, in the order of the block. */
interface TimeBlock {
  readonly startMs: number;
  readonly rows: readonly number[];
}

/** Blocks of time in order, of rows that both answered and `keep` keeps. */
export function timeBlocks(
  block: ScoredBlock,
  cluster: Cluster,
  keep: (row: number) => boolean = () => true,
): readonly TimeBlock[] {
  const rowsByStart = new Map<number, number[]>();
  const lengthMs = CLUSTER_MS[cluster];
  for (let row = 0; row < block.target.length; row++) {
    const answered = !Number.isNaN(block.champion[row]!) && !Number.isNaN(block.challenger[row]!);
    if (!answered || !keep(row)) continue;
    const startMs = Math.floor(block.timeMs[row]! / lengthMs) * lengthMs;
    const rows = rowsByStart.get(startMs);
    if (rows === undefined) rowsByStart.set(startMs, [row]);
    else rows.push(row);
  }
  return [...rowsByStart].sort(([a], [b]) => a - b).map(([startMs, rows]) => ({ startMs, rows }));
}

/** Loss of both versions by block of time; for a metric of blocks (AUC) one value weighted by rows. */
export function pairedLosses(
  block: ScoredBlock,
  blocks: readonly TimeBlock[],
  loss: Loss,
): readonly PairedBlockSum[] {
  const { ofRow } = loss;
  return blocks.map(({ rows }) => {
    if (ofRow === null) {
      const { champion, challenger } = aucPair(block, rows);
      const count = rows.length;
      return {
        champion: (1 - champion) * count,
        challenger: (1 - challenger) * count,
        rows: Number.isNaN(champion) ? 0 : count,
      };
    }
    let champion = 0;
    let challenger = 0;
    for (const row of rows) {
      champion += ofRow(block.champion[row]!, block.target[row]!);
      challenger += ofRow(block.challenger[row]!, block.target[row]!);
    }
    return { champion, challenger, rows: rows.length };
  });
}

/** AUC of both on the same rows; NaN where one class is missing. */
export function aucPair(
  block: ScoredBlock,
  rows: readonly number[],
): { readonly champion: number; readonly challenger: number } {
  const pick = (values: ArrayLike<number>) => Float64Array.from(rows, (row) => values[row]!);
  const target = pick(block.target);
  return {
    champion: auc(pick(block.champion), target),
    challenger: auc(pick(block.challenger), target),
  };
}
