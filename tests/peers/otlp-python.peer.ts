/**
 * The server of docs/attach/python.md as it stands there, with OpenTelemetry's own SDK for Python: over HTTP, plain and
 * compressed, and over gRPC as the guide says.
 */
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { proveServer } from "./support/attached-server.ts";
import { writeGuideFiles } from "./support/guide-code.ts";
import { pythonWith } from "./support/python-venv.ts";

const CACHE = resolve(import.meta.dirname, "..", "..", ".cache", "peers");
const programs = pythonWith([
  "opentelemetry-sdk>=1.40,<2",
  "opentelemetry-exporter-otlp-proto-http>=1.40,<2",
  "opentelemetry-exporter-otlp-proto-grpc>=1.40,<2",
]);
const [http, grpc] = [join(CACHE, "guide-python"), join(CACHE, "guide-python-grpc")];
for (const folder of [http, grpc]) rmSync(folder, { recursive: true, force: true });
writeGuideFiles("attach/python.md", http);
writeGuideFiles("attach/python.md", grpc, (text) => text.replace("proto.http", "proto.grpc"));

const command = [join(programs, "python"), "server.py"] as const;
const gzip = { OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" };
const shared = { command, triesAgain: "always" } as const;
await proveServer({ ...shared, name: "HTTP", cwd: http, transport: "http" });
await proveServer({ ...shared, name: "HTTP, gzip", cwd: http, transport: "http", env: gzip });
await proveServer({ ...shared, name: "gRPC, gzip", cwd: grpc, transport: "grpc", env: gzip });
