/** What a model's servers told of themselves over a span, for `GET …/operations`. */
import { LIMITS } from "../../contract/limits.ts";
import { MEASURES, type Measure, type SampleSource } from "../../contract/server-metric.ts";
import type { OperationsView } from "../../contract/operations-view.ts";
import {
  resourceSeries,
  serverBuckets,
  serverLatency,
  serverParts,
} from "../../store/queries/server-metrics.ts";
import { type RouteDeps, finite, rfc3339 } from "./route-deps.ts";

type ServerView = NonNullable<OperationsView["server"]>;

const LEVELS = (Object.keys(MEASURES) as Measure[]).filter(
  (measure) => MEASURES[measure].takes === "level" || MEASURES[measure].takes === "rate",
);

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** @param seconds width of the buckets of time */
export async function readServer(
  model: string,
  span: Span,
  seconds: number,
  { store }: RouteDeps,
): Promise<Pick<OperationsView, "server" | "resources">> {
  const [buckets, latency, parts, series] = await Promise.all([
    store.query(serverBuckets, { model, ...span, seconds }),
    store.query(serverLatency, { model, ...span }),
    store.query(serverParts, { model, ...span, limit: LIMITS.errorTypesShownMax }),
    store.query(resourceSeries, {
      ...{ model, ...span, seconds, measures: LEVELS, limit: LIMITS.resourcesShownMax },
    }),
  ]);
  return {
    server: buckets.length === 0 ? null : serverView(span, buckets, latency, parts),
    resources: series.map(resourceView),
  };
}

/** The figures of a model of which there are no records, from its server. */
export function countedByServer(
  server: ServerView,
): Omit<
  OperationsView,
  "model" | "from" | "to" | "anomalies" | "server" | "resources" | "bucketSeconds"
> {
  const buckets = server.buckets.map(({ at, requests, errors, latencySeconds }) => ({
    ...{ at, predictions: requests, errors, latencySeconds },
  }));
  return {
    source: "server",
    kept: server.requests,
    predictions: server.requests,
    errors: server.errors,
    errorShare: server.errorShare,
    perSecond: server.perSecond,
    latencySeconds: server.latencySeconds,
    buckets,
    // All versions together: servers count by copy, and most say no version.
    versions: [
      {
        ...{ version: "", predictions: server.requests, errors: server.errors },
        ...{ latencySeconds: server.latencySeconds, buckets },
      },
    ],
    errorTypes: server.errorTypes.map(({ error, requests }) => ({
      ...{ error, version: "", requests },
    })),
  };
}

type Buckets = readonly {
  readonly at: number;
  readonly requests: number;
  readonly errors: number;
  readonly latency_n: number;
  readonly latency_s: number;
  readonly queue_n: number;
  readonly queue_s: number;
}[];

function serverView(
  { fromMs, toMs }: Span,
  buckets: Buckets,
  latency: readonly LatencyBucket[],
  parts: readonly { readonly measure: string; readonly part: string; readonly n: number }[],
): ServerView {
  const sum = (key: keyof Buckets[number]): number =>
    buckets.reduce((total, bucket) => total + bucket[key], 0);
  const [requests, errors] = [sum("requests"), sum("errors")];
  const partsOf = (measure: string) => parts.filter((row) => row.measure === measure);
  return {
    requests,
    errors,
    errorShare: requests === 0 ? null : Math.min(1, errors / requests),
    perSecond: requests / ((toMs - fromMs) / 1000),
    latencySeconds: quantilesOf(latency),
    meanLatencySeconds: mean(sum("latency_s"), sum("latency_n")),
    queueSeconds: mean(sum("queue_s"), sum("queue_n")),
    errorTypes: partsOf("errors").map(({ part, n }) => ({ error: part, requests: n })),
    tokens: partsOf("tokens").map(({ part, n }) => ({ kind: part, tokens: n })),
    buckets: buckets.map((bucket) => ({
      at: rfc3339(bucket.at),
      requests: bucket.requests,
      errors: bucket.errors,
      latencySeconds: mean(bucket.latency_s, bucket.latency_n),
      queueSeconds: mean(bucket.queue_s, bucket.queue_n),
    })),
  };
}

const mean = (total: number, n: number): number | null => (n === 0 ? null : finite(total / n));

interface LatencyBucket {
  readonly lower: number;
  readonly upper: number;
  readonly n: number;
}

/** Null without buckets. */
function quantilesOf(buckets: readonly LatencyBucket[]): ServerView["latencySeconds"] {
  const total = buckets.reduce((sum, { n }) => sum + n, 0);
  if (total === 0) return null;
  const of = (share: number): number | null => finite(quantileOf(buckets, share * total));
  return { p50: of(0.5), p95: of(0.95), p99: of(0.99) };
}

/**
 * Evenly spread within its bucket, as Prometheus takes it; of the last, which has no upper edge, the lower one.
 * @param buckets by upper edge
 */
function quantileOf(buckets: readonly LatencyBucket[], rank: number): number {
  let below = 0;
  for (const { lower, upper, n } of buckets) {
    if (below + n >= rank) {
      return Number.isFinite(upper) ? lower + (upper - lower) * ((rank - below) / n) : lower;
    }
    below += n;
  }
  return buckets.at(-1)?.lower ?? Number.NaN;
}

function resourceView(row: {
  readonly measure: string;
  readonly instance: string;
  readonly part: string;
  readonly source: string;
  readonly at: readonly number[];
  readonly mean: readonly number[];
  readonly max: readonly number[];
  readonly last: number;
}): OperationsView["resources"][number] {
  const { measure, instance, part, at } = row;
  const { title, unit } = MEASURES[measure as Measure];
  const sum = row.mean.reduce((total, value) => total + value, 0);
  return {
    ...{ measure, title, unit, instance, part, source: row.source as SampleSource },
    last: finite(row.last),
    mean: mean(sum, row.mean.length),
    max: finite(Math.max(...row.max)),
    buckets: at.map((seconds, i) => ({
      at: rfc3339(seconds * 1000),
      mean: finite(row.mean[i] ?? Number.NaN),
      max: finite(row.max[i] ?? Number.NaN),
    })),
  };
}
