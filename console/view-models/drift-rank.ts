/** Drift of a model's features in the order in which a person should look: verdict first, then size against its floor. */
import type { DriftFeature, DriftView } from "../../contract/views.ts";

export interface RankedFeature {
  readonly whole: DriftFeature;
  /** The largest effect as a multiple of its floor: from 1 on it matters. */
  readonly size: number;
  /** Segments of this feature that drifted, most first. */
  readonly segments: readonly DriftFeature[];
}

/** Effects are without the bias of chance; those of order are null for categories. */
export function sizeOf({ effect, threshold }: DriftFeature): number {
  const { floors } = threshold;
  return Math.max(
    (effect.psi ?? 0) / floors.psi,
    (effect.jensenShannon ?? 0) / floors.jensenShannon,
    (effect.wasserstein ?? 0) / floors.wasserstein,
  );
}

export function rankDrift(drift: DriftView): readonly RankedFeature[] {
  const whole = drift.features.filter(({ segment }) => segment === null);
  return whole
    .map((feature) => ({
      whole: feature,
      size: sizeOf(feature),
      segments: drift.features
        .filter((other) => other.segment !== null && other.feature === feature.feature)
        .filter(({ verdict }) => verdict === "drift")
        .sort((a, b) => sizeOf(b) - sizeOf(a)),
    }))
    .sort(
      (a, b) =>
        Number(b.whole.verdict === "drift") - Number(a.whole.verdict === "drift") ||
        b.segments.length - a.segments.length ||
        b.size - a.size ||
        (a.whole.pValue ?? 1) - (b.whole.pValue ?? 1) ||
        a.whole.feature.localeCompare(b.whole.feature),
    );
}

const VERDICTS = {
  drift: "drift",
  no_drift: "no drift",
  insufficient_data: "too little data",
} as const;
export const verdictText = (verdict: DriftFeature["verdict"]): string => VERDICTS[verdict];

const REASONS: Readonly<Record<string, string>> = {
  evidence_and_effect: "beyond chance, and large enough to matter",
  effect_below_floor: "beyond chance, and too small to matter",
  no_evidence: "no more than chance gives",
  identical: "the same as the reference",
  no_reference: "the reference has no rows",
  too_few_rows: "too few rows to tell",
  too_few_effective_rows: "too few independent rows to tell",
};
export const reasonText = (reason: string): string => REASONS[reason] ?? reason;
