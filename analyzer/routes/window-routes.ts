/** One window with everything that is needed to compute its verdicts again. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { parseWindowName } from "../../contract/window.ts";
import {
  type DriftResult,
  driftResults,
  performanceResults,
} from "../../store/queries/analysis-results.ts";
import { byWindow } from "./performance-routes.ts";
import { OfModel, type RouteDeps, finite, rfc3339 } from "./route-deps.ts";

export const OfWindow = OfModel.extend({ window: z.string() });

export function addWindowRoutes(app: FastifyInstance, deps: RouteDeps): void {
  app.get("/api/v1/models/:model/windows/:window", (request) => {
    const { model, window } = OfWindow.parse(request.params);
    return windowOf(model, window, deps);
  });
}

async function windowOf(model: string, name: string, deps: RouteDeps): Promise<object> {
  await deps.analyzer.requireModel(model);
  const window = parseWindowName(name);
  if (window === null) {
    throw new DriftmendError("request_invalid", {
      retry: "never",
      message: `Cannot read "${name}" as the name of a window`,
      next: 'Write its grain and first day: "week-2026-04-27", "day-2026-04-27"; weeks begin on Mondays.',
    });
  }
  const { fromMs, toMs } = window;
  const isThis = (row: { readonly from: number; readonly to: number }): boolean =>
    row.from === fromMs && row.to === toMs;
  const drift = (await deps.store.query(driftResults, { model, fromMs, toMs })).filter(isThis);
  const rows = await deps.store.query(performanceResults, { model, fromMs, toMs });
  const performance = rows.filter(isThis);
  if (drift.length === 0 && performance.length === 0) {
    throw new DriftmendError("not_found", {
      retry: "later",
      message: `Cannot find results of "${name}" of "${model}": it was not evaluated`,
      next: "Windows are evaluated when they have closed; GET …/performance lists those that were.",
    });
  }
  return {
    model,
    window: name,
    from: rfc3339(fromMs),
    to: rfc3339(toMs),
    drift: drift.map(driftView),
    performance: {
      realised: byWindow(performance.filter(({ kind }) => kind === "realised")),
      estimated: byWindow(performance.filter(({ kind }) => kind === "estimated")),
      sums: performance
        .filter(({ metric }) => metric === "log_loss")
        .map(({ version, segment_tag: tag, segment_value: value, detail }) => ({
          ...{ version, tag, value, detail },
        })),
    },
  };
}

/** The counts in `detail` are those of the histogram's cells: PSI, Jensen–Shannon and χ² follow from them. */
function driftView(row: DriftResult): object {
  return {
    kind: row.kind,
    feature: row.feature,
    segment: row.segment_tag === "" ? null : { tag: row.segment_tag, value: row.segment_value },
    version: row.version === "" ? null : row.version,
    reference: row.reference,
    verdict: row.verdict,
    reason: row.reason,
    rows: { current: row.n, reference: row.reference_n },
    pValue: finite(row.p_value),
    effect: finite(row.effect),
    threshold: finite(row.threshold),
    psi: finite(row.psi),
    jensenShannon: finite(row.js),
    ks: finite(row.ks),
    chiSquare: finite(row.chi2),
    wasserstein: finite(row.wasserstein),
    evaluated: rfc3339(row.evaluated),
    revision: row.revision,
    detail: row.detail,
  };
}
