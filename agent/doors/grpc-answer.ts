/** What a unary call over gRPC is answered: a message and the status OK, or a status alone. */
import { type ServerHttp2Stream, constants } from "node:http2";
import { LIMITS } from "../../contract/limits.ts";
import { framed } from "./grpc-frames.ts";
import { retryInfo, retryStatus } from "./otlp-answer.ts";
import { RPC, type RpcCode } from "./rpc-status.ts";

/** Every answer says which compression a caller may use. */
const HEADERS = {
  ":status": 200,
  "content-type": "application/grpc",
  "grpc-accept-encoding": "identity,deflate,gzip,zstd",
} as const;

export interface GrpcRefusal {
  readonly code: RpcCode;
  readonly message: string;
  /** When it may be sent again. */
  readonly retryAfterSeconds?: number | undefined;
}

export function answerMessage(stream: ServerHttp2Stream, message: Buffer): void {
  if (isGone(stream)) return;
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(RPC.ok) }));
  stream.respond(HEADERS, { waitForTrailers: true });
  stream.end(framed(message));
}

/** What may be sent again says when: as the specification asks, and where the exporter of Python's SDK looks for it. */
export function answerRefusal(
  stream: ServerHttp2Stream,
  { code, message, retryAfterSeconds }: GrpcRefusal,
): void {
  if (isGone(stream)) return;
  const status = { "grpc-status": String(code), "grpc-message": encodeURIComponent(message) };
  const retry =
    retryAfterSeconds === undefined ? {} : retryTrailers(code, message, retryAfterSeconds);
  stream.respond({ ...HEADERS, ...status, ...retry }, { endStream: true });
  void drain(stream);
}

function retryTrailers(code: number, message: string, seconds: number): Record<string, string> {
  const info = retryInfo(seconds);
  return {
    "grpc-status-details-bin": retryStatus(code, message, info).toString("base64"),
    "google.rpc.retryinfo-bin": info.toString("base64"),
  };
}

/** A caller that speaks HTTP/2 and not gRPC is told in HTTP. */
export function answerHttp(stream: ServerHttp2Stream, status: number): void {
  if (isGone(stream)) return;
  stream.respond({ ":status": status }, { endStream: true });
  void drain(stream);
}

const isGone = (stream: ServerHttp2Stream): boolean => stream.destroyed || stream.headersSent;

/**
 * Reads on what a refused call still sends: callers such as grpc-js take a stream that is reset for the answer. Only
 * one that does not end is stopped.
 */
async function drain(stream: ServerHttp2Stream): Promise<void> {
  let left = LIMITS.drainedBytesMax;
  try {
    for await (const chunk of stream.iterator({
      destroyOnReturn: false,
    }) as AsyncIterable<Buffer>) {
      left -= chunk.length;
      if (left < 0) break;
    }
    if (left < 0) stream.close(constants.NGHTTP2_NO_ERROR);
  } catch {
    // The caller is gone.
  }
}
