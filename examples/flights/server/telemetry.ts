/**
 * What a model server adds to be watched: one OpenTelemetry log record per prediction. The queue of the
 * batch processor is set by the standard OTEL_BLRP_* variables, because its default (2 048 records,
 * 512 a batch) silently drops half of 20 000 predictions a second.
 */
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";

export interface PredictionRecord {
  readonly model: string;
  readonly version: string;
  readonly id: string;
  readonly timeMs: number;
  readonly features: Readonly<Record<string, number | string>>;
  readonly clientVersion: string | undefined;
  readonly latencySeconds: number;
  readonly outcome: { readonly score: number } | { readonly error: string };
}

export interface Telemetry {
  record(prediction: PredictionRecord): void;
  /** Resolves when everything recorded so far was accepted by the agent. */
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

export interface TelemetrySettings {
  /** Base address of the agent's OTLP/HTTP door. */
  readonly otlpUrl: string;
  readonly queueSizeMax: number;
  readonly batchSizeMax: number;
  readonly scheduleDelayMs: number;
}

export function createTelemetry(settings: TelemetrySettings): Telemetry {
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ "service.name": "flights-server" }),
    processors: [
      new BatchLogRecordProcessor({
        exporter: new OTLPLogExporter({ url: `${settings.otlpUrl}/v1/logs` }),
        maxQueueSize: settings.queueSizeMax,
        maxExportBatchSize: settings.batchSizeMax,
        scheduledDelayMillis: settings.scheduleDelayMs,
      }),
    ],
  });
  const logger = provider.getLogger("flights");
  return {
    record: (prediction) => {
      const { outcome, timeMs } = prediction;
      logger.emit({
        eventName: "ml.prediction",
        timestamp: [Math.floor(timeMs / 1000), (timeMs % 1000) * 1e6],
        attributes: {
          "ml.model.name": prediction.model,
          "ml.model.version": prediction.version,
          "ml.prediction.id": prediction.id,
          "ml.features": prediction.features,
          ...("score" in outcome
            ? { "ml.prediction.score": outcome.score }
            : { "error.type": outcome.error }),
          ...(prediction.clientVersion === undefined
            ? {}
            : { "ml.tags": { "client.version": prediction.clientVersion } }),
          "ml.latency": prediction.latencySeconds,
        },
      });
    },
    flush: () => provider.forceFlush(),
    shutdown: () => provider.shutdown(),
  };
}
