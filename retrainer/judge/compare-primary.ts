/** The primary metric of two versions on the same rows, clustered by blocks of time: probe and judge ask this. */
import { type ClusteredMean, clusteredDifference } from "../../stats/index.ts";
import type { Loss } from "./row-loss.ts";
import { type Cluster, type ScoredBlock, pairedLosses, timeBlocks } from "./scored-block.ts";

export interface PrimaryComparison {
  readonly lossName: string;
  readonly championLoss: number;
  readonly challengerLoss: number;
  /** Champion − challenger, mean over the rows: above 0 the challenger is better. */
  readonly gain: number;
  /** Challenger − champion; one-sided bounds at 95 %. */
  readonly difference: ClusteredMean;
  readonly blocks: number;
  readonly rows: number;
}

export function comparePrimary(
  block: ScoredBlock,
  cluster: Cluster,
  loss: Loss,
): PrimaryComparison {
  const pairs = pairedLosses(block, timeBlocks(block, cluster), loss).filter(
    ({ rows }) => rows > 0,
  );
  const difference = clusteredDifference(pairs);
  const rows = pairs.reduce((sum, pair) => sum + pair.rows, 0);
  const mean = (of: "champion" | "challenger"): number =>
    pairs.reduce((sum, pair) => sum + pair[of], 0) / rows;
  return {
    lossName: loss.name,
    championLoss: mean("champion"),
    challengerLoss: mean("challenger"),
    gain: -difference.mean,
    difference,
    blocks: pairs.length,
    rows,
  };
}
