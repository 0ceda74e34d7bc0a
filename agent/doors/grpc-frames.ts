/** Messages of gRPC as they stand on the wire: a byte that says compressed or not, four of length, the message. */
import { gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import { LIMITS } from "../../contract/limits.ts";
import { malformedBody } from "../otlp/wire.ts";

export const HEAD_BYTES = 5;

/** The one message of a unary call, as it was sent. @throws {DriftmendError} request_malformed */
export function unaryFrame(bytes: Buffer): {
  readonly isCompressed: boolean;
  readonly message: Buffer;
} {
  if (bytes.length < HEAD_BYTES) throw malformedBody("it has no gRPC message");
  const end = HEAD_BYTES + bytes.readUInt32BE(1);
  if (end > bytes.length) throw malformedBody("its gRPC message is cut off");
  return { isCompressed: bytes[0] !== 0, message: bytes.subarray(HEAD_BYTES, end) };
}

/** The one message of a unary call that was copied. @throws {DriftmendError} request_malformed */
export function unaryMessage(bytes: Buffer, encoding: string): Buffer {
  const { isCompressed, message } = unaryFrame(bytes);
  return isCompressed ? decompressed(message, encoding) : message;
}

/** A message as it is sent, not compressed. */
export function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function decompressed(message: Buffer, encoding: string): Buffer {
  const limits = { maxOutputLength: LIMITS.proxyCopyBytesMax };
  try {
    if (encoding === "gzip") return gunzipSync(message, limits);
    if (encoding === "deflate") return inflateSync(message, limits);
    if (encoding === "zstd") return zstdDecompressSync(message, limits);
  } catch (cause) {
    throw malformedBody(`its gRPC message cannot be decompressed: ${String(cause)}`);
  }
  throw malformedBody(`its gRPC message is compressed with "${encoding}"`);
}
