/** A request with its response becomes predictions, or a dead letter that says why not. */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { FeatureRules } from "../columns/feature-rules.ts";
import { type Exchange, mapExchange } from "../mapping/map-tensors.ts";
import type { MappingBook } from "../mapping/mapping-book.ts";
import { readBody } from "../mapping/read-body.ts";
import { takePlainPrediction } from "../plain-record.ts";
import type { Recorder } from "../recorder.ts";
import type { Pair } from "./pair-book.ts";

export interface TakeDeps {
  readonly recorder: Recorder;
  readonly rules: FeatureRules;
  readonly mappings: MappingBook;
}

export function takePair({ request, response }: Pair, deps: TakeDeps): void {
  let exchange: Exchange;
  try {
    const asked = readBody("request", request.body, request.jsonBytes);
    const answered = readBody("response", response.body, response.jsonBytes);
    exchange = {
      model: request.model,
      version: answered.body.version,
      id: null,
      fallbackId: request.id,
      timeMs: request.timeMs,
      latency: Math.max(response.timeMs - request.timeMs, 0) / 1000,
      error: null,
      headers: new Map(Object.entries(request.headers)),
      request: asked.body,
      response: answered.body,
      tags: Object.entries({ ...request.tags, ...response.tags }),
    };
    takeExchange(exchange, asked.protocol, deps);
  } catch (error) {
    if (!(error instanceof DriftmendError) || error.code !== "request_malformed") throw error;
    refusePayload(request.model, request.id, request.timeMs, error.message, deps.recorder);
  }
}

/** Takes the rows of an exchange in, each as a prediction. */
export function takeExchange(
  exchange: Exchange,
  protocol: "v1" | "v2",
  { recorder, rules, mappings }: TakeDeps,
): void {
  const { model, fallbackId, timeMs } = exchange;
  const task = rules.documentOf(model)?.task;
  const mapped = mapExchange(exchange, mappings.ofTensors(protocol, model), task);
  if (mapped.kind === "misfit") {
    refusePayload(model, fallbackId, timeMs, mapped.problem, recorder);
    return;
  }
  recorder.outcome.valuesSkipped += mapped.skipped;
  for (const row of mapped.rows) takePlainPrediction(recorder, row);
}

/** Sets an exchange aside that cannot be read. */
export function refusePayload(
  model: string,
  id: string,
  timeMs: number,
  problem: string,
  recorder: Recorder,
): void {
  const { row, frame } = recorder;
  row.clear();
  row.model = frame.interner.idOfText(model.toWellFormed());
  row.setId(id);
  row.timeMs = timeMs;
  // No line of the event door, which could be handed in again: there is no prediction in it.
  recorder.deadLetter("predictions", "payload_invalid", () => undefined, problem);
}
