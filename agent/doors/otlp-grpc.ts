/**
 * OTLP over gRPC, for exporters and Collectors that speak nothing else: the three Export calls on the same intake as
 * the HTTP doors. On node:http2 itself, as unary calls of bytes need no library, and none takes zstd.
 */
import {
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  constants,
  createServer,
} from "node:http2";
import { DriftmendError, describeError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Signal } from "../otlp/request-reader.ts";
import { listenOn } from "./door-server.ts";
import { type ExportDeps, takeExport } from "./export-request.ts";
import { answerHttp, answerMessage, answerRefusal } from "./grpc-answer.ts";
import { HEAD_BYTES, unaryFrame } from "./grpc-frames.ts";
import { exportResponse, statusOf } from "./otlp-answer.ts";
import { asDriftmendError, tokenMissing } from "./refusals.ts";
import {
  type BodyReader,
  decompressed,
  decompressorOf,
  unsupportedEncoding,
} from "./request-body.ts";

export interface GrpcDoorDeps extends ExportDeps {
  readonly bodies: BodyReader;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly mayEnter: (authorization: string | undefined) => boolean;
}

const SIGNALS: ReadonlyMap<string | undefined, Signal | "metrics"> = new Map([
  ["/opentelemetry.proto.collector.logs.v1.LogsService/Export", "logs"],
  ["/opentelemetry.proto.collector.trace.v1.TraceService/Export", "traces"],
  ["/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", "metrics"],
]);
/** Calls that one connection may have open at once. */
const STREAMS_MAX = 16;
/** What a caller may send before it hears that it was read: a message is not sent in 64 KiB steps. */
const WINDOW_BYTES = 1024 * 1024;
/** A call whose message does not come is given up. */
const SILENT_MS_MAX = 60_000;
/** How long calls on their way may take when the agent stops. */
const DRAIN_MS = 2_000;

/** Opens the door. @throws {DriftmendError} port_in_use */
export async function openGrpcDoor(
  place: { readonly host: string; readonly port: number },
  deps: GrpcDoorDeps,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const settings = { maxConcurrentStreams: STREAMS_MAX, initialWindowSize: WINDOW_BYTES };
  const server = createServer({ settings });
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    // Callers that speak something else, or go in the midst of it.
    session.on("error", () => session.destroy());
  });
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on("error", () => undefined);
    stream.setTimeout(SILENT_MS_MAX, () => stream.close(constants.NGHTTP2_CANCEL));
    takeCall(stream, headers, deps).catch((cause: unknown) => refuse(stream, cause, deps));
  });
  const url = await listenOn(server, {
    ...place,
    setting: "DRIFTMEND_OTLP_GRPC_PORT",
    instead: "0 for any free one, or off",
  });
  const close = async (): Promise<void> => {
    const ended = new AbortController();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const session of sessions) session.close();
    const late = deps.clock.sleep(DRAIN_MS, ended.signal).then(
      () => {
        for (const session of sessions) session.destroy();
      },
      () => undefined,
    );
    await closed;
    ended.abort();
    await late;
  };
  return { url, close };
}

async function takeCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  deps: GrpcDoorDeps,
): Promise<void> {
  if (headers[":method"] !== "POST") return answerHttp(stream, 405);
  const type = headers["content-type"]?.toLowerCase() ?? "";
  if (!/^application\/grpc(?:\+proto)?(?:;|$)/.test(type)) return answerHttp(stream, 415);
  const signal = SIGNALS.get(headers[":path"]);
  if (signal === undefined) throw callUnknown(headers[":path"]);
  // Before the message is read: what nobody may send must not take memory.
  if (!deps.mayEnter(headers.authorization)) throw tokenMissing();
  const encoding = String(headers["grpc-encoding"] ?? "identity");
  const limits = { announcedBytes: 0, bytesMax: LIMITS.grpcMessageBytesMax + HEAD_BYTES };
  const partial = await deps.bodies.gather(
    stream,
    limits,
    (bytes) => messageOf(bytes, encoding),
    (message) => takeExport(signal, "protobuf", message, deps),
  );
  answerMessage(stream, exportResponse("protobuf", signal, partial));
}

function messageOf(bytes: Buffer, encoding: string): Buffer | Promise<Buffer> {
  const { isCompressed, message } = unaryFrame(bytes);
  if (!isCompressed || message.length === 0) return message;
  const decompress = decompressorOf(encoding);
  if (decompress === undefined) throw unsupportedEncoding(encoding);
  return decompressed(decompress, encoding, message, LIMITS.grpcMessageBytesMax);
}

function refuse(
  stream: ServerHttp2Stream,
  cause: unknown,
  { counters, logger }: GrpcDoorDeps,
): void {
  // The caller went in the midst of it.
  if (stream.destroyed || stream.aborted) return;
  const error = asDriftmendError(cause);
  counters.refused(error.code);
  if (error.code === "internal") logger.error({ err: cause }, "a request failed");
  const { rpc, retryAfterSeconds } = statusOf(error);
  answerRefusal(stream, { code: rpc, message: describeError(error), retryAfterSeconds });
}

function callUnknown(path: string | undefined): DriftmendError {
  return new DriftmendError("route_unknown", {
    retry: "never",
    message: `Cannot answer "${(path ?? "").slice(0, 200)}" as this port takes OTLP's Export of logs, traces and metrics only`,
    next: "Send everything else elsewhere.",
  });
}
