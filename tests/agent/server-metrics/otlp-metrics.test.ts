/** OTLP metrics: both encodings alike, every kind of point, whatever bytes come, and what the SDK sends. */
import { metrics } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readJsonMetrics } from "../../../agent/otlp/metrics-json.ts";
import { pointsOf } from "../../../agent/otlp/otlp-metrics.ts";
import { MetricsReader } from "../../../agent/otlp/read-metrics.ts";
import { DriftmendError } from "../../../contract/driftmend-error.ts";
import { type AgentProcess, startAgentProcess, temporaryFolder } from "../agent-process.ts";
import { createCapture, spooledMetrics } from "../capture-harness.ts";
import { decodeRequest, encodeRequest } from "../otlp-schema.ts";

const reader = new MetricsReader(createCapture().frame.interner);
const nanos = fc.nat(4e9).map((ms) => `${ms}000000`);
const counts = fc.array(fc.nat(1e6).map(String), { maxLength: 12 });
const attributes = fc.array(
  fc.record({
    key: fc.constantFrom("error.type", "ml.model.name", "a"),
    value: fc.oneof(
      fc.record({ stringValue: fc.string({ maxLength: 20 }) }),
      fc.record({ intValue: fc.integer().map(String) }),
      fc.record({ boolValue: fc.boolean() }),
      fc.record({ doubleValue: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
    ),
  }),
  { maxLength: 3 },
);
// JSON has no -0.
const double = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .map((value) => (value === 0 ? 0 : value));
const base = { attributes, startTimeUnixNano: nanos, timeUnixNano: nanos };
const number = fc.oneof(
  fc.record({ ...base, asDouble: double }),
  fc.record({ ...base, asInt: fc.maxSafeInteger().map(String) }),
);
const points = <T>(point: fc.Arbitrary<T>) => fc.array(point, { maxLength: 3 });
const temporality = fc.constantFrom(1, 2);
const metric = fc.oneof(
  fc.record({ name: fc.string(), gauge: fc.record({ dataPoints: points(number) }) }),
  fc.record({
    name: fc.string(),
    sum: fc.record({ dataPoints: points(number), aggregationTemporality: temporality }),
  }),
  fc.record({
    name: fc.string(),
    histogram: fc.record({
      dataPoints: points(
        fc.record({
          ...base,
          count: fc.nat().map(String),
          sum: double,
          bucketCounts: counts,
          explicitBounds: fc.array(double, { maxLength: 11 }),
        }),
      ),
      aggregationTemporality: temporality,
    }),
  }),
  fc.record({
    name: fc.string(),
    exponentialHistogram: fc.record({
      dataPoints: points(
        fc.record({
          ...base,
          count: fc.nat().map(String),
          sum: double,
          scale: fc.integer({ min: -10, max: 20 }),
          zeroCount: fc.nat().map(String),
          positive: fc.record({
            offset: fc.integer({ min: -2000, max: 2000 }),
            bucketCounts: counts,
          }),
        }),
      ),
      aggregationTemporality: temporality,
    }),
  }),
  fc.record({
    name: fc.string(),
    summary: fc.record({
      dataPoints: points(fc.record({ ...base, count: fc.nat().map(String), sum: double })),
    }),
  }),
);
const request = fc.record({
  resourceMetrics: fc.array(
    fc.record({
      resource: fc.record({ attributes }),
      scopeMetrics: fc.array(fc.record({ metrics: fc.array(metric, { maxLength: 4 }) }), {
        maxLength: 2,
      }),
    }),
    { maxLength: 2 },
  ),
});

describe("OTLP metrics", () => {
  it("are the same from both encodings, and as protobufjs reads them", () => {
    fc.assert(
      fc.property(request, (asked) => {
        const bytes = encodeRequest("metrics", asked);
        const fromBytes = reader.read(bytes);
        expect(fromBytes).toEqual(readJsonMetrics(JSON.stringify(asked)));
        expect(fromBytes).toEqual(readJsonMetrics(JSON.stringify(decodeRequest("metrics", bytes))));
      }),
      { numRuns: 200 },
    );
  });

  it("end in points or in one refusal when bytes are cut or changed", () => {
    fc.assert(
      fc.property(request, fc.nat(), fc.nat(255), (asked, at, byte) => {
        const bytes = encodeRequest("metrics", asked);
        if (bytes.length === 0) return;
        bytes[at % bytes.length] = byte;
        for (const body of [bytes, bytes.subarray(0, at % bytes.length)]) {
          try {
            for (const { metrics: found } of reader.read(body)) found.forEach(pointsOf);
          } catch (error) {
            expect(error).toBeInstanceOf(DriftmendError);
            expect(error).toMatchObject({ code: "request_malformed" });
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("of exponential histograms have edges that are powers, eight to a doubling at most", () => {
    const [resource] = readJsonMetrics(
      JSON.stringify({
        resourceMetrics: [
          {
            scopeMetrics: [
              {
                metrics: [
                  {
                    name: "h",
                    exponentialHistogram: {
                      aggregationTemporality: 1,
                      dataPoints: [
                        {
                          count: "7",
                          sum: 9,
                          scale: 4,
                          zeroCount: "1",
                          positive: { offset: 16, bucketCounts: ["1", "2", "3"] },
                        },
                      ],
                    },
                  },
                ],
              },
            ],
          },
        ],
      }),
    );
    const [point] = resource?.metrics.flatMap(pointsOf) ?? [];
    expect(point?.value).toEqual({
      kind: "histogram",
      buckets: [
        { lower: 0, upper: 0, count: 1 },
        { lower: 2, upper: 2 ** (9 / 8), count: 3 },
        { lower: 2 ** (9 / 8), upper: 2 ** (10 / 8), count: 3 },
      ],
      sum: 9,
      count: 7,
    });
  });
});

const EXPONENTIAL = AggregationType.EXPONENTIAL_HISTOGRAM;

describe("the OpenTelemetry SDK", () => {
  const folder = temporaryFolder();
  let agent: AgentProcess;
  beforeAll(async () => {
    agent = await startAgentProcess(folder.path);
  });
  afterAll(async () => {
    await agent.kill();
    folder.remove();
  });

  it.each([
    ["cumulative", AggregationTemporality.CUMULATIVE],
    ["delta", AggregationTemporality.DELTA],
  ] as const)("exports a server's metrics: %s", async (name, temporalityPreference) => {
    const exporter = new OTLPMetricExporter({
      url: `${agent.url}/v1/metrics`,
      temporalityPreference,
    });
    const periodic = new PeriodicExportingMetricReader({
      exporter,
      exportIntervalMillis: 3_600_000,
    });
    const provider = new MeterProvider({
      resource: resourceFromAttributes({ "ml.model.name": name, "service.instance.id": "pod-1" }),
      readers: [periodic],
      views:
        name === "cumulative"
          ? []
          : [
              {
                instrumentName: "http.server.request.duration",
                aggregation: { type: EXPONENTIAL },
              },
            ],
    });
    metrics.disable();
    const duration = provider.getMeter("test").createHistogram("http.server.request.duration", {
      unit: "s",
      advice: { explicitBucketBoundaries: [0.1, 1, 5] },
    });
    const cpu = provider.getMeter("test").createCounter("process.cpu.time");
    for (let i = 0; i < 3; i++) {
      for (let request = 0; request < 10; request++) {
        duration.record(0.02, { "http.response.status_code": 200 });
      }
      duration.record(2, { "http.response.status_code": 503 });
      cpu.add(1, { "cpu.mode": "user" });
      await provider.forceFlush();
    }
    await provider.shutdown();
    const own = spooledMetrics(folder.path).filter(({ model }) => model === name);
    const sum = (measure: string): number =>
      own
        .filter((row) => row["measure"] === measure)
        .reduce((total, { value }) => total + Number(value), 0);
    // The first cumulative export is what later ones are compared with.
    const exports = name === "delta" ? 3 : 2;
    expect(sum("requests")).toBe(11 * exports);
    expect(sum("errors")).toBe(exports);
    expect(sum("latency")).toBe(11 * exports);
    expect(sum("latency_seconds")).toBeCloseTo(2.2 * exports);
    expect(own.find(({ measure }) => measure === "errors")).toMatchObject({
      part: "503",
      instance: "pod-1",
      source: "otlp",
    });
    expect(own.filter(({ measure }) => measure === "cpu_cores").length).toBeGreaterThan(0);
    const slow = own.filter((row) => row["measure"] === "latency" && Number(row["lower"]) >= 1);
    expect(slow.reduce((total, { value }) => total + Number(value), 0)).toBe(exports);
  });

  it("hears which samples have no model; what nobody asks for is counted, not told: SDKs would take it for a failure", async () => {
    const post = async (resource: object, metricName: string): Promise<unknown> => {
      const body = {
        resourceMetrics: [
          {
            resource,
            scopeMetrics: [
              {
                metrics: [
                  {
                    name: metricName,
                    gauge: { dataPoints: [{ asDouble: 0.5, timeUnixNano: `${Date.now()}000000` }] },
                  },
                ],
              },
            ],
          },
        ],
      };
      const headers = { "content-type": "application/json" };
      return (await agent.post("/v1/metrics", JSON.stringify(body), headers)).json();
    };
    const before = (await agent.self()).totals["requests.metrics"] ?? 0;
    expect(await post({}, "nobody.asks")).toEqual({});
    expect((await agent.self()).totals["requests.metrics"]).toBe(before + 1);
    expect(await post({}, "hw.gpu.utilization")).toMatchObject({
      partialSuccess: {
        rejectedDataPoints: "1",
        errorMessage: expect.stringContaining("no model"),
      },
    });
  });
});
