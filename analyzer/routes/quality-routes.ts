/** Quality of the inputs and operation of the service over a span, computed now. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { DAY_MS } from "../../contract/window.ts";
import { cellCounts, cellQuantile } from "../../stats/index.ts";
import { alertsOf } from "../../store/queries/analyzer-state.ts";
import { featureCells } from "../../store/queries/feature-cells.ts";
import { trafficBuckets, trafficRows } from "../../store/queries/model-traffic.ts";
import { ALL_ROWS, CELL_MISSING } from "../features/feature-window.ts";
import { readSpan } from "../features/read-span.ts";
import { loadReference } from "../reference/load-reference.ts";
import { readGrids } from "../reference/store-grids.ts";
import { judgeQuality } from "../rules/quality.ts";
import { OfModel, type RouteDeps, finite, rfc3339, time } from "./route-deps.ts";

export const SpanQuery = z.object({ from: time.optional(), to: time.optional() });
const BUCKETS_MAX = 500;
const BUCKET_SECONDS = [60, 300, 900, 3_600, 21_600, 86_400] as const;
const SERVICE_KINDS = ["error-share", "latency", "volume", "no-traffic", "blind-agent"];
const LATENCY_FEATURE = "$latency";

export function addQualityRoutes(app: FastifyInstance, deps: RouteDeps): void {
  app.get("/api/v1/models/:model/quality", (request) =>
    qualityOf(OfModel.parse(request.params).model, SpanQuery.parse(request.query), deps),
  );
  app.get("/api/v1/models/:model/operations", (request) =>
    operationsOf(OfModel.parse(request.params).model, SpanQuery.parse(request.query), deps),
  );
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

function spanOf(model: string, query: z.output<typeof SpanQuery>, deps: RouteDeps): Span {
  const toMs = query.to ?? deps.analyzer.analyzedMs(model) ?? deps.clock.nowMs();
  const fromMs = query.from ?? toMs - DAY_MS;
  if (fromMs < toMs) return { fromMs, toMs };
  throw new DriftmendError("request_invalid", {
    retry: "never",
    message: `Cannot look at a span as "from" must be before "to": ${rfc3339(fromMs)} and ${rfc3339(toMs)}`,
  });
}

async function qualityOf(
  model: string,
  query: z.output<typeof SpanQuery>,
  deps: RouteDeps,
): Promise<object> {
  const document = await deps.analyzer.requireModel(model);
  const asked = spanOf(model, query, deps);
  const fromMs = Math.floor(asked.fromMs / DAY_MS) * DAY_MS;
  const toMs = Math.ceil(asked.toMs / DAY_MS) * DAY_MS;
  const grids = await readGrids(model, deps.store);
  const reference = await loadReference(model, grids, deps.store);
  const span = { model, fromMs, toMs, tags: [""], version: "" };
  const windows = await readSpan(span, grids, deps.store);
  const features = [...windows].flatMap(([feature, segments]) => {
    const today = segments.get(ALL_ROWS);
    if (today === undefined) return [];
    const usual = reference?.features.get(feature)?.segments.get(ALL_ROWS);
    const checks =
      usual === undefined || usual.kind !== today.kind
        ? []
        : judgeQuality(today, usual, document.features[feature]?.range);
    return [{ feature, kind: today.kind, rows: today.rows, missing: today.counts.missing, checks }];
  });
  return { model, from: rfc3339(fromMs), to: rfc3339(toMs), features };
}

async function operationsOf(
  model: string,
  query: z.output<typeof SpanQuery>,
  deps: RouteDeps,
): Promise<object> {
  await deps.analyzer.requireModel(model);
  const { fromMs, toMs } = spanOf(model, query, deps);
  const wanted = (toMs - fromMs) / 1000 / BUCKETS_MAX;
  const seconds = BUCKET_SECONDS.find((candidate) => candidate >= wanted) ?? 86_400;
  const buckets = await deps.store.query(trafficBuckets, { model, fromMs, toMs, seconds });
  const [total] = await deps.store.query(trafficRows, {
    ...{ model, fromMs, toMs, version: "", tag: "", value: "" },
  });
  const alerts = await deps.store.query(alertsOf, { model, states: ["firing"], limit: 100 });
  const rows = total?.n ?? 0;
  return {
    model,
    from: rfc3339(fromMs),
    to: rfc3339(toMs),
    predictions: rows,
    errors: total?.errors ?? 0,
    errorShare: rows === 0 ? null : (total?.errors ?? 0) / rows,
    perSecond: rows / ((toMs - fromMs) / 1000),
    latencySeconds: await latencyOf(model, { fromMs, toMs }, deps),
    bucketSeconds: seconds,
    buckets: buckets.map(({ at, n, errors, latency }) => ({
      at: rfc3339(at),
      predictions: n,
      errors,
      latencySeconds: finite(latency),
    })),
    anomalies: alerts
      .filter(({ kind }) => SERVICE_KINDS.includes(kind))
      .map(({ id, kind, title, from }) => ({ id, kind, title, from: rfc3339(from) })),
  };
}

/** Quantiles of the latency from its cells; null where nobody sent any. */
async function latencyOf(model: string, span: Span, deps: RouteDeps): Promise<object | null> {
  const fromMs = Math.floor(span.fromMs / DAY_MS) * DAY_MS;
  const toMs = Math.ceil(span.toMs / DAY_MS) * DAY_MS;
  const cells = await deps.store.query(featureCells.days, {
    ...{ model, fromMs, toMs, features: [LATENCY_FEATURE], tags: [""], version: "" },
  });
  const grids = await readGrids(model, deps.store);
  const newest = cells.at(-1);
  if (newest === undefined) return null;
  const grid = grids.get(LATENCY_FEATURE);
  const scale = grid?.grid === newest.grid ? grid.scale : { center: 0, invScale: 0 };
  const kept = newest.cell.flatMap((cell, i) => (cell === CELL_MISSING ? [] : [i]));
  const column = (values: readonly number[]): number[] => kept.map((i) => values[i] ?? 0);
  const sums = column(newest.s);
  const counts = cellCounts(scale, {
    cell: column(newest.cell),
    n: column(newest.n),
    sum: sums,
    sumOfSquares: sums.map((sum, i) => (sum * sum) / Math.max(1, column(newest.n)[i] ?? 1)),
  });
  const quantile = (share: number): number | null => finite(cellQuantile(counts, share));
  return { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) };
}
