/** A body of an inference protocol, whichever it is: V2 with or without binary tensors, V1, or Seldon's own. */
import { z } from "zod";
import { malformedBody } from "../otlp/wire.ts";
import type { TensorProtocol } from "./mapping-book.ts";
import { type TensorBody, readSeldon, readV1, readV2 } from "./tensors.ts";

export type Side = "request" | "response";

const Keys = z.looseObject({ data: z.looseObject({}).optional() });

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
  const keys = keysOf(bytes.subarray(0, length));
  if (keys.has("inputs") || keys.has("outputs")) {
    return { protocol: "v2", body: readV2(bytes, length) };
  }
  if (keys.has("instances") || keys.has("predictions")) {
    return { protocol: "v1", body: readV1(bytes) };
  }
  if (keys.has("data")) return { protocol: "v1", body: readSeldon(side, bytes) };
  throw malformedBody(
    'it has neither "inputs" or "outputs" (V2), "instances" or "predictions" (V1), nor "data" (Seldon)',
  );
}

function keysOf(bytes: Buffer): ReadonlySet<string> {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw malformedBody("it is not JSON");
  }
  const parsed = Keys.safeParse(json);
  if (!parsed.success) throw malformedBody("it is not a JSON object");
  return new Set(Object.keys(parsed.data));
}

const [QUOTE, BACKSLASH, OPEN, CLOSE] = [0x22, 0x5c, 0x7b, 0x7d];

/** Where the JSON object at the beginning ends: request loggers do not say how long it is before binary tensors. */
function jsonLength(bytes: Buffer): number {
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
