/** What the endpoints of the four servers say becomes, by the mappings that ship. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pointsOfExposition } from "../../../agent/server-metrics/exposition-points.ts";
import { MetricMappings, type Reading } from "../../../agent/server-metrics/map-points.ts";
import { readExposition } from "../../../agent/server-metrics/prometheus-text.ts";
import { createCapture } from "../capture-harness.ts";

const { mappings } = createCapture();

function readingsOf(server: string, preset: string | null): readonly Reading[] {
  const text = readFileSync(join(import.meta.dirname, "fixtures", `${server}.txt`), "utf8");
  const meant = new MetricMappings(mappings.ofMetrics(preset));
  return pointsOfExposition(readExposition(text), (name) => meant.asksFor(name)).flatMap((point) =>
    meant.readingsOf(point),
  );
}

const told = (readings: readonly Reading[]) =>
  readings.map(({ model, version, measure, part, taken }) => [
    ...[model, version, measure, part],
    taken.kind === "level"
      ? taken.value
      : taken.kind === "buckets"
        ? taken.buckets.length
        : taken.values,
  ]);

describe("the presets", () => {
  it("triton: requests, failures by reason, durations in seconds, GPUs of the whole server", () => {
    const found = told(readingsOf("triton", "triton"));
    expect(found).toContainEqual(["fraud", "3", "requests", "", [161]]);
    expect(found).toContainEqual(["fraud", "3", "errors", "REJECTED", [7]]);
    expect(found).toContainEqual(["fraud", "3", "requests", "", [7]]);
    expect(found).toContainEqual(["fraud", "3", "latency_seconds", "", [0.8049999999999999]]);
    expect(found).toContainEqual(["fraud", "3", "latency", "", 5]);
    expect(found).toContainEqual(["fraud", "3", "queue_length", "", 4]);
    expect(found).toContainEqual([null, "", "gpu_utilisation", "GPU-a1", 0.62]);
    expect(found).toContainEqual([null, "", "gpu_memory_bytes", "GPU-a1", 12884901888]);
    expect(found).toContainEqual([null, "", "cpu_utilisation", "", 0.21]);
  });

  it("triton: edges of buckets in seconds", () => {
    const latency = readingsOf("triton", "triton").find(({ measure }) => measure === "latency");
    const edges =
      latency?.taken.kind === "buckets" ? latency.taken.buckets.map(({ upper }) => upper) : [];
    expect(edges).toEqual([0.1, 0.5, 2, 5, Number.POSITIVE_INFINITY]);
  });

  it("vllm: finished requests, errors among them, tokens, queue, cache by engine", () => {
    const found = told(readingsOf("vllm", "vllm"));
    expect(found.filter(([, , measure]) => measure === "requests")).toHaveLength(4);
    expect(found).toContainEqual(["llama", "", "errors", "error", [1]]);
    expect(found).toContainEqual(["llama", "", "latency_seconds", "", [41.5]]);
    expect(found).toContainEqual(["llama", "", "latency_count", "", [100]]);
    expect(found).toContainEqual(["llama", "", "queue_seconds", "", [1.25]]);
    expect(found).toContainEqual(["llama", "", "tokens", "output", [3400]]);
    expect(found).toContainEqual(["llama", "", "cache_usage", "", 0.75]);
    expect(found).toContainEqual([null, "", "cpu_cores", "", [512.25]]);
  });

  it("kserve: requests and latency of the model, server errors of the queue proxy", () => {
    const found = told(readingsOf("kserve", "kserve"));
    expect(found).toContainEqual(["iris", "", "requests", "", [50]]);
    expect(found).toContainEqual(["iris", "", "latency", "", 3]);
    expect(found).toContainEqual([null, "", "errors", "503", [3]]);
    expect(found.filter(([, , measure]) => measure === "errors")).toHaveLength(1);
  });

  it("mlserver: both outcomes, durations without buckets, the mean of a queue", () => {
    const found = told(readingsOf("mlserver", "mlserver"));
    expect(found).toContainEqual(["iris", "v7", "requests", "", [12]]);
    expect(found).toContainEqual(["iris", "v7", "requests", "", [3]]);
    expect(found).toContainEqual(["iris", "v7", "errors", "failure", [3]]);
    expect(found).toContainEqual(["iris", "v7", "latency_seconds", "", [0.06]]);
    expect(found).toContainEqual(["iris", "v7", "queue_length", "", [10, 4]]);
    expect(found).toContainEqual([null, "", "memory_bytes", "", 2e8]);
  });

  it.each(["triton", "vllm", "kserve", "mlserver"])("%s is known without being named", (server) => {
    expect(told(readingsOf(server, null))).toEqual(told(readingsOf(server, server)));
  });
});
