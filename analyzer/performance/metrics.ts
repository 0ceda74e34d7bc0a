/**
 * Metrics of a window from sums per block of time, with intervals clustered by block: rows of one day share
 * their weather. Metrics that are means are ratio estimates; those that are not (skill) leave out one block
 * at a time. Invariant: sums in, so a window is what its blocks add up to.
 */
import { type ClusteredMean, clusteredMean, entropy, studentQuantile } from "../../stats/index.ts";

/** Sums over labelled rows of one block. */
export interface BlockSums {
  readonly fromMs: number;
  readonly n: number;
  readonly logLoss: number;
  readonly brier: number;
  readonly score: number;
  readonly positives: number;
  readonly correct: number;
  /** The block's own AUC; NaN where one class is missing. */
  readonly auc: number;
}

export interface Figure {
  readonly value: number;
  /** 95 %, clustered by block; NaN where fewer than two blocks say nothing. */
  readonly lower: number;
  readonly upper: number;
}

export interface WindowMetrics {
  readonly logLoss: Figure;
  readonly brier: Figure;
  readonly accuracy: Figure;
  readonly skill: Figure;
  /** Mean prediction less share of positives. */
  readonly calibration: Figure;
  readonly auc: Figure;
  readonly labelled: number;
  readonly positives: number;
  readonly blocks: number;
}

/**
 * @param auc AUC of the whole window, which does not add up; NaN: unknown
 */
export function windowMetrics(blocks: readonly BlockSums[], auc: number): WindowMetrics {
  const filled = blocks.filter(({ n }) => n > 0);
  const mean = (sum: (block: BlockSums) => number): Figure =>
    figureOf(clusteredMean(filled.map((block) => ({ sum: sum(block), rows: block.n }))));
  return {
    logLoss: mean((block) => block.logLoss),
    brier: mean((block) => block.brier),
    accuracy: mean((block) => block.correct),
    calibration: figureOf(calibrationOf(filled)),
    skill: leaveOneOut(filled, skillOf),
    auc: aucFigure(filled, auc),
    labelled: total(filled, (block) => block.n),
    positives: total(filled, (block) => block.positives),
    blocks: filled.length,
  };
}

/** Calibration in the large, clustered by block: what the calibration alert judges. */
export function calibrationOf(blocks: readonly BlockSums[]): ClusteredMean {
  return clusteredMean(
    blocks.map((block) => ({ sum: block.score - block.positives, rows: block.n })),
  );
}

/** 1 − log-loss / entropy of the window's own base rate; NaN where one class is missing. */
export function skillOf(blocks: readonly BlockSums[]): number {
  const rows = total(blocks, (block) => block.n);
  const chance = entropy(total(blocks, (block) => block.positives) / rows);
  return chance > 0 ? 1 - total(blocks, (block) => block.logLoss) / rows / chance : Number.NaN;
}

/** The jackknife over blocks, t with K − 1 degrees of freedom (Tukey). */
export function leaveOneOut<Block>(
  blocks: readonly Block[],
  statistic: (blocks: readonly Block[]) => number,
): Figure {
  const value = blocks.length === 0 ? Number.NaN : statistic(blocks);
  const count = blocks.length;
  if (count < 2) return { value, lower: Number.NaN, upper: Number.NaN };
  const without = blocks.map((_, left) => statistic(blocks.filter((__, i) => i !== left)));
  const mean = without.reduce((sum, one) => sum + one, 0) / count;
  const squares = without.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  const half = studentQuantile(0.975, count - 1) * Math.sqrt(((count - 1) / count) * squares);
  return { value, lower: value - half, upper: value + half };
}

/** The window's AUC with the spread of the blocks' own. */
function aucFigure(blocks: readonly BlockSums[], auc: number): Figure {
  const known = blocks.filter((block) => Number.isFinite(block.auc));
  const spread = clusteredMean(known.map((block) => ({ sum: block.auc * block.n, rows: block.n })));
  const half = known.length < 2 ? Number.NaN : spread.upper - spread.mean;
  return { value: auc, lower: auc - half, upper: auc + half };
}

export function figureOf(mean: ClusteredMean): Figure {
  return mean.blocks < 2
    ? { value: mean.mean, lower: Number.NaN, upper: Number.NaN }
    : { value: mean.mean, lower: mean.lower, upper: mean.upper };
}

function total(blocks: readonly BlockSums[], of: (block: BlockSums) => number): number {
  return blocks.reduce((sum, block) => sum + of(block), 0);
}
