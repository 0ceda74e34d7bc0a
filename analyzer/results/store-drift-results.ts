/** Verdicts of drift as rows of `drift_results`, each with the counts from which it is computed again. */
import { type Window, windowName } from "../../contract/window.ts";
import type { Store } from "../../store/client.ts";
import type { JudgedDrift } from "../drift/judge-drift.ts";

export interface DriftRow extends JudgedDrift {
  readonly kind: "feature" | "prediction";
  /** Empty: all versions. */
  readonly version: string;
  readonly reference: string;
}

/** @param atMs model time of the evaluation, which is the revision: later evaluations replace */
export async function storeDriftResults(
  model: string,
  window: Window,
  atMs: number,
  rows: readonly DriftRow[],
  deps: { readonly store: Store },
): Promise<void> {
  await deps.store.insert(
    "drift_results",
    rows.map((row) => driftResult(model, window, atMs, row)),
  );
}

function driftResult(model: string, window: Window, atMs: number, row: DriftRow): object {
  const { verdict } = row;
  const { evidence, floors, alpha } = verdict;
  const { statistics, effects } = evidence;
  const [tag = "", value = ""] = row.segment.split("\u0000");
  const missing = Number.NaN;
  return {
    model,
    kind: row.kind,
    from: window.fromMs,
    to: window.toMs,
    feature: row.feature,
    segment_tag: tag,
    segment_value: value,
    version: row.version,
    reference: row.reference,
    verdict: storedVerdict(verdict.verdict),
    reason: verdict.reason,
    n: evidence.rows.current,
    reference_n: evidence.rows.reference,
    p_value: verdict.pValue,
    effect: effects.psi,
    threshold: floors.psi,
    psi: statistics.psi,
    js: statistics.jensenShannon,
    ks: statistics.ks ?? missing,
    chi2: evidence.chiSquare.statistic,
    wasserstein: statistics.wasserstein ?? missing,
    evaluated: atMs,
    revision: atMs,
    detail: JSON.stringify({
      window: windowName(window),
      reference: Array.from(row.referenceCounts),
      current: Array.from(row.current),
      rowsEffective: evidence.rowsEffective,
      designEffect: Object.fromEntries(
        Object.entries(evidence.designEffect).map(([name, figure]) => [name, String(figure)]),
      ),
      degreesOfFreedom: evidence.chiSquare.degreesOfFreedom,
      pValues: evidence.pValues,
      effects,
      floors,
      alpha,
      chance: evidence.chance,
      smallestDetectableShift: evidence.smallestDetectableShift,
      reissued: atMs > window.toMs,
    }),
  };
}

/** As the table's comment says it. */
function storedVerdict(verdict: JudgedDrift["verdict"]["verdict"]): string {
  switch (verdict) {
    case "drift":
      return "drift";
    case "no_drift":
      return "none";
    case "insufficient_data":
      return "insufficient";
  }
}
