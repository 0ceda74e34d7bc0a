/** Codes of google.rpc that the doors answer, over gRPC and in the bodies of OTLP over HTTP. */

export const RPC = {
  ok: 0,
  invalidArgument: 3,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;
export type RpcCode = (typeof RPC)[keyof typeof RPC];
