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
import { CallCopy, type Ending, ID_HEADER, mayCopy } from "./call-copy.ts";
import type { PassDeps } from "./pass.ts";
import { CopyBudget } from "./tee.ts";

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

type GrpcPassDeps = PassDeps & { readonly budget: CopyBudget };

export function createGrpcPass(deps: PassDeps): {
  readonly server: Http2Server;
  readonly close: () => void;
} {
  const all = { ...deps, budget: new CopyBudget() };
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
    passStream(stream, headers, upstream, copyOf(headers, all));
  });
  return { server, close: () => session?.destroy() };
}

/** Without a call's own objects: what its head takes in memory. */
function headBytesOf(headers: IncomingHttpHeaders): number {
  const entries = Object.entries(headers);
  return entries.reduce((sum, [name, value]) => sum + name.length + String(value).length, 0);
}

function copyOf(headers: IncomingHttpHeaders, deps: GrpcPassDeps): CallCopy | null {
  if (headers[":path"] !== INFER) return null;
  const headBytes = headBytesOf(headers);
  const verdict = mayCopy(headBytes, deps.budget);
  if (verdict !== "copied") {
    deps.onPassedBy(verdict);
    return null;
  }
  // HTTP/2 has its own parts among them, under names that are no texts.
  return new CallCopy({ ...headers }, headBytes, deps);
}

/** @param status of gRPC, as its trailers say */
const ending = (status: string, answered: IncomingHttpHeaders): Ending => ({
  call: { kind: "grpc", status },
  status: null,
  responseHeaders: { ...answered },
});

function passStream(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  upstream: () => ClientHttp2Session,
  copy: CallCopy | null,
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
    copy?.end(ending(String(trailers["grpc-status"]), answered));
  });
  call.on("error", () => undefined);
  call.on("close", () => {
    // Whoever still sends is not waited for.
    stream.resume();
    if (trailers["grpc-status"] !== undefined) return;
    if (!stream.headersSent) refuse(stream, copy, new Error("the connection was closed"));
    else stream.close(call.rstCode === 0 ? constants.NGHTTP2_INTERNAL_ERROR : call.rstCode);
    copy?.end(ending(UNAVAILABLE, answered));
  });
  stream.on("error", () => undefined);
  stream.on("aborted", () => {
    copy?.forget();
    call.close(constants.NGHTTP2_CANCEL);
  });
}

function refuse(stream: ServerHttp2Stream, copy: CallCopy | null, error: unknown): void {
  if (stream.destroyed || stream.headersSent) return;
  copy?.end(ending(UNAVAILABLE, {}));
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
