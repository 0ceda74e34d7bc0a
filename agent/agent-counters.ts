/** What the agent counts: for Prometheus, and the same numbers for `/api/v1/self`. */
import { LIMITS } from "../contract/limits.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Taken } from "./intake.ts";
import type { RecordWarnings } from "./record-warnings.ts";
import type { SampleCounts } from "./server-metrics/plan-samples.ts";

export interface AgentGauges {
  readonly spoolBytes: number;
  readonly unstoredFrames: number;
  readonly publishedThrough: number;
  readonly storedThrough: number;
  readonly nextSeq: number;
  /** Age of the oldest frame that is not stored. */
  readonly lagSeconds: number;
}

const GAUGES = {
  spoolBytes: ["spool_bytes", "Bytes of the spool on disk"],
  unstoredFrames: ["spool_unstored_frames", "Frames that are not known to be stored"],
  publishedThrough: ["published_through", "Highest frame number that was published"],
  storedThrough: ["stored_through", "Highest frame number that is stored"],
  nextSeq: ["next_seq", "Number of the next frame"],
  lagSeconds: ["lag_seconds", "Age of the oldest frame that is not stored"],
} as const;

const SAMPLE_REASONS = {
  ...{ first: "first", gap: "gap", old: "old", noModel: "no_model", badTime: "bad_time" },
  ...{ overLimit: "over_limit", unmapped: "unmapped" },
} as const;

export class AgentCounters {
  readonly totals: Record<string, number> = {};
  private readonly shedModels = new Set<string>();
  private readonly add: (name: string, labels: Record<string, string>, count: number) => void;
  private readonly setGauge: (name: keyof AgentGauges, value: number) => void;

  private readonly warnings: RecordWarnings;

  constructor(metrics: Metrics, warnings: RecordWarnings) {
    this.warnings = warnings;
    const counters = {
      requests: metrics.counter("requests_total", "Requests taken in", ["kind"]),
      refused: metrics.counter("requests_refused_total", "Requests refused", ["reason"]),
      records: metrics.counter("records_total", "Records taken in", ["kind"]),
      deadLetters: metrics.counter("dead_letters_total", "Records set aside", ["reason"]),
      shed: metrics.counter("shed_total", "Predictions that were not kept", ["model", "reason"]),
      dropped: metrics.counter("dropped_total", "What SDKs dropped before it came", ["kind"]),
      values: metrics.counter("values_total", "Values skipped or cut", ["kind"]),
      frames: metrics.counter("frames_total", "Frames", ["kind"]),
      calls: metrics.counter(
        "proxied_calls_total",
        "Inference calls that passed, by what became of them",
        ["kind"],
      ),
      events: metrics.counter("cloud_events_total", "CloudEvents, by what became of them", [
        "kind",
      ]),
      samples: metrics.counter(
        "server_samples_passed_over_total",
        "Samples of model servers that became no row, by the reason",
        ["reason"],
      ),
      scrapes: metrics.counter("scrapes_total", "Readings of model servers' endpoints", ["kind"]),
    } as const;
    this.add = (name, labels, count) => {
      if (count === 0) return;
      const key = [name, ...Object.values(labels)].join(".");
      this.totals[key] = (this.totals[key] ?? 0) + count;
      if (isKeyOf(counters, name)) counters[name].inc(labels, count);
    };
    const gauges = new Map(
      Object.entries(GAUGES).map(([key, [name, help]]) => [key, metrics.gauge(name, help)]),
    );
    this.setGauge = (name, value) => gauges.get(name)?.set(value);
  }

  /** A request that was answered with success; null for an empty one. */
  took(taken: Taken | null): void {
    this.add("requests", { kind: taken?.kind ?? "empty" }, 1);
    if (taken?.kind !== "taken") return;
    const { outcome } = taken;
    this.warnings.tell(outcome);
    this.add("records", { kind: "prediction" }, outcome.predictions);
    this.add("records", { kind: "label" }, outcome.labels);
    this.add("records", { kind: "server_metric" }, outcome.serverMetrics);
    this.add("records", { kind: "unknown" }, outcome.unknown);
    for (const [reason, count] of outcome.deadLetters) this.add("deadLetters", { reason }, count);
    this.add("records", { kind: "sampled_out" }, outcome.sampledOut);
    this.add("records", { kind: "label_unsampled" }, outcome.labelsUnsampled);
    for (const [model, count] of outcome.shed) {
      this.add("shed", { model: this.shedLabel(model), reason: "rate_limited" }, count);
    }
    for (const [model, count] of outcome.thinned) {
      this.add("shed", { model: this.shedLabel(model), reason: "spool_filling" }, count);
    }
    this.add("values", { kind: "dead_letter_samples_shed" }, outcome.samplesShed);
    this.add("dropped", { kind: "attribute" }, outcome.droppedAttributes);
    this.add("dropped", { kind: "record" }, outcome.droppedRecords);
    this.add("values", { kind: "skipped" }, outcome.valuesSkipped);
    this.add("values", { kind: "features_over_limit" }, outcome.featuresOverLimit);
    this.add("values", { kind: "cut" }, outcome.valuesCut);
  }

  /** The model's name, of the first so many that sent too much. */
  private shedLabel(model: string): string {
    if (this.shedModels.size < LIMITS.shedModelsMax) this.shedModels.add(model);
    return this.shedModels.has(model) ? model : "~other";
  }

  /** A request of metrics for which no mapping asks: answered with success and not used. */
  tookUnusedMetrics(): void {
    this.add("requests", { kind: "metrics" }, 1);
    this.warnings.tellMetrics();
  }

  refused(reason: string): void {
    this.add("refused", { reason }, 1);
  }

  frames(kind: "spooled" | "published" | "publish_failed" | "stored", count: number): void {
    this.add("frames", { kind }, count);
  }

  /** `too_large`: captured without what was too large; `shed`: passed, and not captured. */
  calls(
    kind: "captured" | "too_large" | "shed" | "unread" | "upstream_failed",
    count: number,
  ): void {
    this.add("calls", { kind }, count);
  }

  /** `orphan` and `given_up`: its other half did not come in time, or too much waited. */
  events(
    kind: "paired" | "waiting" | "again" | "other" | "filtered" | "orphan" | "given_up",
    count: number,
  ): void {
    this.add("events", { kind }, count);
  }

  /** Samples of servers that became no row; `unmapped`: no mapping asks for the metric. */
  samples(counts: Partial<SampleCounts> & { readonly unmapped?: number }): void {
    for (const [reason, n] of Object.entries(counts)) {
      this.add("samples", { reason: SAMPLE_REASONS[reason as keyof typeof SAMPLE_REASONS] }, n);
    }
  }

  scrapes(kind: "read" | "failed"): void {
    this.add("scrapes", { kind }, 1);
  }

  gauges(values: AgentGauges): void {
    for (const name of Object.keys(GAUGES)) {
      if (isKeyOf(GAUGES, name)) this.setGauge(name, values[name]);
    }
  }
}

function isKeyOf<T extends object>(object: T, key: string): key is keyof T & string {
  return key in object;
}
