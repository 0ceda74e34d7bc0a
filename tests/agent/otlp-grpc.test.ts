/** OTLP over gRPC on the real process: by OpenTelemetry's own exporter, and by bare calls for what it never sends. */
import { createServer } from "node:net";
import {
  Client,
  Metadata,
  type ServiceError,
  compressionAlgorithms,
  credentials,
  status,
} from "@grpc/grpc-js";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-grpc";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { afterEach, describe, expect, it } from "vitest";
import { LIMITS } from "../../contract/limits.ts";
import { systemClock } from "../../runtime/clock.ts";
import { freePort } from "../support/free-port.ts";
import {
  type AgentProcess,
  eventLines,
  startAgentProcess,
  temporaryFolder,
} from "./agent-process.ts";
import { spooledRows } from "./capture-harness.ts";
import { encodeRequest, otlpSchema } from "./otlp-schema.ts";

const LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

interface Stage {
  readonly agent: AgentProcess;
  readonly folder: string;
  readonly address: string;
  call(
    path: string,
    body: Uint8Array,
    metadata?: Readonly<Record<string, string>>,
  ): Promise<Buffer>;
}

async function open(env: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const { path, remove } = temporaryFolder();
  const port = String(await freePort());
  const agent = await startAgentProcess(path, { DRIFTMEND_OTLP_GRPC_PORT: port, ...env });
  const address = `127.0.0.1:${port}`;
  const client = new Client(address, credentials.createInsecure(), {
    "grpc.default_compression_algorithm": compressionAlgorithms.gzip,
    "grpc.max_send_message_length": -1,
  });
  cleanups.push(
    remove,
    () => agent.kill(),
    () => client.close(),
  );
  const asIs = (bytes: Buffer): Buffer => bytes;
  return {
    agent,
    folder: path,
    address,
    call: (method, body, given = {}) => {
      const metadata = new Metadata();
      for (const [key, value] of Object.entries(given)) metadata.set(key, value);
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          method,
          asIs,
          asIs,
          Buffer.from(body),
          metadata,
          (error, answer = Buffer.alloc(0)) => (error === null ? resolve(answer) : reject(error)),
        );
      });
    },
  };
}

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const prediction = (id: string, ...more: object[]): object => ({
  eventName: "ml.prediction",
  attributes: [text("ml.model.name", "m"), text("ml.prediction.id", id), ...more],
});
const logs = (...records: object[]): Buffer =>
  encodeRequest("logs", { resourceLogs: [{ scopeLogs: [{ logRecords: records }] }] });

async function refusedBy(call: Promise<unknown>): Promise<ServiceError> {
  const error = await call.then(
    () => null,
    (cause: unknown) => cause as ServiceError,
  );
  if (error === null) throw new Error("It was taken in");
  return error;
}

describe("OTLP over gRPC", () => {
  it("takes what OpenTelemetry's exporter sends, compressed, on disk before it is answered", async () => {
    const { address, folder } = await open();
    const exporter = new OTLPLogExporter({ url: `http://${address}` });
    const provider = new LoggerProvider({
      processors: [new BatchLogRecordProcessor({ exporter, maxExportBatchSize: 50 })],
    });
    const logger = provider.getLogger("test");
    for (let i = 0; i < 200; i++) {
      logger.emit({
        eventName: "ml.prediction",
        timestamp: new Date(systemClock.nowMs()),
        attributes: {
          "ml.model.name": "sdk",
          "ml.prediction.id": `grpc-${i}`,
          "ml.features": { hour: i % 24 },
          "ml.prediction.score": 0.5,
        },
      });
    }
    await provider.shutdown();
    for (const i of [0, 199]) {
      expect(spooledRows(folder, "predictions", `grpc-${i}`)).toMatchObject([
        { model: "sdk", num: [["hour", i % 24]], score: 0.5 },
      ]);
    }
  });

  it("answers full success with an empty message, metrics too, and tells of refused records", async () => {
    const { call, folder } = await open();
    expect(await call(LOGS, logs(prediction("p1")))).toHaveLength(0);
    expect(await call(TRACES, new Uint8Array())).toHaveLength(0);
    expect(spooledRows(folder, "predictions", "p1")).toHaveLength(1);
    const asked = { name: "nobody.asks", gauge: { dataPoints: [{ asDouble: 1 }] } };
    const unused = encodeRequest("metrics", {
      resourceMetrics: [{ scopeMetrics: [{ metrics: [asked] }] }],
    });
    // SDKs take a warning for a failure: it is told in the log.
    expect(await call(METRICS, unused)).toHaveLength(0);
    const nameless = { eventName: "ml.prediction", attributes: [text("ml.prediction.id", "n1")] };
    const partial = otlpSchema.response.decode(await call(LOGS, logs(nameless, prediction("p2"))));
    expect(partial.toJSON()).toMatchObject({
      partialSuccess: { rejected: "1", errorMessage: expect.stringContaining("model") },
    });
    expect(spooledRows(folder, "predictions", "p2")).toHaveLength(1);
  });

  it("takes a request that is sent again once, over whichever door", async () => {
    const { agent, call, folder } = await open();
    const body = logs(prediction("again"));
    await Promise.all([call(LOGS, body), call(LOGS, body)]);
    const headers = { "content-type": "application/x-protobuf" };
    expect((await agent.post("/v1/logs", new Uint8Array(body), headers)).status).toBe(200);
    expect(spooledRows(folder, "predictions", "again")).toHaveLength(1);
  });

  it("refuses what can never be taken in with a code that exporters do not retry", async () => {
    const { call, agent } = await open();
    const malformed = await refusedBy(call(LOGS, Buffer.from([0x0a, 0x05, 0x01])));
    expect(malformed).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(malformed.metadata.get("grpc-status-details-bin")).toEqual([]);
    // Megabytes of zeros are a few kilobytes on the wire.
    const bomb = await refusedBy(call(LOGS, Buffer.alloc(LIMITS.grpcMessageBytesMax + 1)));
    expect(bomb).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    const unknown = await refusedBy(call("/nobody.Service/Export", Buffer.alloc(0)));
    expect(unknown).toMatchObject({ code: status.UNIMPLEMENTED });
    const { totals } = await agent.self();
    expect(totals["refused.request_malformed"]).toBe(1);
  });

  it("says when to come again where the spool is full", async () => {
    const { call } = await open({ DRIFTMEND_SPOOL_BYTES_MAX: "20000" });
    const round = (n: number): Buffer =>
      logs(...Array.from({ length: 200 }, (_, i) => prediction(`${n}-${i}`, text("k", "v"))));
    let refused: ServiceError | null = null;
    for (let n = 0; n < 50 && refused === null; n++) {
      refused = await call(LOGS, round(n)).then(
        () => null,
        (cause: unknown) => cause as ServiceError,
      );
    }
    expect(refused).toMatchObject({ code: status.UNAVAILABLE, details: /spool/ });
    const [details] = refused?.metadata.get("grpc-status-details-bin") ?? [];
    const told = otlpSchema.status.toObject(otlpSchema.status.decode(Buffer.from(details ?? "")));
    expect(told).toMatchObject({
      code: status.UNAVAILABLE,
      details: [{ typeUrl: "type.googleapis.com/google.rpc.RetryInfo" }],
    });
    const [any] = (told as { details: { value: Uint8Array }[] }).details;
    const info = otlpSchema.retryInfo.decode(any?.value ?? new Uint8Array());
    expect(info.toJSON()).toEqual({ retryDelay: { seconds: "5" } });
    // The exporter of Python's SDK looks nowhere else.
    expect(refused?.metadata.get("google.rpc.retryinfo-bin")).toEqual([
      Buffer.from(any?.value ?? ""),
    ]);
  });

  it("asks for the token where the network can reach it", async () => {
    const token = "a-token-that-is-long-enough";
    const { call } = await open({ DRIFTMEND_HOST: "0.0.0.0", DRIFTMEND_TOKEN: token });
    const refused = await refusedBy(call(LOGS, logs(prediction("t1"))));
    expect(refused).toMatchObject({ code: status.UNAUTHENTICATED, details: /token/ });
    // Not even the size of its message is looked at.
    const large = await refusedBy(call(LOGS, Buffer.alloc(LIMITS.grpcMessageBytesMax + 1)));
    expect(large).toMatchObject({ code: status.UNAUTHENTICATED });
    const metadata = { authorization: `Bearer ${token}` };
    expect(await call(LOGS, logs(prediction("t1")), metadata)).toHaveLength(0);
  });

  it("ends with the agent, and says which port is taken", async () => {
    const { agent, address } = await open();
    const port = address.split(":")[1] ?? "";
    const other = temporaryFolder();
    cleanups.push(other.remove);
    await expect(startAgentProcess(other.path, { DRIFTMEND_OTLP_GRPC_PORT: port })).rejects.toThrow(
      /port must be free.*\[port_in_use\] Name another DRIFTMEND_OTLP_GRPC_PORT/s,
    );
    expect(await agent.stop()).toBe(0);
  });
  it("goes without gRPC where another program has the default port, a Collector say", async () => {
    const other = createServer();
    // Whoever else has it serves as well.
    await new Promise<void>((resolve) => {
      other.once("error", () => resolve()).listen(4317, "127.0.0.1", resolve);
    });
    cleanups.push(() => void other.close());
    const folder = temporaryFolder();
    cleanups.push(folder.remove);
    const agent = await startAgentProcess(folder.path, { DRIFTMEND_OTLP_GRPC_PORT: undefined });
    expect((await agent.post("/v1/events", eventLines(["a"]))).status).toBe(200);
    expect(await agent.stop()).toBe(0);
  });
});
