/**
 * Passes gRPC on to the model server as the HTTP/2 streams that it is, whatever is called on whichever service, and
 * keeps a copy of ModelInfer calls beside the path, as `pass.ts` does of HTTP.
 */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
  connect,
  constants,
  createServer,
} from "node:http2";
import { ID_HEADER, callId } from "./call-copy.ts";
import type { PassDeps } from "./pass.ts";
import { CopyBudget, Tee } from "./tee.ts";

const INFER = "/inference.GRPCInferenceService/ModelInfer";
/** gRPC's status for a server that cannot be reached. */
const UNAVAILABLE = "14";
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

export function createGrpcPass(deps: PassDeps): {
  readonly server: Http2Server;
  readonly close: () => void;
} {
  const budget = new CopyBudget();
  let session: ClientHttp2Session | null = null;
  const upstream = (): ClientHttp2Session => {
    if (session !== null && !session.closed && !session.destroyed) return session;
    const opened = connect(deps.upstream);
    opened.on("error", deps.onUpstreamError);
    opened.on("goaway", () => opened.close());
    opened.on("close", () => {
      if (session === opened) session = null;
    });
    // A model server that is idle must not keep the agent from stopping.
    opened.unref();
    session = opened;
    return opened;
  };
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const copy = headers[":path"] === INFER ? new GrpcCopy(headers, budget, deps) : null;
    passStream(stream, headers, upstream, copy);
  });
  return { server, close: () => session?.destroy() };
}

class GrpcCopy {
  readonly id: string;
  readonly request: Tee;
  readonly response: Tee;
  private readonly deps: PassDeps;
  private readonly headers: IncomingHttpHeaders;
  private readonly timeMs: number;
  private readonly startedMs: number;
  private ended = false;

  constructor(headers: IncomingHttpHeaders, budget: CopyBudget, deps: PassDeps) {
    const { clock } = deps;
    this.headers = headers;
    this.deps = deps;
    this.request = new Tee(budget);
    this.response = new Tee(budget);
    this.timeMs = clock.nowMs();
    this.startedMs = clock.monotonicMs();
    this.id = callId(headers[ID_HEADER]);
  }

  /** @param status of gRPC, as its trailers say */
  end(status: string, answered: IncomingHttpHeaders): void {
    if (this.ended) return;
    this.ended = true;
    const { id, timeMs } = this;
    const latencySeconds = (this.deps.clock.monotonicMs() - this.startedMs) / 1000;
    const call = {
      call: { kind: "grpc", status },
      ...{ id, timeMs, latencySeconds, firstByteSeconds: Number.NaN, status: null },
      // HTTP/2 has its own parts among them, under names that are no texts.
      ...{ requestHeaders: { ...this.headers }, responseHeaders: { ...answered } },
    } as const;
    this.deps.onPassed(call, this.request, this.response);
  }

  forget(): void {
    if (this.ended) return;
    this.ended = true;
    this.request.drop();
    this.response.drop();
  }
}

function passStream(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  upstream: () => ClientHttp2Session,
  copy: GrpcCopy | null,
): void {
  let call: ClientHttp2Stream;
  try {
    call = upstream().request(endToEnd(headers));
  } catch (error) {
    refuse(stream, copy, error);
    return;
  }
  let answered: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  call.on("response", (head, flags) => {
    answered = head;
    if (stream.destroyed || stream.headersSent) return;
    const own = copy === null ? {} : { [ID_HEADER]: copy.id };
    // Trailers alone: the answer is its status.
    const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    if (endStream) trailers = head;
    stream.respond({ ...endToEnd(head), ...own }, { endStream, waitForTrailers: !endStream });
  });
  call.on("trailers", (found) => {
    trailers = found;
  });
  stream.on("wantTrailers", () => stream.sendTrailers(endToEnd(trailers)));
  stream.on("data", (chunk: Buffer) => {
    copy?.request.add(chunk);
    if (call.destroyed || call.write(chunk)) return;
    stream.pause();
    call.once("drain", () => stream.resume());
  });
  stream.on("end", () => call.end());
  call.on("data", (chunk: Buffer) => {
    copy?.response.add(chunk);
    if (stream.destroyed || stream.write(chunk)) return;
    call.pause();
    stream.once("drain", () => call.resume());
  });
  call.on("end", () => {
    // A server that goes away ends its streams too: without a status there was no answer.
    if (trailers["grpc-status"] === undefined) return;
    stream.end();
    copy?.end(String(trailers["grpc-status"]), answered);
  });
  call.on("error", () => undefined);
  call.on("close", () => {
    // Whoever still sends is not waited for.
    stream.resume();
    if (trailers["grpc-status"] !== undefined) return;
    if (!stream.headersSent) refuse(stream, copy, new Error("the connection was closed"));
    else stream.close(call.rstCode === 0 ? constants.NGHTTP2_INTERNAL_ERROR : call.rstCode);
    copy?.end(UNAVAILABLE, answered);
  });
  stream.on("error", () => undefined);
  stream.on("aborted", () => {
    copy?.forget();
    call.close(constants.NGHTTP2_CANCEL);
  });
}

function refuse(stream: ServerHttp2Stream, copy: GrpcCopy | null, error: unknown): void {
  if (stream.destroyed || stream.headersSent) return;
  copy?.end(UNAVAILABLE, {});
  const message = `the model server does not answer: ${error instanceof Error ? error.message : String(error)}`;
  const own = copy === null ? {} : { [ID_HEADER]: copy.id };
  stream.respond(
    {
      ":status": 200,
      "content-type": "application/grpc",
      "grpc-status": UNAVAILABLE,
      "grpc-message": encodeURIComponent(message),
      ...own,
    },
    { endStream: true },
  );
}

/** Without what belongs to one connection; `te` says that trailers are understood, and stays. */
function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase())),
  );
}
