/**
 * A fitted model in the form in which it is served: one small table per input, with the last entry for
 * values that training never saw. The JavaScript predictor and the ONNX graph are both read off these
 * tables, so they cannot disagree about an encoding.
 */
import {
  BLOCKS,
  blockOf,
  DAYS,
  DISTANCE_BINS,
  dayCode,
  distanceBin,
  HOURS,
  hourCode,
  type Layout,
} from "./features.ts";

/** Columns of an airport's row: one per block, and one for an hour that is none. */
export const BLOCK_COLUMNS = BLOCKS + 1;

export interface ModelTables {
  readonly origins: readonly string[];
  readonly destinations: readonly string[];
  /** Log-odds by hour, intercept included; entry 24: no such hour. */
  readonly hour: Float64Array;
  /** By day, Monday first; entry 7: no such day. */
  readonly day: Float64Array;
  readonly distance: Float64Array;
  /** Row per airport (the last: unknown), column per block (the last: no such hour). */
  readonly origin: Float64Array;
  readonly destination: Float64Array;
}

/** @param parameters `layout.size` numbers as the fit returns them */
export function tablesOf(layout: Layout, parameters: Float64Array): ModelTables {
  const at = (place: number): number => parameters[place] ?? 0;
  const hour = Float64Array.from({ length: HOURS + 1 }, (_, h) =>
    h < HOURS ? at(0) + at(layout.hour + h) : at(0),
  );
  const day = Float64Array.from({ length: DAYS + 1 }, (_, d) =>
    d < DAYS ? at(layout.day + d) : 0,
  );
  const distance = Float64Array.from({ length: DISTANCE_BINS }, (_, b) => at(layout.distance + b));
  const airports = (names: readonly string[], main: number, blocks: number): Float64Array =>
    Float64Array.from({ length: (names.length + 1) * BLOCK_COLUMNS }, (_, i) => {
      const airport = Math.floor(i / BLOCK_COLUMNS);
      const block = i % BLOCK_COLUMNS;
      if (airport === names.length) return 0;
      return at(main + airport) + (block < BLOCKS ? at(blocks + airport * BLOCKS + block) : 0);
    });
  return {
    origins: layout.origins,
    destinations: layout.destinations,
    hour,
    day,
    distance,
    origin: airports(layout.origins, layout.origin, layout.originBlock),
    destination: airports(layout.destinations, layout.destination, layout.destinationBlock),
  };
}

export interface RawFlight {
  readonly hour: number;
  readonly dayOfWeek: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

/** The probability that a flight lands at least 15 minutes late. */
export function predictLate(tables: ModelTables, flight: RawFlight): number {
  const scorer = columnScorer(tables, [flight.origin, flight.destination]);
  return scorer(flight.hour, flight.dayOfWeek, flight.distance, 0, 1);
}

/** A predictor over airport codes, for whole columns: five look-ups and a logistic function. */
export function columnScorer(
  tables: ModelTables,
  airports: readonly string[],
): (hour: number, day: number, distance: number, origin: number, destination: number) => number {
  const rows = (names: readonly string[]): Int32Array => {
    const rowOf = new Map(names.map((name, i) => [name, i]));
    return Int32Array.from(airports, (name) => (rowOf.get(name) ?? names.length) * BLOCK_COLUMNS);
  };
  const originRow = rows(tables.origins);
  const destinationRow = rows(tables.destinations);
  return (hour, day, distance, origin, destination) => {
    const h = hourCode(hour);
    const d = dayCode(day);
    const block = h < 0 ? BLOCKS : blockOf(h);
    const logit =
      tables.hour[h < 0 ? HOURS : h]! +
      tables.day[d < 0 ? DAYS : d]! +
      tables.distance[distanceBin(distance)]! +
      tables.origin[originRow[origin]! + block]! +
      tables.destination[destinationRow[destination]! + block]!;
    return 1 / (1 + Math.exp(-logit));
  };
}
