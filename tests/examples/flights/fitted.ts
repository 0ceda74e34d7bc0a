/** A fit run to its end: what the tests of predictor, graph and trainer start from. */
import type { Flights } from "../../../examples/flights/data/flights-file.ts";
import { mergeCells, type Tuples } from "../../../examples/flights/model/cells.ts";
import {
  type Cells,
  DEFAULT_FIT,
  type FitProgress,
  fitLogistic,
} from "../../../examples/flights/model/fit.ts";
import { type ModelTables, tablesOf } from "../../../examples/flights/model/tables.ts";

export const tuplesOf = (flights: Flights): Tuples => ({
  count: flights.rows,
  hour: flights.hour,
  dayOfWeek: flights.dayOfWeek,
  distance: flights.distance,
  origin: flights.origin,
  destination: flights.destination,
  weight: new Uint8Array(flights.rows).fill(1),
  positive: flights.late,
});

export function fitted(cells: Cells): {
  readonly tables: ModelTables;
  readonly progress: readonly FitProgress[];
} {
  const progress: FitProgress[] = [];
  const steps = fitLogistic(cells, DEFAULT_FIT);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return { tables: tablesOf(cells.layout, step.value), progress };
    progress.push(step.value);
  }
}

export const fittedTo = (flights: Flights): ModelTables =>
  fitted(mergeCells(tuplesOf(flights), flights.airports, flights.airports)).tables;
