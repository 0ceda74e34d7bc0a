/**
 * Requests as the flights' model server and replay send them, prepared: OTLP protobuf with 5 features and one
 * tag a record, and the labels of the same flights as JSON lines. Only the ids change from one sending to
 * the next, written over in place, so that the load costs its machine next to nothing.
 */
import type { Random } from "../../runtime/random.ts";
import { encodeRequest } from "../../tests/agent/otlp-schema.ts";

export const FLIGHTS_MODEL = "flights-late";

export interface PreparedBody {
  readonly predictions: Buffer;
  readonly labels: Buffer;
  readonly rows: number;
  /** Rows as JSON lines of the table, for the engine's own insert. */
  readonly jsonLines: string;
  /** Makes all ids new: `number` is written into each. */
  number(number: number): void;
}

const STAMP = "~stamp~~";
const STAMP_BYTES = STAMP.length;
const AIRPORTS = 200;
const SPREAD_MS = 3_600_000;

export function prepareBodies(
  count: number,
  rows: number,
  startMs: number,
  random: Random,
): PreparedBody[] {
  const airports = Array.from({ length: AIRPORTS }, (_, i) => `A${String(i).padStart(2, "0")}`);
  return Array.from({ length: count }, (_, body) => {
    const flights = Array.from({ length: rows }, (_, row) => ({
      id: `${STAMP}-${body}-${row}`,
      ts: startMs + Math.floor(((body * rows + row) * SPREAD_MS) / (count * rows)),
      distance: 100 + random.integer(2500),
      hour: random.integer(24),
      day: random.integer(7),
      origin: airports[random.integer(AIRPORTS)] ?? "",
      destination: airports[random.integer(AIRPORTS)] ?? "",
      client: `2.${random.integer(10)}.0`,
      score: random.next(),
      late: random.next() < 0.2,
    }));
    return prepare(flights);
  });
}

interface Flight {
  readonly id: string;
  readonly ts: number;
  readonly distance: number;
  readonly hour: number;
  readonly day: number;
  readonly origin: string;
  readonly destination: string;
  readonly client: string;
  readonly score: number;
  readonly late: boolean;
}

function prepare(flights: readonly Flight[]): PreparedBody {
  const predictions = encodeRequest("logs", {
    resourceLogs: [
      {
        resource: { attributes: [text("service.name", "flights")] },
        scopeLogs: [{ scope: { name: "flights" }, logRecords: flights.map(logRecord) }],
      },
    ],
  });
  const labels = Buffer.from(
    flights
      .map(({ id, ts, late }) => {
        const label = late ? "late" : "on time";
        const predictedAt = new Date(ts).toISOString();
        return `${JSON.stringify({ model: FLIGHTS_MODEL, id, label, prediction_time: predictedAt })}\n`;
      })
      .join(""),
  );
  const places = [placesOf(predictions), placesOf(labels)] as const;
  return {
    predictions,
    labels,
    rows: flights.length,
    jsonLines: flights.map((flight) => `${JSON.stringify(tableRow(flight))}\n`).join(""),
    number: (number) => {
      const stamp = Buffer.from(number.toString(36).padStart(STAMP_BYTES, "0"));
      for (const place of places[0]) stamp.copy(predictions, place);
      for (const place of places[1]) stamp.copy(labels, place);
    },
  };
}

function text(key: string, stringValue: string) {
  return { key, value: { stringValue } };
}

function double(key: string, doubleValue: number) {
  return { key, value: { doubleValue } };
}

function logRecord(flight: Flight): object {
  const features = [
    double("hour", flight.hour),
    double("day", flight.day),
    double("distance", flight.distance),
    text("origin", flight.origin),
    text("destination", flight.destination),
  ];
  return {
    timeUnixNano: String(BigInt(flight.ts) * 1_000_000n),
    eventName: "ml.prediction",
    attributes: [
      text("ml.model.name", FLIGHTS_MODEL),
      text("ml.model.version", "1"),
      text("ml.prediction.id", flight.id),
      { key: "ml.features", value: { kvlistValue: { values: features } } },
      double("ml.prediction.score", flight.score),
      double("ml.latency", 0.002),
      {
        key: "ml.tags",
        value: { kvlistValue: { values: [text("client.version", flight.client)] } },
      },
    ],
  };
}

function tableRow(flight: Flight): object {
  return {
    model: FLIGHTS_MODEL,
    version: "1",
    ts: flight.ts,
    id: flight.id,
    num: { hour: flight.hour, day: flight.day, distance: flight.distance },
    cat: { origin: flight.origin, destination: flight.destination },
    tags: { "client.version": flight.client },
    label: "",
    score: flight.score,
    value: "nan",
    latency: 0.002,
    error: "",
  };
}

function placesOf(body: Buffer): number[] {
  const places: number[] = [];
  for (let at = body.indexOf(STAMP); at >= 0; at = body.indexOf(STAMP, at + STAMP_BYTES)) {
    places.push(at);
  }
  return places;
}
