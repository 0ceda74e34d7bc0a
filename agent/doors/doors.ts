/**
 * The ingest doors on plain node:http: OTLP logs, traces and metrics, event and label lines, clocks. Every
 * door answers success only after what it took in is on disk. All other paths are `elsewhere`'s.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { DriftmendError, describeError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { timeOf } from "../event-time.ts";
import { parseJson } from "../json-text.ts";
import type { ModelClocks } from "../model-clocks.ts";
import type { Signal } from "../otlp/request-reader.ts";
import { malformedBody } from "../otlp/wire.ts";
import type { Pairing } from "../pairs/pairing.ts";
import { readEvents } from "./cloud-events.ts";
import { type ExportDeps, takeExport } from "./export-request.ts";
import type { LineKind, Lines } from "./lines.ts";
import {
  CONTENT_TYPE,
  exportResponse,
  type HttpStatus,
  type OtlpEncoding,
  statusBody,
  statusOf,
} from "./otlp-answer.ts";
import { asDriftmendError, originRefused, tokenMissing } from "./refusals.ts";
import { eachChunk } from "./each-chunk.ts";
import type { BodyReader } from "./request-body.ts";

export interface DoorsDeps extends ExportDeps {
  readonly bodies: BodyReader;
  readonly clocks: ModelClocks;
  readonly clock: Clock;
  readonly pairing: Pairing;
  readonly lines: Lines;
  readonly logger: Logger;
  /** Null where callers need no token. */
  readonly mayEnter: (authorization: string | undefined) => boolean;
  readonly elsewhere: (request: IncomingMessage, response: ServerResponse) => void;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const ClockRequest = z.strictObject({
  model: z
    .string()
    .min(1)
    .max(LIMITS.modelNameBytesMax)
    .refine((name) => name.isWellFormed(), "it has an unpaired surrogate"),
  time: z.union([z.string(), z.number()]),
});

/** The request listener. */
export function createDoors(
  deps: DoorsDeps,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { bodies } = deps;
  const handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
    ["/v1/logs", (request, response) => exportDoor("logs", request, response, bodies, deps)],
    ["/v1/traces", (request, response) => exportDoor("traces", request, response, bodies, deps)],
    ["/v1/metrics", (request, response) => exportDoor("metrics", request, response, bodies, deps)],
    ["/v1/events", (request, response) => linesDoor("events", request, response, bodies, deps)],
    ["/v1/labels", (request, response) => linesDoor("labels", request, response, bodies, deps)],
    ["/v1/clock", (request, response) => clockDoor(request, response, bodies, deps)],
    ["/v1/cloudevents", (request, response) => eventDoor(request, response, bodies, deps)],
    // Where request loggers are given no path.
    ["/", (request, response) => eventDoor(request, response, bodies, deps)],
  ]);
  return (request, response) => {
    const { url = "/" } = request;
    const query = url.indexOf("?");
    const path = query === -1 ? url : url.slice(0, query);
    const handler = handlers.get(path);
    const isPost = request.method === "POST";
    if (isPost ? path.startsWith("/api/") : handler === undefined || path === "/") {
      deps.elsewhere(request, response);
      return;
    }
    enter(handler, request, response, deps).catch(async (error: unknown) => {
      await drain(request);
      refuse(request, response, error, deps);
    });
  };
}

/** Reads on what a refused request still sends: most clients hear an answer only after that. */
async function drain(request: IncomingMessage): Promise<void> {
  let left = LIMITS.drainedBytesMax;
  try {
    if (request.complete) return;
    await eachChunk(request, (chunk) => {
      left -= chunk.length;
      if (left < 0) throw new Error("enough");
    });
  } catch {
    // The client is gone, or sends more than is worth to be read.
  }
}

async function enter(
  handler: Handler | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  deps: DoorsDeps,
): Promise<void> {
  if (request.method !== "POST") throw methodNotAllowed(request.method);
  const { origin, authorization } = request.headers;
  // On loopback no token is asked for: any page in a browser here could write otherwise.
  if (origin !== undefined) throw originRefused(origin);
  if (!deps.mayEnter(authorization)) throw tokenMissing();
  if (handler === undefined) throw doorUnknown(request.url);
  await handler(request, response);
}

async function exportDoor(
  signal: Signal | "metrics",
  request: IncomingMessage,
  response: ServerResponse,
  bodies: BodyReader,
  deps: DoorsDeps,
): Promise<void> {
  const encoding = encodingOf(request);
  if (encoding === null) throw contentTypeUnsupported(request.headers["content-type"]);
  const partial = await bodies.read(request, (body) => takeExport(signal, encoding, body, deps));
  send(response, 200, CONTENT_TYPE[encoding], exportResponse(encoding, signal, partial));
}

async function linesDoor(
  kind: LineKind,
  request: IncomingMessage,
  response: ServerResponse,
  bodies: BodyReader,
  { lines }: DoorsDeps,
): Promise<void> {
  const answer = await bodies.read(request, (body) => lines.take(kind, body));
  send(response, 200, "application/json", Buffer.from(JSON.stringify(answer)));
}

async function eventDoor(
  request: IncomingMessage,
  response: ServerResponse,
  bodies: BodyReader,
  deps: DoorsDeps,
): Promise<void> {
  const { pairing, mappings, counters, clock } = deps;
  const events = await bodies.read(request, (body) =>
    readEvents(request.headers, body, clock.nowMs()),
  );
  for (const event of events) {
    if (event.kind === "other") {
      counters.events("other", 1);
      continue;
    }
    const { half, component } = event;
    if (component !== null && !mappings.takesComponent(half.model, component)) {
      counters.events("filtered", 1);
      continue;
    }
    await pairing.take(half);
  }
  send(response, 200, "application/json", Buffer.from(JSON.stringify({ accepted: events.length })));
}

async function clockDoor(
  request: IncomingMessage,
  response: ServerResponse,
  bodies: BodyReader,
  deps: DoorsDeps,
): Promise<void> {
  const text = await bodies.read(request, (body) => body.toString("utf8"));
  const { model, time } = parseClock(text);
  const timeMs = time === "wall" ? "wall" : timeOf(time);
  if (timeMs !== "wall" && !(timeMs >= 0 && timeMs <= LIMITS.storedTimeMsMax)) {
    throw malformedBody(`"${time}" is not a time between 1970 and 2299`);
  }
  const before = deps.clocks.announced(model);
  if (timeMs !== "wall" && before !== null && timeMs < before) throw clockBackwards(model, before);
  await deps.intake.announce(model, timeMs);
  const answer = { model, time: timeMs === "wall" ? "wall" : new Date(timeMs).toISOString() };
  send(response, 200, "application/json", Buffer.from(JSON.stringify(answer)));
}

function parseClock(text: string): z.output<typeof ClockRequest> {
  const parsed = ClockRequest.safeParse(parseJson(text));
  if (!parsed.success) throw malformedBody(z.prettifyError(parsed.error));
  return parsed.data;
}

/** Null for what is neither of OTLP's two encodings. */
function encodingOf(request: IncomingMessage): OtlpEncoding | null {
  const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  if (type === "application/x-protobuf" || type === "application/protobuf") return "protobuf";
  return type === "application/json" ? "json" : null;
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  cause: unknown,
  deps: DoorsDeps,
): void {
  if (request.destroyed && !request.complete) return;
  const error = asDriftmendError(cause);
  const status = statusOf(error);
  deps.counters.refused(error.code);
  if (error.code === "internal") deps.logger.error({ err: cause }, "a request failed");
  if (response.headersSent) return;
  for (const [name, value] of Object.entries(headersOf(error, status, request))) {
    response.setHeader(name, value);
  }
  const isOtlp = /^\/v1\/(logs|traces|metrics)(\?|$)/.test(request.url ?? "");
  if (isOtlp) {
    const encoding = encodingOf(request) ?? "json";
    const body = statusBody(encoding, status.rpc, describeError(error));
    send(response, status.status, CONTENT_TYPE[encoding], body);
    return;
  }
  const problem = {
    type: `docs/errors.md#${error.code}`,
    title: error.code.replaceAll("_", " "),
    status: status.status,
    detail: error.message,
    code: error.code,
    next: error.next ?? null,
  };
  send(response, status.status, "application/problem+json", Buffer.from(JSON.stringify(problem)));
}

function headersOf(
  { code }: DriftmendError,
  status: HttpStatus,
  request: IncomingMessage,
): Record<string, string> {
  return {
    ...(status.retryAfterSeconds === undefined
      ? {}
      : { "retry-after": String(status.retryAfterSeconds) }),
    ...(status.status === 405 ? { allow: "POST" } : {}),
    ...(code === "encoding_unsupported" ? { "accept-encoding": "gzip, deflate, zstd" } : {}),
    // A body that was not read to its end would be taken for the next request.
    ...(request.complete ? {} : { connection: "close" }),
  };
}

function send(response: ServerResponse, status: number, type: string, body: Buffer): void {
  response.writeHead(status, { "content-type": type, "content-length": body.length });
  response.end(body);
}

/** Most often an exporter's endpoint with a path too few or too many, which it uses as it is. */
function doorUnknown(url = ""): DriftmendError {
  return new DriftmendError("route_unknown", {
    retry: "never",
    message: `Cannot take in what is sent to "${url.slice(0, 200)}" as there is no such door`,
    next: "Send OTLP to /v1/logs or /v1/traces, lines to /v1/events or /v1/labels.",
  });
}

function methodNotAllowed(method: string | undefined): DriftmendError {
  return new DriftmendError("method_not_allowed", {
    retry: "never",
    message: `Cannot answer "${method ?? ""}" as this door takes POST only`,
    next: "Send a POST.",
  });
}

function contentTypeUnsupported(type: string | undefined): DriftmendError {
  return new DriftmendError("content_type_unsupported", {
    retry: "never",
    message: `Cannot read a body of the type "${type ?? ""}" as OTLP`,
    next: "Send application/x-protobuf or application/json.",
  });
}

function clockBackwards(model: string, before: number): DriftmendError {
  return new DriftmendError("clock_backwards", {
    retry: "never",
    message: `Cannot set the clock of "${model}" back: it is at ${new Date(before).toISOString()}`,
    next: 'End the replay with {"model", "time": "wall"} before another one begins.',
  });
}
