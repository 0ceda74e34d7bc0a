/** How well a fitted model scores weighted tuples: the few numbers that a trainer reports. */
import type { Tuples } from "./cells.ts";
import { columnScorer, type ModelTables } from "./tables.ts";

export interface Quality {
  readonly weight: number;
  readonly baseRate: number;
  readonly logLoss: number;
  /** 1 - log-loss / entropy of the base rate; 0 for a constant. */
  readonly skill: number;
  readonly auc: number;
}

/** @param airports names of the tuples' airport codes */
export function qualityOf(
  tables: ModelTables,
  tuples: Tuples,
  airports: readonly string[],
): Quality {
  const score = columnScorer(tables, airports);
  const scores = Float64Array.from({ length: tuples.count }, (_, i) =>
    score(
      tuples.hour[i]!,
      tuples.dayOfWeek[i]!,
      tuples.distance[i]!,
      tuples.origin[i]!,
      tuples.destination[i]!,
    ),
  );
  let weight = 0;
  let positive = 0;
  let loss = 0;
  for (let i = 0; i < tuples.count; i++) {
    const p = scores[i]!;
    weight += tuples.weight[i]!;
    positive += tuples.positive[i]!;
    loss -= tuples.positive[i]! * Math.log(p);
    loss -= (tuples.weight[i]! - tuples.positive[i]!) * Math.log1p(-p);
  }
  const baseRate = positive / weight;
  const entropy = -baseRate * Math.log(baseRate) - (1 - baseRate) * Math.log1p(-baseRate);
  const logLoss = loss / weight;
  const auc = rankQuality(scores, tuples.weight, tuples.positive);
  return { weight, baseRate, logLoss, skill: 1 - logLoss / entropy, auc };
}

/**
 * Area under the ROC curve of weighted scores, ties counted half.
 * @returns NaN when one of the two classes is absent
 */
export function rankQuality(
  scores: Float64Array,
  weight: ArrayLike<number>,
  positive: ArrayLike<number>,
): number {
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  let negativesBelow = 0;
  let area = 0;
  let positives = 0;
  for (let i = 0; i < order.length; ) {
    const score = scores[order[i]!]!;
    let tiedPositive = 0;
    let tiedNegative = 0;
    for (; i < order.length && scores[order[i]!]! === score; i++) {
      tiedPositive += positive[order[i]!]!;
      tiedNegative += weight[order[i]!]! - positive[order[i]!]!;
    }
    area += tiedPositive * (negativesBelow + tiedNegative / 2);
    negativesBelow += tiedNegative;
    positives += tiedPositive;
  }
  return area / (positives * negativesBelow);
}
