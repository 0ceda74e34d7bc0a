/** OpenTelemetry of our own: on only where `OTEL_EXPORTER_OTLP_ENDPOINT` is set, so it costs nothing else. */
import { NodeSDK } from "@opentelemetry/sdk-node";
import type { Environment } from "./env.ts";

/** Starts the SDK when an endpoint is configured; answers how to stop it. */
export function startTelemetry(service: string, env: Environment): () => Promise<void> {
  const endpoint = env["OTEL_EXPORTER_OTLP_ENDPOINT"];
  if (endpoint === undefined || endpoint === "") return () => Promise.resolve();
  const sdk = new NodeSDK({ serviceName: `driftmend-${service}` });
  sdk.start();
  return () => sdk.shutdown();
}
