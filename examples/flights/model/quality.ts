/** How well a fitted model scores weighted tuples: the few numbers that a trainer reports. */
import { auc } from "../../../stats/index.ts";
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
  const skill = 1 - logLoss / entropy;
  return { weight, baseRate, logLoss, skill, auc: aucOfTuples(scores, tuples) };
}

/** Every tuple counts once as late and once as punctual, with the weight of those rows. */
function aucOfTuples(scores: Float64Array, tuples: Tuples): number {
  const { count } = tuples;
  const twice = new Float64Array(2 * count);
  twice.set(scores);
  twice.set(scores, count);
  return auc(
    twice,
    Uint8Array.from(twice, (_, i) => (i < count ? 1 : 0)),
    Float64Array.from(twice, (_, i) =>
      i < count ? tuples.positive[i]! : tuples.weight[i - count]! - tuples.positive[i - count]!,
    ),
  );
}
