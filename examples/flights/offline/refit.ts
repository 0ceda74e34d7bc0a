/**
 * The model that a refit at some moment would be: trained on the training set and on every sound,
 * labelled flight up to the embargo, with what was sent as features.
 */
import { DAY_MINUTES, firstDayOfWeek, LIVE_WEEKS, TRAINING_WEEKS } from "../data/calendar.ts";
import { mergeCells } from "../model/cells.ts";
import { DEFAULT_FIT, fitLogistic } from "../model/fit.ts";
import { type ModelTables, tablesOf } from "../model/tables.ts";
import { FATE, type World } from "./world.ts";

export interface RefitOptions {
  readonly l2: number;
  /** Train on broken rows too: what quarantine prevents. */
  readonly includeBroken: boolean;
}

/**
 * @param untilDay first UTC day that is not trained on
 * @param nowDay labels known before this day begins are used
 */
export function refit(
  world: World,
  untilDay: number,
  nowDay: number,
  options: RefitOptions,
): ModelTables {
  const rows = trainingRows(world, untilDay, nowDay, options.includeBroken);
  const { flights } = world;
  const pick = (column: ArrayLike<number>): Int32Array =>
    Int32Array.from(rows, (row) => column[row]!);
  const cells = mergeCells(
    {
      count: rows.length,
      hour: pick(world.hour),
      dayOfWeek: pick(world.dayOfWeek),
      distance: pick(world.distance),
      origin: pick(flights.origin),
      destination: pick(flights.destination),
      weight: new Uint8Array(rows.length).fill(1),
      positive: pick(flights.late),
    },
    flights.airports,
    flights.airports,
  );
  const steps = fitLogistic(cells, { ...DEFAULT_FIT, l2: options.l2, tolerance: 1e-7 });
  for (;;) {
    const step = steps.next();
    if (step.done === true) return tablesOf(cells.layout, step.value);
  }
}

function trainingRows(
  world: World,
  untilDay: number,
  nowDay: number,
  includeBroken: boolean,
): Int32Array {
  const { dayStart } = world.flights;
  const from = dayStart[firstDayOfWeek(TRAINING_WEEKS.first)]!;
  const live = dayStart[firstDayOfWeek(LIVE_WEEKS.first)]!;
  const to = Math.max(live, dayStart[untilDay]!);
  const nowMinute = nowDay * DAY_MINUTES;
  const rows = new Int32Array(to - from);
  let count = 0;
  for (let row = from; row < to; row++) {
    const isLive = row >= live;
    if (isLive && world.knownMinute[row]! > nowMinute) continue;
    if (world.fate[row] === FATE.unscored) continue;
    if (world.fate[row] === FATE.broken && !includeBroken) continue;
    rows[count++] = row;
  }
  return rows.subarray(0, count);
}
