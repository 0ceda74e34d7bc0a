/** Paired differences on the same rows, clustered by block: challenger against champion. */
import type { ClusteredMean, ClusteredMeanOptions } from "./clustered-mean.ts";
import { clusteredMean } from "./clustered-mean.ts";

/** Sums of the same figure of two models over the same rows of one block. */
export interface PairedBlockSum {
  readonly challenger: number;
  readonly champion: number;
  readonly rows: number;
}

/**
 * Mean of challenger − champion with its clustered interval.
 * @param blocks both sums must be over the same rows, or the pairing is lost
 */
export function clusteredDifference(
  blocks: readonly PairedBlockSum[],
  options: ClusteredMeanOptions = {},
): ClusteredMean {
  return clusteredMean(
    blocks.map(({ challenger, champion, rows }) => ({ sum: challenger - champion, rows })),
    options,
  );
}
