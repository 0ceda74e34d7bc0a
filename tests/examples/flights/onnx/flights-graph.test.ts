import * as fc from "fast-check";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { parse } from "protobufjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type ModelTables,
  predictLate,
  type RawFlight,
} from "../../../../examples/flights/model/tables.ts";
import { flightsOnnx } from "../../../../examples/flights/onnx/flights-graph.ts";
import { fittedTo } from "../fitted.ts";
import { syntheticFlights } from "../synthetic-flights.ts";

let tables: ModelTables;
let bytes: Uint8Array;
let session: InferenceSession;

beforeAll(async () => {
  tables = fittedTo(syntheticFlights(20_000, [35, 63]));
  bytes = flightsOnnx(tables, { run_id: "run-7", model: "flights" });
  session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
});
afterAll(() => session.release());

async function run(flights: readonly RawFlight[]): Promise<Float32Array> {
  const shape = [flights.length, 1];
  const numbers = (value: (flight: RawFlight) => number): Tensor =>
    new Tensor("float32", Float32Array.from(flights, value), shape);
  const names = (value: (flight: RawFlight) => string): Tensor =>
    new Tensor("string", flights.map(value), shape);
  const feeds = {
    hour: numbers((flight) => flight.hour),
    day_of_week: numbers((flight) => flight.dayOfWeek),
    distance: numbers((flight) => flight.distance),
    origin: names((flight) => flight.origin),
    destination: names((flight) => flight.destination),
  };
  const { score } = await session.run(feeds, ["score"]);
  expect(score?.dims).toEqual([flights.length]);
  return score?.data as Float32Array;
}

const anyFlight = fc.record({
  hour: fc.oneof(fc.integer({ min: -1, max: 25 }), fc.constantFrom(Number.NaN, 7.5)),
  dayOfWeek: fc.oneof(fc.integer({ min: 0, max: 8 }), fc.constant(Number.NaN)),
  distance: fc.oneof(
    fc.integer({ min: 0, max: 30_000_000 }),
    fc.constantFrom(149, 150, 2499, 2500, Number.NaN, Number.POSITIVE_INFINITY),
  ),
  origin: fc.constantFrom("ATL", "BOS", "DEN", "JFK", "LAX", "XXX", "", "Zürich"),
  destination: fc.constantFrom("ATL", "BOS", "DEN", "JFK", "LAX", "XXX", "", "Zürich"),
});

describe("the flights' ONNX file", () => {
  it("takes raw values as columns [N, 1] and answers one score a row", () => {
    const inputs = session.inputMetadata.map((input) =>
      input.isTensor ? [input.name, input.type, input.shape] : [],
    );
    expect(inputs).toEqual([
      ["hour", "float32", ["N", 1]],
      ["day_of_week", "float32", ["N", 1]],
      ["distance", "float32", ["N", 1]],
      ["origin", "string", ["N", 1]],
      ["destination", "string", ["N", 1]],
    ]);
    expect(session.outputNames).toEqual(["score"]);
  });

  it("agrees with the JavaScript predictor on anything that can be sent, one row at a time", async () => {
    await fc.assert(
      fc.asyncProperty(anyFlight, async (flight) => {
        const [score] = await run([flight]);
        expect(Math.abs((score ?? Number.NaN) - predictLate(tables, flight))).toBeLessThan(1e-6);
      }),
    );
  });

  it("agrees on a batch of 10 000", async () => {
    const flights = fc.sample(anyFlight, { numRuns: 10_000, seed: 10 });
    const scores = await run(flights);
    const worst = flights.reduce(
      (most, flight, i) =>
        Math.max(most, Math.abs((scores[i] ?? Number.NaN) - predictLate(tables, flight))),
      0,
    );
    expect(worst).toBeLessThan(1e-6);
  });

  it("gives an unknown airport no say", async () => {
    const known = { hour: 8, dayOfWeek: 2, distance: 500, origin: "ATL", destination: "BOS" };
    const scores = await run([{ ...known, origin: "XXX" }, { ...known, origin: "YYY" }, known]);
    expect(scores[0]).toBe(scores[1]);
    expect(scores[0]).not.toBe(scores[2]);
  });

  it("is a protobuf that others read, and says who made it", () => {
    const schema = `
      syntax = "proto3";
      message Entry { string key = 1; string value = 2; }
      message Node { repeated string input = 1; repeated string output = 2; string op_type = 4; }
      message Graph { repeated Node node = 1; string name = 2; }
      message Model { int64 ir_version = 1; string producer_name = 2; Graph graph = 7;
                      repeated Entry metadata_props = 14; }`;
    const { root } = parse(schema, { keepCase: true });
    const type = root.lookupType("Model");
    const model = type.toObject(type.decode(bytes), { longs: Number });
    expect(model).toMatchObject({
      ir_version: 9,
      producer_name: "driftmend-flights",
      metadata_props: [
        { key: "run_id", value: "run-7" },
        { key: "model", value: "flights" },
      ],
    });
    expect(model["graph"].node).toHaveLength(18);
  });
});
