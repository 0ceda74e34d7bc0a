/**
 * OTLP over gRPC, for exporters and Collectors that speak nothing else: the three Export calls on the same
 * intake as the HTTP doors. Messages stay bytes, so the one reader of OTLP serves both.
 */
import {
  Metadata,
  type MethodDefinition,
  ResponderBuilder,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  type StatusObject,
  type handleUnaryCall,
} from "@grpc/grpc-js";
import { DriftmendError, describeError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Signal } from "../otlp/request-reader.ts";
import { type ExportDeps, takeExport } from "./export-request.ts";
import { exportResponse, retryStatus, statusOf } from "./otlp-answer.ts";
import { asDriftmendError, tokenMissing, tooManyBodies } from "./refusals.ts";

export interface GrpcDoorDeps extends ExportDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly mayEnter: (authorization: string | undefined) => boolean;
}

const SERVICES = [
  ["logs", "opentelemetry.proto.collector.logs.v1.LogsService"],
  ["traces", "opentelemetry.proto.collector.trace.v1.TraceService"],
  ["metrics", "opentelemetry.proto.collector.metrics.v1.MetricsService"],
] as const;
/** Calls that one connection may have open at once. */
const STREAMS_MAX = 16;
/** How long calls on their way may take when the agent stops. */
const DRAIN_MS = 2_000;

/** Opens the door. @throws {DriftmendError} port_in_use */
export async function openGrpcDoor(
  { host, port }: { readonly host: string; readonly port: number },
  deps: GrpcDoorDeps,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const server = new Server({
    "grpc.max_receive_message_length": LIMITS.grpcMessageBytesMax,
    "grpc.max_concurrent_streams": STREAMS_MAX,
    interceptors: [askForToken(deps)],
  });
  const inFlight = { bytes: 0 };
  for (const [signal, service] of SERVICES) {
    const path = `/${service}/Export`;
    server.addService({ export: unary(path) }, { export: handler(signal, inFlight, deps) });
  }
  const name = host.includes(":") ? `[${host}]` : host;
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${name}:${port}`, ServerCredentials.createInsecure(), (cause, got) => {
      if (cause === null) resolve(got);
      else reject(portInUse(`${name}:${port}`, cause));
    });
  });
  return { url: `http://${name}:${bound}`, close: () => close(server, deps.clock) };
}

/** Before the message is read: what nobody may send must not take memory. */
const askForToken =
  (deps: GrpcDoorDeps): ServerInterceptor =>
  (_method, call) => {
    const listener = new ServerListenerBuilder().withOnReceiveMetadata((metadata, next) => {
      const [authorization] = metadata.get("authorization");
      if (deps.mayEnter(authorization?.toString())) next(metadata);
      else call.sendStatus(refusal(tokenMissing(), deps));
    });
    const responder = new ResponderBuilder().withStart((next) => next(listener.build()));
    return new ServerInterceptingCall(call, responder.build());
  };

const asIs = (bytes: Buffer): Buffer => bytes;

const unary = (path: string): MethodDefinition<Buffer, Buffer> => ({
  path,
  requestStream: false,
  responseStream: false,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});

function handler(
  signal: Signal | "metrics",
  inFlight: { bytes: number },
  deps: GrpcDoorDeps,
): handleUnaryCall<Buffer, Buffer> {
  return (call, answer) => {
    const { request } = call;
    const take = async (): Promise<Buffer> => {
      if (inFlight.bytes + request.length > LIMITS.bodiesInFlightBytesMax) throw tooManyBodies();
      inFlight.bytes += request.length;
      try {
        const partial = await takeExport(signal, "protobuf", request, deps);
        return exportResponse("protobuf", signal, partial);
      } finally {
        inFlight.bytes -= request.length;
      }
    };
    take().then(
      (response) => answer(null, response),
      (cause: unknown) => answer(refusal(cause, deps)),
    );
  };
}

/** As the specification asks: what may be sent again says when, in `google.rpc.RetryInfo`. */
function refusal(cause: unknown, { counters, logger }: GrpcDoorDeps): StatusObject {
  const error = asDriftmendError(cause);
  counters.refused(error.code);
  if (error.code === "internal") logger.error({ err: cause }, "a request failed");
  const status = statusOf(error);
  const details = describeError(error);
  const metadata = new Metadata();
  if (status.retryAfterSeconds !== undefined) {
    metadata.set(
      "grpc-status-details-bin",
      retryStatus(status.rpc, details, status.retryAfterSeconds),
    );
  }
  return { code: status.rpc, details, metadata };
}

async function close(server: Server, clock: Clock): Promise<void> {
  const ended = new AbortController();
  const late = clock.sleep(DRAIN_MS, ended.signal).then(
    () => server.forceShutdown(),
    () => undefined,
  );
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  ended.abort();
  await late;
}

function portInUse(address: string, cause: Error): DriftmendError {
  return new DriftmendError("port_in_use", {
    retry: "never",
    message: `Cannot listen on ${address} as the port must be free: ${cause.message}`,
    next: "Name another DRIFTMEND_OTLP_GRPC_PORT, 0 for any free one, or off.",
    cause,
  });
}
