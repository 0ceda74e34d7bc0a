/** Requests, errors and latency of versions as columns over one axis of time. */
import type { OperationsView, TrafficBucket } from "../../contract/operations-view.ts";

export interface TrafficColumns {
  /** Starts of the buckets in seconds, every one of the span, with and without requests. */
  readonly times: readonly number[];
  readonly versions: readonly {
    readonly version: string;
    readonly perSecond: readonly number[];
    /** Null where there were no requests. */
    readonly errorShare: readonly (number | null)[];
    readonly latencySeconds: readonly (number | null)[];
  }[];
}

export function trafficColumns(operations: OperationsView): TrafficColumns {
  const step = operations.bucketSeconds;
  const fromSeconds = Math.floor(Date.parse(operations.from) / 1000 / step) * step;
  const toSeconds = Date.parse(operations.to) / 1000;
  const length = Math.max(0, Math.ceil((toSeconds - fromSeconds) / step));
  const times = Array.from({ length }, (_, i) => fromSeconds + i * step);
  const at = ({ at: time }: TrafficBucket): number =>
    (Date.parse(time) / 1000 - fromSeconds) / step;
  const spread = <T>(
    buckets: readonly TrafficBucket[],
    absent: T,
    value: (bucket: TrafficBucket) => T,
  ): T[] => {
    const column = times.map(() => absent);
    for (const bucket of buckets) column[at(bucket)] = value(bucket);
    return column.slice(0, length);
  };
  const versions = operations.versions.map(({ version, buckets }) => ({
    version,
    perSecond: spread(buckets, 0, ({ predictions }) => predictions / step),
    errorShare: spread<number | null>(buckets, null, ({ predictions, errors }) =>
      predictions === 0 ? null : errors / predictions,
    ),
    latencySeconds: spread<number | null>(buckets, null, (bucket) => bucket.latencySeconds),
  }));
  return { times, versions };
}
