/** Refusals that every door knows. */
import { DriftmendError, describeError } from "../../contract/driftmend-error.ts";

/** What nobody foresaw is ours, and may be sent again. */
export function asDriftmendError(cause: unknown): DriftmendError {
  if (cause instanceof DriftmendError) return cause;
  return new DriftmendError("internal", { retry: "later", message: describeError(cause), cause });
}

export function tokenMissing(): DriftmendError {
  return new DriftmendError("token_missing", {
    retry: "never",
    message:
      "Cannot take the request in as an agent that is reachable from outside needs its token",
    next: 'Send "Authorization: Bearer <token>", for SDKs OTEL_EXPORTER_OTLP_HEADERS.',
  });
}

/** No program sends this header; a page that somebody has open in a browser on this machine does. */
export function originRefused(origin: string): DriftmendError {
  return new DriftmendError("origin_refused", {
    retry: "never",
    message: `Cannot take the request in as it comes from a web page (${origin.slice(0, 200)}), and pages have no business here`,
    next: "Send from a server, or through an OpenTelemetry Collector that says which origins it trusts.",
  });
}

export function bodyTooLarge(bytesMax: number): DriftmendError {
  return new DriftmendError("body_too_large", {
    retry: "never",
    message: `Cannot take the request in as its body may have ${bytesMax} bytes, also decompressed`,
    next: "Send smaller batches.",
  });
}

export function tooManyBodies(): DriftmendError {
  return new DriftmendError("bodies_over_limit", {
    retry: "later",
    message: "Cannot take the request in as too many others are being read",
    next: "Send again later, or over fewer connections.",
  });
}
