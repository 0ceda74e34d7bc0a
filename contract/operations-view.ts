/** `GET …/operations`: requests, errors, latency and resources of a model over a span, as the page reads them. */
import { z } from "zod";

const rfc3339 = z.iso.datetime();
const figure = z.number().nullable();

const LatencyView = z.object({ p50: figure, p95: figure, p99: figure }).nullable();
export const TrafficBucket = z.object({
  at: rfc3339,
  predictions: z.int(),
  errors: z.int(),
  /** Mean. */
  latencySeconds: figure,
});
export type TrafficBucket = z.infer<typeof TrafficBucket>;
/** What the model's server itself tells, all copies and versions together (docs/operations.md). */
const ServerView = z.object({
  requests: z.int(),
  errors: z.int(),
  errorShare: figure,
  perSecond: z.number(),
  /** From its buckets, where it has some. */
  latencySeconds: LatencyView,
  /** Means by request. */
  meanLatencySeconds: figure,
  queueSeconds: figure,
  errorTypes: z.array(z.object({ error: z.string(), requests: z.int() })),
  tokens: z.array(z.object({ kind: z.string(), tokens: z.int() })),
  buckets: z.array(
    z.object({
      at: rfc3339,
      requests: z.int(),
      errors: z.int(),
      latencySeconds: figure,
      queueSeconds: figure,
    }),
  ),
});
/** One level of one copy of a server: a GPU's use, a process' memory. */
const ResourceView = z.object({
  measure: z.string(),
  title: z.string(),
  unit: z.string(),
  instance: z.string(),
  /** Which GPU, say; empty for the whole. */
  part: z.string(),
  source: z.enum(["otlp", "scrape", "local"]),
  last: figure,
  mean: figure,
  max: figure,
  buckets: z.array(z.object({ at: rfc3339, mean: figure, max: figure })),
});
export const OperationsView = z.object({
  model: z.string(),
  from: rfc3339,
  to: rfc3339,
  /** Where requests, errors and latency are counted: `server` where there are no records in the span. */
  source: z.enum(["records", "server"]),
  /** By estimate where somebody samples: stored predictions by their weights (docs/sampling.md). */
  predictions: z.int(),
  errors: z.int(),
  /** Stored predictions. */
  kept: z.int(),
  errorShare: figure,
  perSecond: z.number(),
  latencySeconds: LatencyView,
  bucketSeconds: z.int(),
  buckets: z.array(TrafficBucket),
  /** Versions that answered in the span, the one with most requests first. */
  versions: z.array(
    z.object({
      version: z.string(),
      predictions: z.int(),
      errors: z.int(),
      latencySeconds: LatencyView,
      buckets: z.array(TrafficBucket),
    }),
  ),
  /** Failed requests by type of error, most frequent first. */
  errorTypes: z.array(z.object({ error: z.string(), version: z.string(), requests: z.int() })),
  /** Null where no server tells anything. */
  server: ServerView.nullable(),
  resources: z.array(ResourceView),
  anomalies: z.array(
    z.object({ id: z.string(), kind: z.string(), title: z.string(), from: rfc3339 }),
  ),
});
export type OperationsView = z.infer<typeof OperationsView>;
