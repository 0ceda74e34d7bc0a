/** Messages of gRPC as they stand on the wire: a byte that says compressed or not, four of length, the message. */
import { gunzipSync, inflateSync } from "node:zlib";
import { LIMITS } from "../../contract/limits.ts";
import { malformedBody } from "../otlp/wire.ts";

const HEAD_BYTES = 5;

/** The one message of a unary call. @throws {DriftmendError} request_malformed */
export function unaryMessage(bytes: Buffer, encoding: string): Buffer {
  if (bytes.length < HEAD_BYTES) throw malformedBody("it has no gRPC message");
  const end = HEAD_BYTES + bytes.readUInt32BE(1);
  if (end > bytes.length) throw malformedBody("its gRPC message is cut off");
  const message = bytes.subarray(HEAD_BYTES, end);
  return bytes[0] === 0 ? message : decompressed(message, encoding);
}

function decompressed(message: Buffer, encoding: string): Buffer {
  const limits = { maxOutputLength: LIMITS.proxyCopyBytesMax };
  try {
    if (encoding === "gzip") return gunzipSync(message, limits);
    if (encoding === "deflate") return inflateSync(message, limits);
  } catch (cause) {
    throw malformedBody(`its gRPC message cannot be decompressed: ${String(cause)}`);
  }
  throw malformedBody(`its gRPC message is compressed with "${encoding}"`);
}
