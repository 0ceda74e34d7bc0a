/**
 * Where requests, errors and latency of a model are counted: from its records, and where it never had one, from what
 * its server tells. The two are not mixed: a server counts requests that nobody recorded, or counts batches.
 */
import type { Store } from "../../store/client.ts";
import { trafficHours, trafficMinutes } from "../../store/queries/model-traffic.ts";
import {
  serverHours,
  serverLatencySteps,
  serverMinutes,
} from "../../store/queries/server-metrics.ts";
import type { Evaluation } from "../evaluation.ts";
import type { LatencyStep } from "../rules/latency.ts";

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface MinuteCounts {
  readonly minute: number;
  /** Rows that are stored, or requests that a server counted. */
  readonly n: number;
  readonly errors: number;
  /** What they stand for; as many where nobody sampled. */
  readonly requests: number;
  readonly failed: number;
}

/** Minutes that had requests, in order; records, once there are any, hold for ever. */
export async function readMinutes(
  evaluation: Evaluation,
  span: Span,
  store: Store,
): Promise<readonly MinuteCounts[]> {
  const { model } = evaluation.context;
  const recorded = await store.query(trafficMinutes, { model, ...span });
  const { trafficFrom, lastRequestMs } = evaluation.memory;
  if (recorded.length > 0) {
    evaluation.memory = { ...evaluation.memory, trafficFrom: "records" };
    return recorded;
  }
  if (trafficFrom === "records" && lastRequestMs !== null) return recorded;
  const told = await store.query(serverMinutes, { model, ...span });
  if (told.length > 0) evaluation.memory = { ...evaluation.memory, trafficFrom: "server" };
  return told.map(unsampled);
}

/** A server counts every request that it answers. */
function unsampled<T extends { readonly n: number; readonly errors: number }>(counts: T) {
  return { ...counts, requests: counts.n, failed: counts.errors };
}

/** Requests by hour, from where the model's are counted. */
export async function readTrafficHours(evaluation: Evaluation, span: Span, store: Store) {
  const { context, memory } = evaluation;
  const params = { model: context.model, ...span };
  if (memory.trafficFrom !== "server") return store.query(trafficHours, params);
  return (await store.query(serverHours, params)).map(unsampled);
}

/** What a server says of latency, by 5-minute step: only its buckets tell how many were slow. */
export async function readServerLatency(
  { context }: Evaluation,
  span: Span,
  seconds: number,
  store: Store,
): Promise<readonly LatencyStep[]> {
  const rows = await store.query(serverLatencySteps, { model: context.model, ...span, seconds });
  return rows.map(({ end: endMs, n, slow }) => ({ endMs, rows: n, slow }));
}
