/**
 * OTLP metrics, from either door and in either encoding, to samples of model servers: which resource is which copy of
 * which server, and what is told of points that became nothing.
 */
import type { FeatureRules } from "../columns/feature-rules.ts";
import type { AgentCounters } from "../agent-counters.ts";
import type { OtlpEncoding, PartialSuccess } from "../doors/otlp-answer.ts";
import { readJsonMetrics } from "../otlp/metrics-json.ts";
import { type OtlpResource, pointsOf } from "../otlp/otlp-metrics.ts";
import type { MetricsReader } from "../otlp/read-metrics.ts";
import type { MetricMappings, Reading } from "./map-points.ts";
import type { MetricIntake } from "./metric-intake.ts";
import type { Origin, SampleCounts } from "./plan-samples.ts";

export interface MetricDoorDeps {
  readonly intake: MetricIntake;
  readonly reader: MetricsReader;
  readonly mappings: MetricMappings;
  readonly rules: FeatureRules;
  readonly counters: AgentCounters;
  readonly nowMs: () => number;
}

/** Attributes that tell one copy of a server from another, the best first. */
const INSTANCE = ["service.instance.id", "k8s.pod.name", "host.name", "service.name"];
const IDENTITY = ["service.namespace", "service.name", ...INSTANCE];

export class MetricDoor {
  private readonly deps: MetricDoorDeps;

  constructor(deps: MetricDoorDeps) {
    this.deps = deps;
  }

  /**
   * Resolves once the samples are on disk; done with the body when it returns.
   * @returns null for full success
   * @throws {DriftmendError} request_malformed; spool_full, disk_full, disk_behind (retry later)
   */
  async take(encoding: OtlpEncoding, body: Buffer): Promise<PartialSuccess | null> {
    const { intake, reader, counters } = this.deps;
    const resources =
      encoding === "protobuf" ? reader.read(body) : readJsonMetrics(body.toString("utf8"));
    const digest = intake.digestOf(body);
    const found = resources.map((resource) => this.originOf(resource));
    const unmapped = found.reduce((sum, one) => sum + one.unmapped, 0);
    counters.samples({ unmapped });
    const origins = found.map(({ origin }) => origin).filter(({ readings }) => readings.length > 0);
    if (origins.length === 0) {
      // The answer does not say so: SDKs take a warning for a failure, again with each export.
      if (unmapped > 0) counters.tookUnusedMetrics();
      return null;
    }
    const { counts } = await intake.take(digest, origins);
    return partialOf(counts);
  }

  private originOf({ attributes, metrics }: OtlpResource): {
    readonly origin: Origin;
    readonly unmapped: number;
  } {
    const { mappings, rules, nowMs } = this.deps;
    const readings: Reading[] = [];
    let unmapped = 0;
    for (const metric of metrics) {
      if (!mappings.asksFor(metric.name.replace(/_total$/, ""))) unmapped++;
      else {
        const points = pointsOf(metric);
        readings.push(...points.flatMap((point) => mappings.readingsOf(point, attributes)));
      }
    }
    const described = rules.modelOfResource(attributes) ?? attributes.get("ml.model.name");
    const named = new Set(readings.flatMap(({ model }) => model ?? []));
    const text = (name: string): string => attributes.get(name) ?? "";
    const origin: Origin = {
      key: `otlp ${JSON.stringify(IDENTITY.map(text))}`,
      source: "otlp",
      instance: INSTANCE.map(text).find((found) => found !== "") ?? "",
      models: described === undefined ? [...named] : [described],
      version: text("ml.model.version"),
      nowMs: nowMs(),
      isWhole: false,
      readings,
    };
    return { origin, unmapped };
  }
}

function partialOf(all: readonly SampleCounts[]): PartialSuccess | null {
  const sum = (key: keyof SampleCounts): number =>
    all.reduce((total, counts) => total + counts[key], 0);
  const [noModel, badTime, overLimit] = [sum("noModel"), sum("badTime"), sum("overLimit")];
  const rejected = noModel + badTime + overLimit;
  if (rejected === 0) return null;
  const told = [
    ...(noModel === 0
      ? []
      : [`${noModel} name no model (ml.model.name, or match.resource of a document)`]),
    ...(badTime === 0 ? [] : [`${badTime} have a time that cannot be`]),
    ...(overLimit === 0 ? [] : [`${overLimit} are over a limit`]),
  ];
  return { rejected, message: `samples were not stored: ${told.join(", ")}` };
}
