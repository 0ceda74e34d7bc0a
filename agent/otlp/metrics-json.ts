/** ExportMetricsServiceRequest as JSON, read into the same shape as `read-metrics.ts` reads its bytes. */
import { z } from "zod";
import type { OtlpMetric, OtlpPoint, OtlpResource } from "./otlp-metrics.ts";
import { emptyPoint } from "./read-metrics.ts";
import { malformedBody } from "./wire.ts";

/** 64-bit numbers come as text or number. */
const GivenWhole = z.union([z.int(), z.string().regex(/^-?\d{1,20}$/)]).transform(Number);
const Whole = GivenWhole.prefault(0);
const Double = z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity"])]).transform(Number);
const Nanos = z
  .union([z.int().min(0), z.string().regex(/^\d{1,20}$/)])
  .transform((nanos) => Number(BigInt(nanos) / 1_000_000n))
  .prefault(0);
const Value = z.looseObject({
  stringValue: z.string().optional(),
  boolValue: z.boolean().optional(),
  intValue: z.union([z.string(), z.number()]).optional(),
  doubleValue: Double.optional(),
});
const Attributes = z
  .array(z.looseObject({ key: z.string().prefault(""), value: Value.nullish() }))
  .prefault([])
  .transform((pairs) => {
    const attributes = new Map<string, string>();
    for (const { key, value } of pairs) {
      const { stringValue, boolValue, intValue, doubleValue } = value ?? {};
      const plain = stringValue ?? boolValue ?? intValue ?? doubleValue;
      if (plain !== undefined) attributes.set(key, String(plain));
    }
    return attributes;
  });
const Point = z.looseObject({
  attributes: Attributes,
  startTimeUnixNano: Nanos,
  timeUnixNano: Nanos,
  flags: z.int().prefault(0),
  asDouble: Double.optional(),
  asInt: GivenWhole.optional(),
  count: Whole,
  sum: Double.optional(),
  bucketCounts: z.array(Whole).prefault([]),
  explicitBounds: z.array(Double).prefault([]),
  scale: z.int().prefault(0),
  zeroCount: Whole,
  positive: z
    .looseObject({ offset: z.int().prefault(0), bucketCounts: z.array(Whole).prefault([]) })
    .prefault({}),
});
const Data = z.looseObject({
  dataPoints: z.array(Point).prefault([]),
  aggregationTemporality: z
    .union([z.int(), z.string().transform((name) => TEMPORALITIES.indexOf(name))])
    .prefault(0),
});
const TEMPORALITIES = [
  "AGGREGATION_TEMPORALITY_UNSPECIFIED",
  "AGGREGATION_TEMPORALITY_DELTA",
  "AGGREGATION_TEMPORALITY_CUMULATIVE",
];
const Metric = z.looseObject({
  name: z.string().prefault(""),
  gauge: Data.optional(),
  sum: Data.optional(),
  histogram: Data.optional(),
  exponentialHistogram: Data.optional(),
  summary: Data.optional(),
});
const Request = z.looseObject({
  resourceMetrics: z
    .array(
      z.looseObject({
        resource: z.looseObject({ attributes: Attributes }).prefault({}),
        scopeMetrics: z
          .array(z.looseObject({ metrics: z.array(Metric).prefault([]) }))
          .prefault([]),
      }),
    )
    .prefault([]),
});

/** @throws {DriftmendError} request_malformed */
export function readJsonMetrics(text: string): readonly OtlpResource[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw malformedBody("it is not JSON");
  }
  const parsed = Request.safeParse(json);
  if (!parsed.success) throw malformedBody(z.prettifyError(parsed.error).slice(0, 500));
  return parsed.data.resourceMetrics.map(({ resource, scopeMetrics }) => ({
    attributes: resource.attributes,
    metrics: scopeMetrics.flatMap(({ metrics }) => metrics.flatMap(metricOf)),
  }));
}

const FIELDS = [
  ["gauge", "gauge"],
  ["sum", "sum"],
  ["histogram", "histogram"],
  ["exponential", "exponentialHistogram"],
  ["summary", "summary"],
] as const;

function metricOf(metric: z.output<typeof Metric>): readonly OtlpMetric[] {
  return FIELDS.flatMap(([kind, field]): readonly OtlpMetric[] => {
    const data = metric[field];
    if (data === undefined) return [];
    const { aggregationTemporality: temporality, dataPoints } = data;
    return [{ name: metric.name, kind, temporality, points: dataPoints.map(pointOf) }];
  });
}

function pointOf(point: z.output<typeof Point>): OtlpPoint {
  const { asDouble, asInt, sum, positive } = point;
  return {
    ...emptyPoint(point.attributes),
    startMs: point.startTimeUnixNano,
    timeMs: point.timeUnixNano,
    flags: point.flags,
    value: asDouble ?? asInt ?? Number.NaN,
    count: point.count,
    sum: sum ?? Number.NaN,
    bucketCounts: point.bucketCounts,
    bounds: point.explicitBounds,
    scale: point.scale,
    zeroCount: point.zeroCount,
    positive: { offset: positive.offset, counts: positive.bucketCounts },
  };
}
