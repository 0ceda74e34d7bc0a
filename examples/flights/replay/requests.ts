/**
 * An hour of flights as V2 requests, the way callers would send them: one client version a request,
 * at most `ROWS_MAX` rows; single rows where a row travels alone. Pure.
 */
import type { InferRequest } from "../server/infer.ts";

/** One flight as it is sent: what the client says, which is not always what is true. */
export interface SentFlight {
  readonly id: string;
  readonly timeMs: number;
  readonly client: string;
  readonly hour: number;
  readonly dayOfWeek: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
  /** Travels alone, as a single user's request would. */
  readonly alone: boolean;
  /** The server is to fail on it. */
  readonly failing: boolean;
}

/** About 23 rows fill one client's hour; more would make a canary's share of requests coarse. */
const ROWS_MAX = 32;

/** `label` makes request ids unique and repeatable: the same hour gives the same ids. */
export function requestsOf(flights: readonly SentFlight[], label: string): readonly InferRequest[] {
  const alone = flights.filter((flight) => flight.alone || flight.failing);
  const byClient = new Map<string, SentFlight[]>();
  for (const flight of flights) {
    if (flight.alone || flight.failing) continue;
    const rows = byClient.get(flight.client);
    if (rows === undefined) byClient.set(flight.client, [flight]);
    else rows.push(flight);
  }
  const requests = alone.map((flight) => requestOf([flight], flight.id, flight.failing));
  for (const [client, rows] of byClient) {
    for (let from = 0; from < rows.length; from += ROWS_MAX) {
      const part = rows.slice(from, from + ROWS_MAX);
      requests.push(requestOf(part, `${label}/${client}/${from / ROWS_MAX}`, false));
    }
  }
  return requests;
}

function requestOf(rows: readonly SentFlight[], id: string, failing: boolean): InferRequest {
  const shape = [rows.length, 1];
  return {
    id,
    parameters: {
      "client.version": rows[0]?.client ?? "",
      ...(failing ? { example_fail: true } : {}),
    },
    inputs: [
      { name: "hour", shape, datatype: "FP32", data: rows.map((row) => row.hour) },
      { name: "day_of_week", shape, datatype: "FP32", data: rows.map((row) => row.dayOfWeek) },
      { name: "distance", shape, datatype: "FP32", data: rows.map((row) => row.distance) },
      { name: "origin", shape, datatype: "BYTES", data: rows.map((row) => row.origin) },
      { name: "destination", shape, datatype: "BYTES", data: rows.map((row) => row.destination) },
      { name: "prediction_id", shape, datatype: "BYTES", data: rows.map((row) => row.id) },
      { name: "event_time", shape, datatype: "INT64", data: rows.map((row) => row.timeMs) },
    ],
  };
}
