/**
 * What a distance may reach by chance alone at these sample sizes, and what could be seen at all.
 * A constant threshold does not know either: "PSI > 0.1" flags 67 % of windows of 50 rows under no
 * drift.
 */
import { chiSquareQuantile } from "./chi-square.ts";
import { kolmogorovQuantile } from "./kolmogorov.ts";
import { normalQuantile } from "./normal.ts";

export interface ChanceThresholds {
  readonly psi: number;
  /** Distance, base 2. */
  readonly jensenShannon: number;
  readonly hellinger: number;
  /** Mean of the PSI under no drift: its bias. */
  readonly psiMean: number;
}

/**
 * PSI ≈ (1/n + 1/m) χ²(B − 1) under no drift; the Jensen–Shannon divergence (nats) and Hellinger²
 * are one eighth of it.
 * @param alpha in (0, 1)   @param cells with rows in the reference
 * @param rowsA effective rows of one sample   @param rowsB of the other
 */
export function chanceThresholds(
  alpha: number,
  cells: number,
  rowsA: number,
  rowsB: number,
): ChanceThresholds {
  const scale = 1 / rowsA + 1 / rowsB;
  const psi = cells < 2 ? 0 : scale * chiSquareQuantile(alpha, cells - 1);
  return {
    psi,
    jensenShannon: Math.min(1, Math.sqrt(psi / 8 / Math.LN2)),
    hellinger: Math.min(1, Math.sqrt(psi / 8)),
    psiMean: scale * Math.max(0, cells - 1),
  };
}

/** The gap that a shift of one σ opens between two normal distribution functions, per σ. */
const NORMAL_DENSITY_AT_0 = 1 / Math.sqrt(2 * Math.PI);

/**
 * The shift of the mean, in σ of a normal feature, that KS at `alpha` finds with this power.
 * @param rowsA effective rows of one sample   @param rowsB of the other
 * @param power default 0.8
 */
export function smallestDetectableShift(
  alpha: number,
  rowsA: number,
  rowsB: number,
  power: number = 0.8,
): number {
  const critical = kolmogorovQuantile(alpha) + normalQuantile(power) / 2;
  return (critical * Math.sqrt(1 / rowsA + 1 / rowsB)) / NORMAL_DENSITY_AT_0;
}
