/** One point of a metric, from whichever door: what Prometheus' text and OTLP have in common. */

export interface MetricPoint {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  /** When it was measured, in milliseconds; 0 where the door's own time counts. */
  readonly timeMs: number;
  /** Since when a cumulative value counts; 0 where nobody said. */
  readonly startMs: number;
  /** `delta`: what came since the point before. For what is no counter it means nothing. */
  readonly temporality: "cumulative" | "delta";
  readonly value: PointValue;
}

export type PointValue =
  | { readonly kind: "number"; readonly value: number }
  /** Also a summary, which has no buckets. */
  | {
      readonly kind: "histogram";
      readonly buckets: readonly Bucket[];
      readonly sum: number;
      readonly count: number;
    };

/** Values in (lower, upper], ascending; the first may begin at −∞, the last end at +∞. */
export interface Bucket {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}
