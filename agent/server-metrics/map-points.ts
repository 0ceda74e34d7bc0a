/** What points mean under the mappings: which measure, of which model, error or GPU, with which counter behind it. Pure. */
import type { MetricsMapping, MetricTake } from "../../contract/mapping.ts";
import { MEASURES, type Measure } from "../../contract/server-metric.ts";
import { familyName, labelsKey } from "./exposition-points.ts";
import type { Bucket, MetricPoint } from "./point.ts";

/** A point as one measure takes it. */
export interface Reading {
  /** Which counter it is within its source. */
  readonly series: string;
  /** Null: of the whole server. */
  readonly model: string | null;
  readonly version: string;
  readonly measure: Measure;
  readonly part: string;
  readonly timeMs: number;
  readonly startMs: number;
  readonly temporality: MetricPoint["temporality"];
  readonly taken: Taken;
}

export type Taken =
  | { readonly kind: "level"; readonly value: number }
  /** A counter, which counts by its growth; `rate` by second. */
  | { readonly kind: "counter"; readonly rate: boolean; readonly values: readonly number[] }
  | { readonly kind: "buckets"; readonly buckets: readonly Bucket[] }
  /** Sum and count, of which what came since has a mean. */
  | { readonly kind: "mean"; readonly values: readonly [number, number]; readonly scale: number };

type Resource = ReadonlyMap<string, string>;

/** Which metrics anybody asks for, and what they mean; the first mapping that names a metric holds. */
export class MetricMappings {
  private readonly takes = new Map<string, { mapping: MetricsMapping; takes: MetricTake[] }>();

  constructor(mappings: readonly MetricsMapping[]) {
    for (const mapping of mappings) {
      for (const [name, takes] of Object.entries(mapping.metrics)) {
        const family = familyName(name);
        if (!this.takes.has(family)) this.takes.set(family, { mapping, takes });
      }
    }
  }

  asksFor(family: string): boolean {
    return this.takes.has(family);
  }

  /** Nothing where no mapping asks for it, its conditions do not hold, or a value cannot be. */
  readingsOf(point: MetricPoint, resource: Resource = NO_RESOURCE): readonly Reading[] {
    const found = this.takes.get(familyName(point.name));
    if (found === undefined) return [];
    const { mapping } = found;
    return found.takes.flatMap((take): readonly Reading[] => {
      if (!holds(take.when, point.labels)) return [];
      const taken = takenOf(point, take);
      if (taken === null) return [];
      const { measure } = take;
      return [
        {
          series: `${point.name}\0${labelsKey(point.labels, null)}\0${measure}`,
          model: textAt(mapping.model, point.labels, resource) || null,
          version: textAt(mapping.version, point.labels, resource),
          measure,
          part: textAt(take.part, point.labels, resource),
          timeMs: point.timeMs,
          startMs: point.startMs,
          temporality: point.temporality,
          taken,
        },
      ];
    });
  }
}

const NO_RESOURCE: Resource = new Map();

function textAt(
  places: readonly string[] | undefined,
  labels: ReadonlyMap<string, string>,
  resource: Resource,
): string {
  for (const place of places ?? []) {
    if (place.startsWith("=")) return place.slice(1);
    const text = place.startsWith("resource:")
      ? resource.get(place.slice("resource:".length))
      : labels.get(place);
    if (text !== undefined && text !== "") return text;
  }
  return "";
}

function holds(when: MetricTake["when"], labels: ReadonlyMap<string, string>): boolean {
  return Object.entries(when).every(([label, patterns]) =>
    patterns.some((pattern) => matches(labels.get(label) ?? "", pattern)),
  );
}

/** `*` stands for any letters, `?` for one. */
function matches(text: string, pattern: string): boolean {
  const parts = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${parts.replaceAll("?", ".")}$`, "su").test(text);
}

const SUMS: ReadonlySet<Measure> = new Set(["latency_seconds", "queue_seconds"]);

/** Null for what cannot be: a counter below zero, a level that is no number, buckets of what has none. */
function takenOf({ value }: MetricPoint, { measure, scale }: MetricTake): Taken | null {
  const { takes } = MEASURES[measure];
  if (takes === "buckets") {
    if (value.kind !== "histogram" || value.buckets.length === 0) return null;
    const buckets = value.buckets.map(({ lower, upper, count }) => ({
      ...{ lower: lower * scale, upper: upper * scale, count },
    }));
    return { kind: "buckets", buckets };
  }
  if (takes === "level") {
    if (value.kind === "histogram") {
      const isKnown = isCount(value.count) && Number.isFinite(value.sum);
      return isKnown ? { kind: "mean", values: [value.sum, value.count], scale } : null;
    }
    return Number.isFinite(value.value) ? { kind: "level", value: value.value * scale } : null;
  }
  const whole = value.kind === "number" ? value.value : SUMS.has(measure) ? value.sum : value.count;
  if (!isCount(whole)) return null;
  return { kind: "counter", rate: takes === "rate", values: [whole * scale] };
}

const isCount = (value: number): boolean => Number.isFinite(value) && value >= 0;
