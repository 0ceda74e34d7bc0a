/** A body of an inference protocol, whichever it is: V2 with or without binary tensors, V1, or Seldon's own. */
import { parseJson } from "../json-text.ts";
import { malformedBody } from "../otlp/wire.ts";
import type { TensorProtocol } from "./mapping-book.ts";
import { type TensorBody, readSeldon, readV1, readV2 } from "./tensors.ts";

export type Side = "request" | "response";

/**
 * @param jsonBytes length of the JSON part where it is known; else it is found
 * @throws {DriftmendError} request_malformed
 */
export function readBody(
  side: Side,
  bytes: Buffer,
  jsonBytes: number | null,
): { readonly protocol: TensorProtocol; readonly body: TensorBody } {
  const length = jsonBytes ?? jsonLength(bytes);
  if (!(length >= 0 && length <= bytes.length)) {
    throw malformedBody(`its JSON part cannot have ${length} of ${bytes.length} bytes`);
  }
  const json = jsonIn(bytes.subarray(0, length));
  if ("inputs" in json || "outputs" in json) {
    return { protocol: "v2", body: readV2(json, bytes.subarray(length)) };
  }
  if ("instances" in json || "predictions" in json) return { protocol: "v1", body: readV1(json) };
  if ("data" in json) return { protocol: "v1", body: readSeldon(side, json) };
  throw malformedBody(
    'it has neither "inputs" or "outputs" (V2), "instances" or "predictions" (V1), nor "data" (Seldon)',
  );
}

function jsonIn(bytes: Buffer): Readonly<Record<string, unknown>> {
  const json = parseJson(bytes.toString("utf8"));
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw malformedBody("it is not a JSON object");
  }
  return json as Readonly<Record<string, unknown>>;
}

const [QUOTE, BACKSLASH, OPEN, CLOSE] = [0x22, 0x5c, 0x7b, 0x7d];

/** Where the JSON object at the beginning ends: request loggers do not say how long it is before binary tensors. */
function jsonLength(bytes: Buffer): number {
  // Nearly always nothing follows it, and a body of JSON ends as it should.
  if (bytes[bytes.length - 1] === CLOSE && !bytes.includes("binary_data_size")) return bytes.length;
  let depth = 0;
  let inText = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inText) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === OPEN) depth++;
    else if (byte === CLOSE && --depth === 0) return i + 1;
  }
  return bytes.length;
}
