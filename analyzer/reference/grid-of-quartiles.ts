/** The grid of a feature from the quartiles that the store computed: the rule of `learnGrid`. */
import type { Grid } from "../../stats/index.ts";

/** @param deviation sample standard deviation; NaN for one value */
export function gridOfQuartiles(quartiles: readonly number[], deviation: number): Grid {
  const [lower = 0, center = 0, upper = 0] = quartiles;
  const scale = [upper - lower, deviation, Math.abs(center)].find(
    (candidate) => candidate > 0 && Number.isFinite(candidate) && Number.isFinite(1 / candidate),
  );
  return { center, invScale: 1 / (scale ?? 1) };
}
