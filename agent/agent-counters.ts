/** What the agent counts: for Prometheus, and the same numbers for `/api/v1/self`. */
import type { Metrics } from "../runtime/metrics.ts";
import type { Taken } from "./intake.ts";
import type { RecordWarnings } from "./record-warnings.ts";

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

export class AgentCounters {
  readonly totals: Record<string, number> = {};
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
    this.add("records", { kind: "unknown" }, outcome.unknown);
    for (const [reason, count] of outcome.deadLetters) this.add("deadLetters", { reason }, count);
    this.add("dropped", { kind: "attribute" }, outcome.droppedAttributes);
    this.add("dropped", { kind: "record" }, outcome.droppedRecords);
    this.add("values", { kind: "skipped" }, outcome.valuesSkipped);
    this.add("values", { kind: "cut" }, outcome.valuesCut);
  }

  /** A request of metrics: answered with success and not used. */
  tookMetrics(): void {
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
  calls(kind: "captured" | "too_large" | "shed" | "upstream_failed", count: number): void {
    this.add("calls", { kind }, count);
  }

  /** `orphan` and `given_up`: its other half did not come in time, or too much waited. */
  events(
    kind: "paired" | "waiting" | "again" | "other" | "filtered" | "orphan" | "given_up",
    count: number,
  ): void {
    this.add("events", { kind }, count);
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
