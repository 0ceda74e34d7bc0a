/** What users have: the OpenTelemetry SDK for Node with its standard exporter, against the real process. */
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { type AgentProcess, startAgentProcess, temporaryFolder } from "./agent-process.ts";
import { spooledRows } from "./capture-harness.ts";

const folder = temporaryFolder();
let agent: AgentProcess;
beforeAll(async () => {
  agent = await startAgentProcess(folder.path);
});
afterAll(async () => {
  await agent.kill();
  folder.remove();
});

describe("the OpenTelemetry SDK", () => {
  it("exports predictions to the agent over protobuf", async () => {
    const provider = new LoggerProvider({
      resource: resourceFromAttributes({ "service.name": "sdk-test" }),
      processors: [
        new BatchLogRecordProcessor({
          exporter: new OTLPLogExporter({ url: `${agent.url}/v1/logs` }),
        }),
      ],
    });
    const logger = provider.getLogger("test");
    for (let i = 0; i < 100; i++) {
      logger.emit({
        eventName: "ml.prediction",
        timestamp: new Date(systemClock.nowMs()),
        attributes: {
          "ml.model.name": "sdk",
          "ml.prediction.id": `sdk-${i}`,
          "ml.features": { hour: i % 24, distance: 712.5, origin: "ATL", "": "nameless" },
          "ml.prediction.score": 0.5,
          "ml.tags": { "client.version": "3.1" },
        },
      });
    }
    await provider.shutdown();
    expect(spooledRows(folder.path, "predictions", "sdk-99")).toMatchObject([
      {
        model: "sdk",
        num: [
          ["hour", 3],
          ["distance", 712.5],
        ],
        cat: [["origin", "ATL"]],
        tags: [["client.version", "3.1"]],
        score: 0.5,
      },
    ]);
  });
});
