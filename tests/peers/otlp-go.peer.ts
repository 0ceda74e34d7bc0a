/**
 * The server of docs/attach/go.md as it stands there, with OpenTelemetry's own SDK for Go: over gRPC, plain and compressed,
 * and over HTTP, whose exporter gives up where nothing listens, as the guide says.
 */
import { dirname } from "node:path";
import { type AttachedServer, proveServer } from "./support/attached-server.ts";
import { skip } from "./support/debian-package.ts";
import { type Program, goProgram } from "./support/go-program.ts";
import { guideFiles } from "./support/guide-code.ts";

const gzip = { OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" };

function built(program: Program): Pick<AttachedServer, "command" | "cwd"> {
  if ("missing" in program) skip(program.missing);
  return { command: [program.path], cwd: dirname(program.path) };
}

const files = guideFiles("attach/go.md");
const asHttp = new Map(
  [...files].map(([name, text]) => [name, text.replaceAll("otlploggrpc", "otlploghttp")]),
);
const grpc = {
  ...built(goProgram("otlp-go", { files })),
  transport: "grpc",
  triesAgain: "always",
} as const;
const http = {
  ...built(goProgram("otlp-go", { files: asHttp, as: "otlp-go-http" })),
  transport: "http",
  triesAgain: "when told",
} as const;
await proveServer({ ...grpc, name: "gRPC" });
await proveServer({ ...grpc, name: "gRPC, gzip", env: gzip });
await proveServer({ ...http, name: "HTTP, gzip", env: gzip });
