/**
 * Metrics of a regression's window from sums per block of time, with intervals clustered by block. MAE and
 * bias are means of rows; RMSE and skill are not, and leave out one block at a time. Sums in, so a window is
 * what its blocks add up to.
 */
import { clusteredMean } from "../../stats/index.ts";
import { type Figure, figureOf, leaveOneOut } from "./metrics.ts";

/** Sums over labelled rows of one block; `actual` around one centre that all blocks of a window share. */
export interface ValueBlock {
  readonly n: number;
  readonly error: number;
  readonly absolute: number;
  readonly squared: number;
  readonly actual: number;
  readonly actualSquared: number;
}

export interface RegressionMetrics {
  readonly mae: Figure;
  readonly rmse: Figure;
  /** 1 − mean squared error / variance of the window's own actual values. */
  readonly skill: Figure;
  /** Mean of predicted less actual. */
  readonly bias: Figure;
  readonly labelled: number;
  readonly blocks: number;
}

export function regressionMetrics(blocks: readonly ValueBlock[]): RegressionMetrics {
  const filled = blocks.filter(({ n }) => n > 0);
  const mean = (sum: (block: ValueBlock) => number): Figure =>
    figureOf(clusteredMean(filled.map((block) => ({ sum: sum(block), rows: block.n }))));
  return {
    mae: mean((block) => block.absolute),
    bias: mean((block) => block.error),
    rmse: leaveOneOut(filled, (some) => Math.sqrt(meanOf(some, (block) => block.squared))),
    skill: leaveOneOut(filled, skillOfValues),
    labelled: filled.reduce((sum, { n }) => sum + n, 0),
    blocks: filled.length,
  };
}

/** NaN where all actual values are the same. */
export function skillOfValues(blocks: readonly ValueBlock[]): number {
  const variance =
    meanOf(blocks, (block) => block.actualSquared) - meanOf(blocks, (block) => block.actual) ** 2;
  return variance > 0 ? 1 - meanOf(blocks, (block) => block.squared) / variance : Number.NaN;
}

function meanOf(blocks: readonly ValueBlock[], of: (block: ValueBlock) => number): number {
  const rows = blocks.reduce((sum, { n }) => sum + n, 0);
  return blocks.reduce((sum, block) => sum + of(block), 0) / rows;
}
