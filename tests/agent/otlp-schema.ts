/** The part of opentelemetry-proto that capture reads, for protobufjs: the independent encoder and decoder of the tests. */
import protobuf from "protobufjs";

const MESSAGES = `
message LogsRequest { repeated ResourceLogs resource_logs = 1; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; string schema_url = 3; }
message ScopeLogs { Scope scope = 1; repeated LogRecord log_records = 2; string schema_url = 3; }
message LogRecord {
  fixed64 time_unix_nano = 1; fixed64 observed_time_unix_nano = 11; int32 severity_number = 2;
  string severity_text = 3; AnyValue body = 5; repeated KeyValue attributes = 6;
  uint32 dropped_attributes_count = 7; fixed32 flags = 8; bytes trace_id = 9; bytes span_id = 10;
  string event_name = 12;
}
message TraceRequest { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message ScopeSpans { Scope scope = 1; repeated Span spans = 2; string schema_url = 3; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5;
  int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10; Status status = 15;
}
message Status { string message = 2; int32 code = 3; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message Scope { string name = 1; string version = 2; repeated KeyValue attributes = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message AnyValue { oneof value {
  string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
  ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7;
} }
message ExportResponse { PartialSuccess partial_success = 1; }
message PartialSuccess { int64 rejected = 1; string error_message = 2; }
message RpcStatus { int32 code = 1; string message = 2; repeated Any details = 3; }
message Any { string type_url = 1; bytes value = 2; }
message RetryInfo { Duration retry_delay = 1; }
message Duration { int64 seconds = 1; int32 nanos = 2; }
`;

const { root } = protobuf.parse(`syntax = "proto3";${MESSAGES}`);
/** As receivers are that do not insist on UTF-8, which the OpenTelemetry Collector is. */
const { root: lenient } = protobuf.parse(
  `edition = "2023"; option features.field_presence = IMPLICIT; option features.utf8_validation = NONE;${MESSAGES}`,
);
const LENIENT = {
  logs: lenient.lookupType("LogsRequest"),
  traces: lenient.lookupType("TraceRequest"),
} as const;

export const otlpSchema = {
  logs: root.lookupType("LogsRequest"),
  traces: root.lookupType("TraceRequest"),
  response: root.lookupType("ExportResponse"),
  status: root.lookupType("RpcStatus"),
  retryInfo: root.lookupType("RetryInfo"),
} as const;

/** A request, as its JSON in OTLP, to protobuf. */
export function encodeRequest(signal: "logs" | "traces", request: object): Buffer {
  const type = otlpSchema[signal];
  return Buffer.from(type.encode(type.fromObject(request)).finish());
}

/** Protobuf to OTLP's JSON; throws for what is no request. */
export function decodeRequest(signal: "logs" | "traces", bytes: Buffer): object {
  const type = otlpSchema[signal];
  return type.toObject(type.decode(bytes), { longs: String, bytes: String, json: true });
}

/** The same, with whatever bytes for texts. */
export function decodeLeniently(signal: "logs" | "traces", bytes: Buffer): object {
  const type = LENIENT[signal];
  return type.toObject(type.decode(bytes), { longs: String, bytes: String, json: true });
}
