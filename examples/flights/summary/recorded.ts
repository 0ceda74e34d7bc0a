/**
 * The story as it was stored: the world of the offline figures, filled from raw rows instead of from the
 * plan. What the flights file still gives is the order of rows and days; labels, features as sent,
 * scores as served and the quarantine come from the store.
 */
import type { Readable } from "node:stream";
import { type Block, columnOf, readBlocks, textAt } from "../../../contract/native-block.ts";
import type { Store } from "../../../store/client.ts";
import { flightsOutcomes, flightsPredictions } from "../../../store/queries/flights-rows.ts";
import { EPOCH_MS, firstDayOfWeek, LIVE_WEEKS, MINUTE_MS, DAY_MS } from "../data/calendar.ts";
import { type Flights, withColumns } from "../data/flights-file.ts";
import { FATE, type World } from "../offline/world.ts";
import { MODEL } from "../replay/story.ts";

/** Rows kept out of data sets: those of these clients within the span. */
export interface QuarantinedSpan {
  readonly values: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Recorded {
  readonly world: World;
  /** By row; 0 where there is no answered prediction. */
  readonly served: Float64Array;
  /** Codes into `airports` of what was sent, by row. */
  readonly origin: Uint16Array;
  readonly destination: Uint16Array;
  readonly airports: readonly string[];
  /** Rows in the store, failed requests too; an id that is stored twice counts twice. */
  readonly predictions: number;
  readonly labels: number;
}

export async function readRecorded(
  flights: Flights,
  quarantine: readonly QuarantinedSpan[],
  store: Store,
): Promise<Recorded> {
  const rows = flights.rows;
  const late = new Uint8Array(rows);
  const world: World = {
    flights: withColumns({ ...flights, late }, flights.airports, flights.shiftMs),
    hour: new Uint8Array(rows),
    dayOfWeek: new Uint8Array(rows),
    distance: new Int32Array(rows),
    fate: new Uint8Array(rows).fill(FATE.unscored),
    knownMinute: new Float64Array(rows).fill(Number.POSITIVE_INFINITY),
  };
  const airports: string[] = [];
  const recorded = {
    world,
    served: new Float64Array(rows),
    origin: new Uint16Array(rows),
    destination: new Uint16Array(rows),
    airports,
    predictions: 0,
    labels: 0,
  };
  const codes = new Map<string, number>();
  const codeOf = (name: string): number => {
    const known = codes.get(name);
    if (known !== undefined) return known;
    codes.set(name, airports.length);
    airports.push(name);
    return airports.length - 1;
  };
  const originMs = EPOCH_MS + flights.shiftMs;
  for (let week = LIVE_WEEKS.first; week <= LIVE_WEEKS.last; week++) {
    const fromMs = originMs + firstDayOfWeek(week) * DAY_MS;
    const span = { model: MODEL, fromMs, toMs: fromMs + 7 * DAY_MS };
    for (const block of await blocksOf(await store.stream(flightsPredictions, span, "Native"))) {
      recorded.predictions += takePredictions(block, recorded, quarantine, codeOf);
    }
    for (const block of await blocksOf(await store.stream(flightsOutcomes, span, "Native"))) {
      recorded.labels += takeOutcomes(block, late, world, originMs);
    }
  }
  return recorded;
}

function takePredictions(
  block: Block,
  recorded: Recorded,
  quarantine: readonly QuarantinedSpan[],
  codeOf: (name: string) => number,
): number {
  const { world, served } = recorded;
  const ids = columnOf(block, "id", "string");
  const clients = columnOf(block, "client", "string");
  const origins = columnOf(block, "origin", "string");
  const destinations = columnOf(block, "destination", "string");
  const hours = columnOf(block, "hour", "float64").values;
  const days = columnOf(block, "day_of_week", "float64").values;
  const distances = columnOf(block, "distance", "float64").values;
  const scores = columnOf(block, "score", "float64").values;
  const failed = columnOf(block, "failed", "float64").values;
  for (let i = 0; i < block.rows; i++) {
    if (failed[i] === 1) continue;
    const row = rowOf(textAt(ids, i));
    world.hour[row] = hours[i] ?? 0;
    world.dayOfWeek[row] = days[i] ?? 0;
    world.distance[row] = distances[i] ?? 0;
    recorded.origin[row] = codeOf(textAt(origins, i));
    recorded.destination[row] = codeOf(textAt(destinations, i));
    served[row] = scores[i] ?? 0;
    const client = textAt(clients, i);
    const timeMs = world.flights.departureMs(row);
    const isKeptOut = quarantine.some(
      ({ values, fromMs, toMs }) => values.includes(client) && timeMs >= fromMs && timeMs < toMs,
    );
    world.fate[row] = isKeptOut ? FATE.broken : FATE.sound;
  }
  return block.rows;
}

function takeOutcomes(block: Block, late: Uint8Array, world: World, originMs: number): number {
  const ids = columnOf(block, "id", "string");
  const lates = columnOf(block, "late", "float64").values;
  const known = columnOf(block, "known_ms", "float64").values;
  for (let i = 0; i < block.rows; i++) {
    const row = rowOf(textAt(ids, i));
    late[row] = lates[i] ?? 0;
    world.knownMinute[row] = ((known[i] ?? 0) - originMs) / MINUTE_MS;
  }
  return block.rows;
}

/** The row's number ends the id. */
const rowOf = (id: string): number => Number(id.slice(id.lastIndexOf("-") + 1));

async function blocksOf(stream: Readable): Promise<readonly Block[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return readBlocks(Buffer.concat(chunks));
}
