/**
 * What a model server says of itself: a fixed set of measures, whatever its own metrics are called. An agent
 * turns OTLP metrics, Prometheus endpoints and the machine's own figures into samples of these.
 */

interface MeasureFacts {
  /**
   * `growth`: of a counter, since the sample before. `buckets`: likewise, by the buckets of a histogram. `level`: as
   * it stands. `rate`: growth of a counter by second.
   */
  readonly takes: "growth" | "buckets" | "level" | "rate";
  readonly unit: "requests" | "seconds" | "tokens" | "share" | "bytes" | "watts" | "cores" | "none";
  /** What equal samples of one instance and moment are together: two engines of a server, say. */
  readonly together: "sum" | "mean";
  readonly title: string;
}

const growth = (unit: MeasureFacts["unit"], title: string): MeasureFacts => ({
  ...{ takes: "growth", unit, together: "sum", title },
});
const level = (
  unit: MeasureFacts["unit"],
  title: string,
  together: MeasureFacts["together"] = "sum",
): MeasureFacts => ({ takes: "level", unit, together, title });

const FACTS = {
  requests: growth("requests", "Requests that were answered, failed ones among them"),
  errors: growth("requests", "Requests that failed, by type"),
  latency: {
    ...{ takes: "buckets", unit: "requests", together: "sum" },
    title: "Requests by how long they took",
  },
  latency_seconds: growth("seconds", "Time that requests took, added up"),
  latency_count: growth("requests", "Requests whose time is in it"),
  queue_seconds: growth("seconds", "Time that requests waited, added up"),
  queue_count: growth("requests", "Requests whose waiting is in it"),
  tokens: growth("tokens", "Tokens read and written"),
  queue_length: level("requests", "Requests that wait"),
  running: level("requests", "Requests in the works"),
  cache_usage: level("share", "Key-value cache in use", "mean"),
  gpu_utilisation: level("share", "GPU in use", "mean"),
  gpu_memory_bytes: level("bytes", "GPU memory in use", "mean"),
  gpu_memory_total_bytes: level("bytes", "GPU memory there is", "mean"),
  gpu_power_watts: level("watts", "GPU power", "mean"),
  cpu_cores: { takes: "rate", unit: "cores", together: "sum", title: "CPU cores in use" },
  cpu_utilisation: level("share", "CPU of the machine in use", "mean"),
  memory_bytes: level("bytes", "Memory of the server"),
  host_memory_bytes: level("bytes", "Memory of the machine in use", "mean"),
  up: level("none", "Whether the endpoint answered", "mean"),
} as const satisfies Readonly<Record<string, MeasureFacts>>;

export type Measure = keyof typeof FACTS;
export const MEASURES: Readonly<Record<Measure, MeasureFacts>> = FACTS;
export const MEASURE_NAMES = Object.keys(FACTS) as [Measure, ...Measure[]];

/** How a sample came. */
export type SampleSource = "otlp" | "scrape" | "local";

/** One row of the section and table `server_metrics`. */
export interface ServerMetricRow {
  readonly model: string;
  /** Empty where the server does not say. */
  readonly version: string;
  /** End of the time that a growth belongs to, in milliseconds. */
  readonly ts: number;
  /** Which copy of the server: `host:port`, `service.instance.id`. */
  readonly instance: string;
  readonly source: SampleSource;
  readonly measure: Measure;
  /** Type of error, index of the GPU, kind of token; empty for the whole. */
  readonly part: string;
  /** Edges of a bucket of `latency` in seconds, the upper one within it; 0 and 0 for anything else. */
  readonly lower: number;
  readonly upper: number;
  readonly value: number;
}
