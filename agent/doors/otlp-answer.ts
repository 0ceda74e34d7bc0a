/** Answers of the OTLP doors: export responses and google.rpc.Status, in the encoding of the request. */
import type { DriftmendError } from "../../contract/driftmend-error.ts";
import { NativeWriter } from "../../contract/native-writer.ts";
import { RPC, type RpcCode } from "./rpc-status.ts";

export type OtlpEncoding = "protobuf" | "json";

export const CONTENT_TYPE: Readonly<Record<OtlpEncoding, string>> = {
  protobuf: "application/x-protobuf",
  json: "application/json",
};

/** Names of `rejected_…` in the JSON of the three signals; in protobuf it is field 1 in all of them. */
const REJECTED = {
  logs: "rejectedLogRecords",
  traces: "rejectedSpans",
  metrics: "rejectedDataPoints",
} as const;

/** What is told of records that were not taken in; zero records and a text is a warning. */
export interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

/** Null is full success: the field must then be unset. */
export function exportResponse(
  encoding: OtlpEncoding,
  signal: keyof typeof REJECTED,
  partial: PartialSuccess | null,
): Buffer {
  if (encoding === "json") {
    const rejected = String(partial?.rejected ?? 0);
    const partialSuccess = { [REJECTED[signal]]: rejected, errorMessage: partial?.message };
    return Buffer.from(JSON.stringify(partial === null ? {} : { partialSuccess }));
  }
  if (partial === null) return Buffer.alloc(0);
  const inner = new NativeWriter();
  if (partial.rejected > 0) {
    inner.varint(0x08);
    inner.varint(partial.rejected);
  }
  inner.varint(0x12);
  inner.text(partial.message);
  return Buffer.from(nested(0x0a, inner.finish()));
}

/** google.rpc.Status {code = 1, message = 2}. */
export function statusBody(encoding: OtlpEncoding, code: number, message: string): Buffer {
  if (encoding === "json") return Buffer.from(JSON.stringify({ code, message }));
  const writer = new NativeWriter();
  writer.varint(0x08);
  writer.varint(code);
  writer.varint(0x12);
  writer.text(message);
  return Buffer.from(writer.finish());
}

const RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";

/** google.rpc.RetryInfo {retry_delay = 1 {seconds = 1}}. */
export function retryInfo(seconds: number): Buffer {
  const duration = new NativeWriter();
  duration.varint(0x08);
  duration.varint(seconds);
  return Buffer.from(nested(0x0a, duration.finish()));
}

/** google.rpc.Status with that RetryInfo among its details (3), an Any. */
export function retryStatus(code: number, message: string, info: Buffer): Buffer {
  const any = new NativeWriter();
  any.varint(0x0a);
  any.text(RETRY_INFO);
  any.raw(nested(0x12, info));
  const details = nested(0x1a, any.finish());
  return Buffer.concat([statusBody("protobuf", code, message), details]);
}

/** A message as a field of another: tag, length, bytes. */
function nested(tag: number, bytes: Uint8Array): Uint8Array {
  const writer = new NativeWriter();
  writer.varint(tag);
  writer.varint(bytes.length);
  writer.raw(bytes);
  return writer.finish();
}

export interface HttpStatus {
  readonly status: number;
  /** Code of google.rpc. */
  readonly rpc: RpcCode;
  readonly retryAfterSeconds?: number;
}

const STATUS: Readonly<Record<string, HttpStatus>> = {
  request_malformed: { status: 400, rpc: RPC.invalidArgument },
  request_invalid: { status: 400, rpc: RPC.invalidArgument },
  clock_backwards: { status: 409, rpc: RPC.failedPrecondition },
  body_too_large: { status: 413, rpc: RPC.resourceExhausted },
  encoding_unsupported: { status: 415, rpc: RPC.unimplemented },
  content_type_unsupported: { status: 415, rpc: RPC.invalidArgument },
  route_unknown: { status: 404, rpc: RPC.unimplemented },
  method_not_allowed: { status: 405, rpc: RPC.unimplemented },
  origin_refused: { status: 403, rpc: RPC.permissionDenied },
  token_missing: { status: 401, rpc: RPC.unauthenticated },
  spool_full: { status: 503, rpc: RPC.unavailable, retryAfterSeconds: 5 },
  disk_full: { status: 503, rpc: RPC.unavailable, retryAfterSeconds: 5 },
  disk_behind: { status: 503, rpc: RPC.unavailable, retryAfterSeconds: 1 },
  bodies_over_limit: { status: 503, rpc: RPC.unavailable, retryAfterSeconds: 1 },
};

/** How an error is answered; by default something that may be retried went wrong on our side. */
export function statusOf(error: DriftmendError): HttpStatus {
  return STATUS[error.code] ?? { status: 503, rpc: RPC.unavailable, retryAfterSeconds: 5 };
}
