/**
 * The server of docs/attach/node.md as it stands there, with OpenTelemetry's own SDK for Node: over HTTP, plain and
 * compressed, and over gRPC as the guide says.
 */
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { proveServer } from "./support/attached-server.ts";
import { writeGuideFiles } from "./support/guide-code.ts";

// Inside the checkout, where the packages that the guide installs are among those of the tests.
const CACHE = resolve(import.meta.dirname, "..", "..", ".cache", "peers");
const [http, grpc] = [join(CACHE, "guide-node"), join(CACHE, "guide-node-grpc")];
for (const folder of [http, grpc]) rmSync(folder, { recursive: true, force: true });
writeGuideFiles("attach/node.md", http);
writeGuideFiles("attach/node.md", grpc, (text) => text.replace("otlp-proto", "otlp-grpc"));

const gzip = { OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" };
const shared = { command: [process.execPath, "server.mjs"] } as const;
const overHttp = {
  ...shared,
  cwd: http,
  transport: "http",
  triesAgain: "always",
} as const;
await proveServer({ ...overHttp, name: "HTTP" });
await proveServer({ ...overHttp, name: "HTTP, gzip", env: gzip });
const overGrpc = { ...shared, cwd: grpc, transport: "grpc", triesAgain: "never" } as const;
await proveServer({ ...overGrpc, name: "gRPC, gzip", env: gzip });
