/** OpenTelemetry of our own: on only where `OTEL_EXPORTER_OTLP_ENDPOINT` is set, so it costs nothing else. */
import type { Environment } from "./env.ts";

/** Loads the SDK (19 MiB) and starts it when an endpoint is configured; answers how to stop it. */
export async function startTelemetry(
  service: string,
  env: Environment,
): Promise<() => Promise<void>> {
  const endpoint = env["OTEL_EXPORTER_OTLP_ENDPOINT"];
  if (endpoint === undefined || endpoint === "") return () => Promise.resolve();
  const { NodeSDK } = await import("@opentelemetry/sdk-node");
  const sdk = new NodeSDK({ serviceName: `driftmend-${service}` });
  sdk.start();
  return () => sdk.shutdown();
}
