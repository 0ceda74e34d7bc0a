/** Scores and losses of whole days, as sums per block: the raw material of every comparison. */
import type { BlockSum, PairedBlockSum } from "../../../stats/index.ts";
import { columnScorer, type ModelTables } from "../model/tables.ts";
import { FATE, type World } from "./world.ts";

/** Writes the scores of rows [from, to) as the model would answer what was sent. */
export function scoreRows(
  world: World,
  tables: ModelTables,
  into: Float64Array,
  from: number,
  to: number,
  wants: (row: number) => boolean = () => true,
): void {
  const { flights, hour, dayOfWeek, distance } = world;
  const score = columnScorer(tables, flights.airports);
  for (let row = from; row < to; row++) {
    if (!wants(row)) continue;
    into[row] = score(
      hour[row]!,
      dayOfWeek[row]!,
      distance[row]!,
      flights.origin[row]!,
      flights.destination[row]!,
    );
  }
}

/** Log-loss of one answered row. */
export const lossOf = (late: number, score: number): number =>
  late === 1 ? -Math.log(score) : -Math.log1p(-score);

/** Is the row's outcome part of a figure that is taken when `nowMinute` has come? */
export type RowFilter = (row: number) => boolean;

export const soundAndKnown =
  (world: World, nowMinute: number): RowFilter =>
  (row) =>
    world.fate[row] === FATE.sound && world.knownMinute[row]! <= nowMinute;

/** Losses of two models over the same rows of each day in [fromDay, toDay). */
export function lossesByDay(
  world: World,
  challenger: Float64Array,
  champion: Float64Array,
  [fromDay, toDay]: readonly [number, number],
  counts: RowFilter,
): PairedBlockSum[] {
  const { dayStart, late } = world.flights;
  return Array.from({ length: toDay - fromDay }, (_, i) => {
    const sum = { challenger: 0, champion: 0, rows: 0 };
    for (let row = dayStart[fromDay + i]!; row < dayStart[fromDay + i + 1]!; row++) {
      if (!counts(row)) continue;
      sum.challenger += lossOf(late[row]!, challenger[row]!);
      sum.champion += lossOf(late[row]!, champion[row]!);
      sum.rows++;
    }
    return sum;
  });
}

/** Prediction less outcome, by day: calibration in the large. */
export function biasByDay(
  world: World,
  scores: Float64Array,
  [fromDay, toDay]: readonly [number, number],
  counts: RowFilter,
): BlockSum[] {
  const { dayStart, late } = world.flights;
  return Array.from({ length: toDay - fromDay }, (_, i) => {
    const block = { sum: 0, rows: 0 };
    for (let row = dayStart[fromDay + i]!; row < dayStart[fromDay + i + 1]!; row++) {
      if (!counts(row)) continue;
      block.sum += scores[row]! - late[row]!;
      block.rows++;
    }
    return block;
  });
}
