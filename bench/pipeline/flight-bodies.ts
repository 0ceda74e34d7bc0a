/**
 * Requests as the flights' model server and replay send them, prepared: OTLP protobuf with 5 features and one
 * tag a record, and the labels of the same flights as JSON lines. Only ids and times change from one sending to
 * the next, written over in place, so that the load costs its machine next to nothing. Times are those of the
 * sending, as a server's are that answers requests.
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
  /** Makes all ids new, by `number`, and lets all predictions be made at `nowMs`. */
  stamp(number: number, nowMs: number): void;
}

const STAMP = "~stamp~~";
const STAMP_BYTES = STAMP.length;
const AIRPORTS = 200;
/** The time in a prepared body; nothing else in it has these bytes. */
const TIME_MS = 1_234_567_890_123;
const NANOS_PER_MS = 1_000_000n;

export function prepareBodies(count: number, rows: number, random: Random): PreparedBody[] {
  const airports = Array.from({ length: AIRPORTS }, (_, i) => `A${String(i).padStart(2, "0")}`);
  return Array.from({ length: count }, (_, body) => {
    const flights = Array.from({ length: rows }, (_, row) => ({
      id: `${STAMP}-${body}-${row}`,
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
      .map(({ id, late }) => {
        const label = late ? "late" : "on time";
        return `${JSON.stringify({ model: FLIGHTS_MODEL, id, label, prediction_time: textOf(TIME_MS) })}\n`;
      })
      .join(""),
  );
  const ids = [placesOf(predictions, STAMP), placesOf(labels, STAMP)] as const;
  const times = [
    placesOf(predictions, nanosOf(TIME_MS)),
    placesOf(labels, textOf(TIME_MS)),
  ] as const;
  return {
    predictions,
    labels,
    rows: flights.length,
    jsonLines: flights.map((flight) => `${JSON.stringify(tableRow(flight))}\n`).join(""),
    stamp: (number, nowMs) => {
      const stamp = Buffer.from(number.toString(36).padStart(STAMP_BYTES, "0"));
      for (const place of ids[0]) stamp.copy(predictions, place);
      for (const place of ids[1]) stamp.copy(labels, place);
      const nanos = nanosOf(nowMs);
      for (const place of times[0]) nanos.copy(predictions, place);
      const time = Buffer.from(textOf(nowMs));
      for (const place of times[1]) time.copy(labels, place);
    },
  };
}

/** A fixed64 of OTLP: nanoseconds since 1970, little-endian. */
function nanosOf(ms: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(ms) * NANOS_PER_MS);
  return bytes;
}

function textOf(ms: number): string {
  return new Date(ms).toISOString();
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
    timeUnixNano: String(BigInt(TIME_MS) * NANOS_PER_MS),
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
    ts: TIME_MS,
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

function placesOf(body: Buffer, mark: Buffer | string): number[] {
  const places: number[] = [];
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + mark.length)) {
    places.push(at);
  }
  return places;
}
