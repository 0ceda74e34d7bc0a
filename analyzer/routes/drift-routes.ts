/**
 * Drift of any span, computed now from what is visible now: the same statistics as the stored weekly
 * verdicts, on the finest tier that the span's borders need; `exact` counts raw rows.
 */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { DriftFeature, DriftView } from "../../contract/views.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS } from "../../contract/window.ts";
import type { RollupTier } from "../../store/queries/feature-cells.ts";
import { modelsSeen, trafficRows } from "../../store/queries/model-traffic.ts";
import { type JudgedDrift, drifted, judgeDrift } from "../drift/judge-drift.ts";
import { ALL_ROWS, type WindowSet, segmentKey } from "../features/feature-window.ts";
import { readSpan } from "../features/read-span.ts";
import type { ModelReference } from "../reference/load-reference.ts";
import { readGrids } from "../reference/store-grids.ts";
import { histogramView } from "./histogram-view.ts";
import {
  OfModel,
  type RouteDeps,
  finite,
  flag,
  noSpan,
  rfc3339,
  segment,
  time,
} from "./route-deps.ts";

export const DriftQuery = z.object({
  from: time.optional(),
  to: time.optional(),
  version: z.string().prefault(""),
  segment: segment.optional(),
  reference: z.string().optional(),
  exact: flag.prefault("false"),
  /** Counts on the cells of the reference too: of all rows, or of the segment that is asked for. */
  histograms: flag.prefault("false"),
});
type Query = z.output<typeof DriftQuery>;

export function addDriftRoutes(app: FastifyInstance, deps: RouteDeps): void {
  app.get("/api/v1/models/:model/drift", (request) => {
    const { model } = OfModel.parse(request.params);
    return driftOf(model, DriftQuery.parse(request.query), deps);
  });
}

async function driftOf(
  model: string,
  query: Query,
  deps: RouteDeps,
): Promise<DriftView & { readonly multivariate: null }> {
  const { store, analyzer } = deps;
  const document = await analyzer.requireModel(model);
  const { fromMs, toMs } = await spanOf(model, query, deps);
  const tag = query.segment?.tag ?? "";
  const value = query.segment?.value ?? "";
  // Minutes are kept for days only.
  const isHourly = fromMs % HOUR_MS === 0 && toMs % HOUR_MS === 0;
  const [[rows], grids] = await Promise.all([
    store.query(trafficRows[isHourly ? "hours" : "minutes"], {
      ...{ model, fromMs, toMs, version: query.version, tag, value },
    }),
    readGrids(model, store),
  ]);
  const reference = await analyzer.references.load(model, grids, store, query.reference);
  if (reference === null && query.reference !== undefined) {
    throw new DriftmendError("not_found", {
      retry: "never",
      message: `Cannot compare with the reference "${query.reference}" of "${model}": there is none`,
      next: "Leave the reference out to compare with the newest one.",
    });
  }
  const tier = tierOf(fromMs, toMs, document.rollup ?? "1m");
  const aligned = alignTo(tier, fromMs, toMs);
  const tags = query.segment === undefined ? ["", ...document.segments] : [tag];
  const windows: WindowSet =
    reference === null
      ? new Map()
      : await readSpan({ model, ...aligned, tags, version: query.version }, grids, store, {
          tier,
          exact: query.exact,
        });
  const wanted = query.segment === undefined ? null : segmentKey(tag, value);
  const days = Math.max(1, Math.round((aligned.toMs - aligned.fromMs) / DAY_MS));
  const judged = judgeDrift(reference?.features ?? new Map(), only(windows, wanted), days);
  return {
    model,
    from: rfc3339(fromMs),
    to: rfc3339(toMs),
    version: query.version === "" ? null : query.version,
    segment: query.segment ?? null,
    /** Predictions in the span that are counted by now, failed ones too. */
    rows: rows?.n ?? 0,
    errors: rows?.errors ?? 0,
    reference: reference === null ? null : referenceView(reference),
    computed: {
      tier: query.exact ? "raw" : tier,
      from: rfc3339(aligned.fromMs),
      to: rfc3339(aligned.toMs),
    },
    drifted: drifted(judged).length,
    features: judged.map((entry) => ({
      ...featureView(entry),
      ...(query.histograms ? { histogram: histogramOf(entry, reference, wanted) } : {}),
    })),
    /** No multivariate statistic is computed yet. */
    multivariate: null,
  };
}

const referenceView = ({ name, source, rows }: ModelReference) => ({ name, source, rows });

/** The asked span; by default the last week of the model's traffic. */
async function spanOf(
  model: string,
  query: Query,
  deps: RouteDeps,
): Promise<{ fromMs: number; toMs: number }> {
  const toMs = query.to ?? deps.analyzer.analyzedMs(model) ?? (await lastTrafficMs(model, deps));
  const fromMs = query.from ?? toMs - WEEK_MS;
  if (fromMs >= toMs) throw noSpan(fromMs, toMs);
  return { fromMs, toMs };
}

async function lastTrafficMs(model: string, { store, clock }: RouteDeps): Promise<number> {
  const last = (await store.query(modelsSeen, {})).find((row) => row.model === model)?.last;
  return last === undefined ? clock.nowMs() : last + DAY_MS;
}

const TIER_MS: Readonly<Record<RollupTier, number>> = {
  minutes: MINUTE_MS,
  hours: HOUR_MS,
  days: DAY_MS,
};
/** Minutes are kept for days only, and are many: longer spans are read by the hour. */
const MINUTES_SPAN_MAX_MS = DAY_MS;

/** The coarsest tier whose borders the span has, as far as the model's grain goes. */
function tierOf(fromMs: number, toMs: number, grain: "1m" | "1h" | "1d"): RollupTier {
  const fits = (tier: RollupTier): boolean =>
    fromMs % TIER_MS[tier] === 0 && toMs % TIER_MS[tier] === 0;
  if (fits("days") || grain === "1d") return "days";
  const short = toMs - fromMs <= MINUTES_SPAN_MAX_MS;
  return fits("hours") || grain === "1h" || !short ? "hours" : "minutes";
}

/** Borders between buckets: a bucket that the span touches is in it. */
function alignTo(tier: RollupTier, fromMs: number, toMs: number) {
  const size = TIER_MS[tier];
  return { fromMs: Math.floor(fromMs / size) * size, toMs: Math.ceil(toMs / size) * size };
}

function only(windows: WindowSet, key: string | null): WindowSet {
  if (key === null) return windows;
  return new Map(
    [...windows].map(([feature, segments]) => {
      const window = segments.get(key);
      return [feature, new Map(window === undefined ? [] : [[key, window]])];
    }),
  );
}

/** Null for segments that were not asked for: fifty of them would be most of the answer. */
function histogramOf(
  entry: JudgedDrift,
  reference: ModelReference | null,
  wanted: string | null,
): DriftFeature["histogram"] {
  const own = reference?.features.get(entry.feature);
  if (own === undefined || entry.segment !== (wanted ?? ALL_ROWS)) return null;
  return histogramView(own, entry);
}

function featureView({ feature, segment: key, verdict }: JudgedDrift) {
  const { evidence, floors, alpha, pValue } = verdict;
  const { statistics, effects, chiSquare, rows, rowsEffective, chance } = evidence;
  const [tag = "", value = ""] = key.split("\u0000");
  return {
    feature,
    segment: key === ALL_ROWS ? null : { tag, value },
    verdict: verdict.verdict,
    reason: verdict.reason,
    pValue: finite(pValue),
    alpha,
    psi: finite(statistics.psi),
    jensenShannon: finite(statistics.jensenShannon),
    hellinger: finite(statistics.hellinger),
    totalVariation: finite(statistics.totalVariation),
    ks: finite(statistics.ks),
    cramerVonMises: finite(statistics.cramerVonMises),
    wasserstein: finite(statistics.wasserstein),
    chiSquare: { ...chiSquare, pValue: finite(evidence.pValues.chiSquare) },
    effect: {
      psi: finite(effects.psi),
      jensenShannon: finite(effects.jensenShannon),
      wasserstein: finite(effects.wasserstein),
    },
    threshold: { floors, chance },
    rows,
    rowsEffective: {
      reference: finite(rowsEffective.reference),
      current: finite(rowsEffective.current),
    },
    designEffect: finite(evidence.designEffect.designEffect),
    smallestDetectableShift: finite(evidence.smallestDetectableShift),
  };
}
