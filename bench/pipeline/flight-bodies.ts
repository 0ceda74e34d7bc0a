/** Requests as the flights' model server and replay send them: 5 features and one tag a record, and the labels of the same flights. */
import type { Random } from "../../runtime/random.ts";
import {
  type PreparedBody,
  STAMP,
  TIME_MS,
  TIME_UNIX_NANO,
  double,
  map,
  prepareBody,
  text,
  textOf,
} from "./prepared-body.ts";

export const FLIGHTS_MODEL = "flights-late";

const AIRPORTS = 200;

export function flightBodies(count: number, rows: number, random: Random): PreparedBody[] {
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
    return prepareBody({
      service: "flights",
      records: flights.map(logRecord),
      labels: flights.map(labelLine),
      tableRows: flights.map(tableRow),
    });
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

function labelLine({ id, late }: Flight): object {
  const label = late ? "late" : "on time";
  return { model: FLIGHTS_MODEL, id, label, prediction_time: textOf(TIME_MS) };
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
    timeUnixNano: TIME_UNIX_NANO,
    eventName: "ml.prediction",
    attributes: [
      text("ml.model.name", FLIGHTS_MODEL),
      text("ml.model.version", "1"),
      text("ml.prediction.id", flight.id),
      map("ml.features", features),
      double("ml.prediction.score", flight.score),
      double("ml.latency", 0.002),
      map("ml.tags", [text("client.version", flight.client)]),
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
