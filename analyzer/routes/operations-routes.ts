/** Operation of the service over a span, computed now: requests, errors and latency, together and per version. */
import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import { LIMITS } from "../../contract/limits.ts";
import type { OperationsView, TrafficBucket } from "../../contract/operations-view.ts";
import { DAY_MS, HOUR_MS } from "../../contract/window.ts";
import { cellCounts, cellQuantile } from "../../stats/index.ts";
import { alertsOf } from "../../store/queries/analyzer-state.ts";
import { type RollupTier, featureCells } from "../../store/queries/feature-cells.ts";
import { type TrafficTier, errorTypes, trafficBuckets } from "../../store/queries/model-traffic.ts";
import { CELL_MISSING, type FeatureGrid } from "../features/feature-window.ts";
import { readGrids } from "../reference/store-grids.ts";
import { countedByServer, readServer } from "./operations-server.ts";
import { OfModel, type RouteDeps, SpanQuery, daySpanOf, finite, rfc3339 } from "./route-deps.ts";

const BUCKETS_MAX = 500;
const BUCKET_SECONDS = [60, 300, 900, 3_600, 21_600, 86_400] as const;
const SERVICE_KINDS = ["error-share", "latency", "volume", "no-traffic", "blind-agent"];
const LATENCY_FEATURE = "$latency";
/** Longer spans have the quantiles of their latency from days. */
const LATENCY_HOURS_SPAN_MAX_MS = 2 * DAY_MS;

export function addOperationsRoutes(app: FastifyInstance, deps: RouteDeps): void {
  app.get("/api/v1/models/:model/operations", (request) =>
    operationsOf(OfModel.parse(request.params).model, SpanQuery.parse(request.query), deps),
  );
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Bucket {
  readonly version: string;
  readonly at: number;
  /** Stored rows, and the requests that they stand for. */
  readonly n: number;
  readonly requests: number;
  readonly failed: number;
  readonly latency_n: number;
  readonly latency_s: number;
}

async function operationsOf(
  model: string,
  query: z.output<typeof SpanQuery>,
  deps: RouteDeps,
): Promise<OperationsView> {
  const { rollup } = await deps.analyzer.requireModel(model);
  const asked = daySpanOf(model, query, deps);
  const [{ buckets, span, seconds, tier }, alerts, grids] = await Promise.all([
    readBuckets(model, asked, deps),
    deps.store.query(alertsOf, { model, states: ["firing"], limit: 100 }),
    readGrids(model, deps.store),
  ]);
  const grid = grids.get(LATENCY_FEATURE);
  const latency = (version: string) => latencyOf({ model, version, rollup, grid }, span, deps);
  const [errors, latencySeconds, versions] = await Promise.all([
    deps.store.query(errorTypes[tier], { model, ...span, limit: LIMITS.errorTypesShownMax }),
    latency(""),
    versionsOf(buckets, latency),
  ]);
  const told = await readServer(model, span, seconds, deps);
  const { n, requests, failed } = totalOf(buckets);
  const anomalies = alerts
    .filter(({ kind }) => SERVICE_KINDS.includes(kind))
    .map(({ id, kind, title, from }) => ({ id, kind, title, from: rfc3339(from) }));
  const common = { model, from: rfc3339(span.fromMs), to: rfc3339(span.toMs), anomalies, ...told };
  if (n === 0 && told.server !== null) {
    return { ...common, ...countedByServer(told.server), bucketSeconds: seconds };
  }
  return {
    ...common,
    source: "records",
    predictions: Math.round(requests),
    errors: Math.round(failed),
    kept: n,
    errorShare: n === 0 ? null : failed / requests,
    perSecond: requests / ((span.toMs - span.fromMs) / 1000),
    latencySeconds,
    bucketSeconds: seconds,
    buckets: bucketViews(buckets),
    versions,
    errorTypes: errors.map((row) => ({ ...row, requests: Math.round(row.requests) })),
  };
}

interface Buckets {
  readonly buckets: readonly Bucket[];
  readonly span: Span;
  readonly seconds: number;
  readonly tier: TrafficTier;
}

/** As fine as the span allows; by the hour where its minutes are no longer kept. */
async function readBuckets(model: string, asked: Span, { store }: RouteDeps): Promise<Buckets> {
  const seconds = bucketSeconds(asked);
  const read = async (seconds: number): Promise<Buckets> => {
    const tier: TrafficTier = seconds < 3_600 ? "minutes" : seconds < 86_400 ? "hours" : "days";
    const span = tier === "minutes" ? asked : alignTo(seconds * 1000, asked);
    const buckets = await store.query(trafficBuckets[tier], { model, ...span, seconds });
    return { buckets, span, seconds, tier };
  };
  if (seconds >= 3_600) return read(seconds);
  const [fine, hours] = await Promise.all([read(seconds), read(3_600)]);
  const within = hours.buckets.filter(({ at }) => at >= asked.fromMs && at + HOUR_MS <= asked.toMs);
  return totalOf(fine.buckets).n < totalOf(within).n ? hours : fine;
}

function bucketSeconds({ fromMs, toMs }: Span): number {
  const wanted = (toMs - fromMs) / 1000 / BUCKETS_MAX;
  return BUCKET_SECONDS.find((candidate) => candidate >= wanted) ?? 86_400;
}

const alignTo = (ms: number, { fromMs, toMs }: Span): Span => ({
  fromMs: Math.floor(fromMs / ms) * ms,
  toMs: Math.ceil(toMs / ms) * ms,
});

type Total = Pick<Bucket, "n" | "requests" | "failed">;

function totalOf(buckets: readonly Bucket[]): Total {
  return buckets.reduce<Total>(
    (sum, { n, requests, failed }) => ({
      n: sum.n + n,
      requests: sum.requests + requests,
      failed: sum.failed + failed,
    }),
    { n: 0, requests: 0, failed: 0 },
  );
}

/** The versions with most requests; those beyond the limit are in the whole only. */
async function versionsOf(
  buckets: readonly Bucket[],
  latency: (version: string) => Promise<OperationsView["latencySeconds"]>,
): Promise<OperationsView["versions"]> {
  const byVersion = Map.groupBy(buckets, ({ version }) => version);
  const versions = [...byVersion]
    .map(([version, own]) => ({ version, own, total: totalOf(own) }))
    .sort((a, b) => b.total.requests - a.total.requests || a.version.localeCompare(b.version))
    .slice(0, LIMITS.versionsShownMax);
  return Promise.all(
    versions.map(async ({ version, own, total }) => ({
      version,
      predictions: Math.round(total.requests),
      errors: Math.round(total.failed),
      latencySeconds: await latency(version),
      buckets: bucketViews(own),
    })),
  );
}

/** Versions added up per bucket, in order of time. */
function bucketViews(buckets: readonly Bucket[]): TrafficBucket[] {
  return [...Map.groupBy(buckets, ({ at }) => at)].map(([at, own]) => {
    const { requests, failed } = totalOf(own);
    const timed = own.reduce((sum, bucket) => sum + bucket.latency_n, 0);
    const seconds = own.reduce((sum, bucket) => sum + bucket.latency_s, 0);
    const latencySeconds = timed === 0 ? null : finite(seconds / timed);
    const counts = { predictions: Math.round(requests), errors: Math.round(failed) };
    return { at: rfc3339(at), ...counts, latencySeconds };
  });
}

/** Quantiles of the latency from its cells; null where nobody sent any. */
async function latencyOf(
  of: {
    readonly model: string;
    readonly version: string;
    readonly rollup: "1m" | "1h" | "1d" | undefined;
    readonly grid: FeatureGrid | undefined;
  },
  span: Span,
  deps: RouteDeps,
): Promise<OperationsView["latencySeconds"]> {
  const short = span.toMs - span.fromMs <= LATENCY_HOURS_SPAN_MAX_MS;
  const tier: RollupTier = short && of.rollup !== "1d" ? "hours" : "days";
  const cells = await deps.store.query(featureCells[tier], {
    ...{ model: of.model, version: of.version, features: [LATENCY_FEATURE], tags: [""] },
    ...alignTo(tier === "hours" ? HOUR_MS : DAY_MS, span),
  });
  const newest = cells.at(-1);
  if (newest === undefined) return null;
  const scale = of.grid?.grid === newest.grid ? of.grid.scale : { center: 0, invScale: 0 };
  const kept = newest.cell.flatMap((cell, i) => (cell === CELL_MISSING ? [] : [i]));
  const column = (values: readonly number[]): number[] => kept.map((i) => values[i] ?? 0);
  const rows = column(newest.n);
  const sums = column(newest.s);
  const counts = cellCounts(scale, {
    cell: column(newest.cell),
    n: rows,
    sum: sums,
    sumOfSquares: sums.map((sum, i) => (sum * sum) / Math.max(1, rows[i] ?? 1)),
  });
  const quantile = (share: number): number | null => finite(cellQuantile(counts, share));
  return { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) };
}
