/**
 * CloudEvents of request loggers (KServe's, Seldon's) over HTTP: binary mode, structured, and batches. Facts of
 * the wire: CloudEvents 1.0 HTTP binding; pkg/logger of KServe.
 */
import { z } from "zod";
import { timeOf } from "../event-time.ts";
import { jsonOrNothing, parseJson } from "../json-text.ts";
import { malformedBody } from "../otlp/wire.ts";
import type { Half } from "../pairs/half.ts";

const TYPES: ReadonlyMap<string, Half["side"]> = new Map([
  ["org.kubeflow.serving.inference.request", "request"],
  ["org.kubeflow.serving.inference.response", "response"],
  ["io.seldon.serving.inference.request", "request"],
  ["io.seldon.serving.inference.response", "response"],
]);

export type ReadEvent =
  | { readonly kind: "half"; readonly component: string | null; readonly half: Half }
  /** An event of another type, such as feedback or an explanation. */
  | { readonly kind: "other" };

/** Headers of HTTP, names in lower case. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const Structured = z.looseObject({
  id: z.string(),
  type: z.string(),
  data: z.unknown().optional(),
  data_base64: z.string().optional(),
});

/** @throws {DriftmendError} request_malformed */
export function readEvents(headers: Headers, body: Buffer, nowMs: number): readonly ReadEvent[] {
  const type = String(headers["content-type"] ?? "").toLowerCase();
  if (type.startsWith("application/cloudevents-batch")) {
    const parsed = z.array(Structured).safeParse(parseJson(body.toString("utf8")));
    if (!parsed.success) throw malformedBody(z.prettifyError(parsed.error));
    return parsed.data.map((event) => structured(event, nowMs));
  }
  if (type.startsWith("application/cloudevents")) {
    const parsed = Structured.safeParse(parseJson(body.toString("utf8")));
    if (!parsed.success) throw malformedBody(z.prettifyError(parsed.error));
    return [structured(parsed.data, nowMs)];
  }
  const attribute = (name: string): string | undefined => {
    const value = headers[`ce-${name}`];
    return typeof value === "string" ? value : undefined;
  };
  const length = headers["inference-header-content-length"];
  // The body's buffer is used again once it was read.
  return [eventOf(attribute, Buffer.from(body), lengthOf(length), nowMs)];
}

function structured(event: z.output<typeof Structured>, nowMs: number): ReadEvent {
  const values = new Map(Object.entries(event));
  const attribute = (name: string): string | undefined => {
    const value = values.get(name);
    return value === undefined || value === null || typeof value === "object"
      ? undefined
      : String(value);
  };
  const data =
    event.data_base64 === undefined
      ? Buffer.from(typeof event.data === "string" ? event.data : JSON.stringify(event.data ?? ""))
      : Buffer.from(event.data_base64, "base64");
  return eventOf(attribute, data, null, nowMs);
}

function eventOf(
  attribute: (name: string) => string | undefined,
  body: Buffer,
  jsonBytes: number | null,
  nowMs: number,
): ReadEvent {
  const [id, type] = [attribute("id"), attribute("type")];
  if (id === undefined || type === undefined) {
    throw malformedBody(
      "a CloudEvent needs ce-id and ce-type (exporters of OpenTelemetry send to /v1/logs or /v1/traces)",
    );
  }
  const side = TYPES.get(type);
  if (side === undefined) return { kind: "other" };
  const model = attribute("inferenceservicename") ?? attribute("modelid");
  if (model === undefined) {
    throw malformedBody("the event names no model: neither ce-inferenceservicename nor ce-modelid");
  }
  // Seldon's ids differ between both halves; the request's does not.
  const shared = attribute("requestid") ?? id;
  const given = attribute("time");
  const timeMs = given === undefined ? Number.NaN : timeOf(given);
  const endpoint = attribute("endpoint") ?? "";
  return {
    kind: "half",
    component: attribute("component") ?? null,
    half: {
      key: [attribute("namespace") ?? "", model, shared].join("\n"),
      ...{ side, model, id: shared, body, jsonBytes },
      timeMs: Number.isNaN(timeMs) ? nowMs : timeMs,
      cameMs: nowMs,
      headers: side === "request" ? headersIn(attribute("metadata")) : {},
      tags: endpoint === "" ? {} : { endpoint },
    },
  };
}

/** The request's headers, where the logger passes them on (`metadataHeaders`): JSON, each a text or a list of them. */
function headersIn(metadata: string | undefined): Record<string, string> {
  const Given = z.record(z.string(), z.union([z.string(), z.array(z.string())]));
  const parsed = Given.safeParse(jsonOrNothing(metadata ?? "{}"));
  if (!parsed.success) return {};
  return Object.fromEntries(
    Object.entries(parsed.data).map(([name, value]) => [
      name.toLowerCase(),
      typeof value === "string" ? value : (value[0] ?? ""),
    ]),
  );
}

function lengthOf(header: string | readonly string[] | undefined): number | null {
  if (typeof header !== "string" || !/^\d+$/.test(header)) return null;
  return Number(header);
}
