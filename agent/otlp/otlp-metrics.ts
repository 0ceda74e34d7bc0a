/**
 * OTLP metrics as points, by resource: what both encodings are read into first, and what the data models of OTLP
 * mean. Exponential histograms become buckets, put together so that there are at most eight to a doubling.
 */
import { LIMITS } from "../../contract/limits.ts";
import type { Bucket, MetricPoint, PointValue } from "../server-metrics/point.ts";

export interface OtlpResource {
  readonly attributes: ReadonlyMap<string, string>;
  readonly metrics: readonly OtlpMetric[];
}

export interface OtlpMetric {
  readonly name: string;
  readonly kind: "gauge" | "sum" | "histogram" | "exponential" | "summary";
  /** 1 delta, 2 cumulative; 0 for what has none. */
  readonly temporality: number;
  readonly points: readonly OtlpPoint[];
}

/** All fields that any kind has; those that were not sent are 0, NaN or empty. */
export interface OtlpPoint {
  readonly attributes: ReadonlyMap<string, string>;
  readonly startMs: number;
  readonly timeMs: number;
  readonly flags: number;
  readonly value: number;
  readonly count: number;
  readonly sum: number;
  readonly bucketCounts: readonly number[];
  readonly bounds: readonly number[];
  readonly scale: number;
  readonly zeroCount: number;
  readonly positive: ExponentialBuckets;
}

export interface ExponentialBuckets {
  readonly offset: number;
  readonly counts: readonly number[];
}

const NO_RECORDED_VALUE = 1;
const DELTA = 1;

/** Without points that say that they have no value, or whose parts contradict each other. */
export function pointsOf({ name, kind, temporality, points }: OtlpMetric): readonly MetricPoint[] {
  return points.flatMap((point): MetricPoint[] => {
    if ((point.flags & NO_RECORDED_VALUE) !== 0) return [];
    const value = valueOf(kind, point);
    if (value === null) return [];
    const { attributes: labels, timeMs, startMs } = point;
    const isDelta = temporality === DELTA;
    return [
      { name, labels, timeMs, startMs, temporality: isDelta ? "delta" : "cumulative", value },
    ];
  });
}

function valueOf(kind: OtlpMetric["kind"], point: OtlpPoint): PointValue | null {
  if (kind === "gauge" || kind === "sum") return { kind: "number", value: point.value };
  const buckets = kind === "summary" ? [] : bucketsOf(kind, point);
  return buckets === null
    ? null
    : { kind: "histogram", buckets, sum: point.sum, count: point.count };
}

function bucketsOf(kind: "histogram" | "exponential", point: OtlpPoint): readonly Bucket[] | null {
  return kind === "histogram" ? explicitBuckets(point) : exponentialBuckets(point);
}

function explicitBuckets({ bounds, bucketCounts }: OtlpPoint): readonly Bucket[] | null {
  if (bucketCounts.length === 0) return [];
  if (bucketCounts.length !== bounds.length + 1) return null;
  const edges = [Number.NEGATIVE_INFINITY, ...bounds, Number.POSITIVE_INFINITY];
  const ascend = edges.every((edge, i) => i === 0 || edge > (edges[i - 1] ?? edge));
  if (!ascend) return null;
  return bucketCounts.map((count, i) => ({
    ...{ lower: edges[i] ?? 0, upper: edges[i + 1] ?? 0, count },
  }));
}

/**
 * Bucket i of scale s holds values in (base^i, base^(i+1)], base = 2^(2^−s). Halving the scale puts neighbours
 * together, and keeps every edge that is left where it was.
 */
function exponentialBuckets({ scale, zeroCount, positive }: OtlpPoint): readonly Bucket[] | null {
  const shift = Math.max(0, scale - LIMITS.latencyBucketScaleMax);
  const counts = new Map<number, number>();
  for (const [i, count] of positive.counts.entries()) {
    const index = Math.floor((positive.offset + i) / 2 ** shift);
    counts.set(index, (counts.get(index) ?? 0) + count);
  }
  if (counts.size > LIMITS.latencyBucketsMax) return null;
  const width = 2 ** -(scale - shift);
  const edge = (index: number): number => 2 ** (index * width);
  const found = [...counts].toSorted(([a], [b]) => a - b);
  const zero: Bucket[] = zeroCount > 0 ? [{ lower: 0, upper: 0, count: zeroCount }] : [];
  return [
    ...zero,
    ...found.map(([index, count]) => ({ lower: edge(index), upper: edge(index + 1), count })),
  ];
}
