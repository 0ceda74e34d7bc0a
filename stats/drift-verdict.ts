/**
 * The verdict on one feature: drift needs evidence (a p-value that knows the effective sample size)
 * and an effect that matters (floors), because at millions of rows every test rejects and at fifty
 * every distance is large. Invariant: a pure function of the evidence; the reason and all numbers
 * go with it.
 */
import type { DriftEvidence, DriftInput } from "./drift-evidence.ts";
import { driftEvidence } from "./drift-evidence.ts";

export interface EffectFloors {
  readonly psi: number;
  /** Distance, base 2. */
  readonly jensenShannon: number;
  /** Wasserstein-1 in standard deviations of the reference. */
  readonly wasserstein: number;
}

/**
 * One effect at or above its floor is enough. 0.134 is the Jensen–Shannon distance of a PSI of 0.1.
 */
export const EFFECT_FLOORS: EffectFloors = { psi: 0.1, jensenShannon: 0.134, wasserstein: 0.1 };

export interface DriftRule {
  /** Default 0.001. */
  readonly alpha?: number;
  readonly floors?: EffectFloors;
  /** Fewer rows on either side are too few; default 30. */
  readonly rowsMin?: number;
  /** Fewer effective rows on either side are too few; default 10. */
  readonly rowsEffectiveMin?: number;
  /** The joint p-value after a correction for many features; default the feature's own. */
  readonly pValueAdjusted?: number;
}

export type EffectName = keyof EffectFloors;

interface DriftFacts {
  readonly evidence: DriftEvidence;
  readonly floors: EffectFloors;
  readonly alpha: number;
  /** What was compared with alpha. */
  readonly pValue: number;
}

export type DriftVerdict =
  | (DriftFacts & {
      readonly verdict: "drift";
      readonly reason: "evidence_and_effect";
      /** Which effects reached their floor. */
      readonly effects: readonly EffectName[];
    })
  | (DriftFacts & {
      readonly verdict: "no_drift";
      readonly reason: "no_evidence" | "effect_below_floor" | "identical";
    })
  | (DriftFacts & {
      readonly verdict: "insufficient_data";
      readonly reason: "no_reference" | "too_few_rows" | "too_few_effective_rows";
    });

/** Evidence and decision in one step, for one feature looked at alone. */
export function driftVerdict(input: DriftInput, rule: DriftRule = {}): DriftVerdict {
  return decideDrift(driftEvidence(input, rule.alpha), rule);
}

/**
 * The decision on evidence already computed, so that the p-values of many features can be corrected
 * together first.
 */
export function decideDrift(evidence: DriftEvidence, rule: DriftRule = {}): DriftVerdict {
  const {
    alpha = 0.001,
    floors = EFFECT_FLOORS,
    rowsMin = 30,
    rowsEffectiveMin = 10,
    pValueAdjusted: pValue = evidence.pValues.joint,
  } = rule;
  const facts = { evidence, floors, alpha, pValue };
  const { rows, rowsEffective } = evidence;
  if (rows.reference === 0) {
    return { verdict: "insufficient_data", reason: "no_reference", ...facts };
  }
  if (Math.min(rows.reference, rows.current) < rowsMin) {
    return { verdict: "insufficient_data", reason: "too_few_rows", ...facts };
  }
  if (Math.min(rowsEffective.reference, rowsEffective.current) < rowsEffectiveMin) {
    return { verdict: "insufficient_data", reason: "too_few_effective_rows", ...facts };
  }
  if (evidence.statistics.totalVariation === 0 && !(evidence.pValues.joint < 1)) {
    return { verdict: "no_drift", reason: "identical", ...facts };
  }
  if (!(pValue <= alpha)) {
    return { verdict: "no_drift", reason: "no_evidence", ...facts };
  }
  const names: readonly EffectName[] = ["psi", "jensenShannon", "wasserstein"];
  const effects = names.filter((name) => (evidence.effects[name] ?? 0) >= floors[name]);
  return effects.length === 0
    ? { verdict: "no_drift", reason: "effect_below_floor", ...facts }
    : { verdict: "drift", reason: "evidence_and_effect", effects, ...facts };
}
