/**
 * Rows with equal features merged into cells: 2 M flights are some 200,000 cells, and a fit takes
 * seconds instead of half a minute. Nothing is lost: the likelihood sees rows only through their sums.
 */
import { blockOf, dayCode, distanceBin, hourCode, layoutOf } from "./features.ts";
import { type Cells, PLACES_PER_CELL } from "./fit.ts";

/** Feature tuples with the weight of their rows; equal tuples may appear more than once. */
export interface Tuples {
  readonly count: number;
  readonly hour: ArrayLike<number>;
  readonly dayOfWeek: ArrayLike<number>;
  readonly distance: ArrayLike<number>;
  /** Codes into the two lists of names. */
  readonly origin: ArrayLike<number>;
  readonly destination: ArrayLike<number>;
  readonly weight: ArrayLike<number>;
  readonly positive: ArrayLike<number>;
}

const DISTANCE_RANGE = 16;
const AIRPORT_RANGE = 4096;

/**
 * Merges tuples by what the model sees of them (distances by bin).
 * @param origins names by code, as are `destinations`; only names that occur become parameters
 */
export function mergeCells(
  tuples: Tuples,
  origins: readonly string[],
  destinations: readonly string[],
): Cells {
  const from = rankNames(origins);
  const to = rankNames(destinations);
  const merged = new Map<number, number>();
  const keys = new Float64Array(tuples.count);
  const weight: number[] = [];
  const positive: number[] = [];
  for (let i = 0; i < tuples.count; i++) {
    const origin = from.rank[tuples.origin[i]!]!;
    const route = origin * AIRPORT_RANGE + to.rank[tuples.destination[i]!]!;
    const hour = hourCode(tuples.hour[i]!) + 1;
    const time = hour * 8 + dayCode(tuples.dayOfWeek[i]!) + 1;
    const key = (route * 256 + time) * DISTANCE_RANGE + distanceBin(tuples.distance[i]!);
    const cell = merged.get(key);
    if (cell === undefined) {
      keys[merged.size] = key;
      merged.set(key, weight.length);
      weight.push(tuples.weight[i]!);
      positive.push(tuples.positive[i]!);
    } else {
      weight[cell] = weight[cell]! + tuples.weight[i]!;
      positive[cell] = positive[cell]! + tuples.positive[i]!;
    }
  }
  return placeCells(keys.subarray(0, merged.size), weight, positive, from.names, to.names);
}

function placeCells(
  keys: Float64Array,
  weight: readonly number[],
  positive: readonly number[],
  origins: readonly string[],
  destinations: readonly string[],
): Cells {
  const used = { origin: new Set<number>(), destination: new Set<number>() };
  // By key, so that the order of rows and of names cannot reach the last bits of a fit.
  const order = Array.from(keys, (_, i) => i).sort((a, b) => keys[a]! - keys[b]!);
  for (const key of keys) {
    const route = Math.floor(key / (256 * DISTANCE_RANGE));
    used.origin.add(Math.floor(route / AIRPORT_RANGE));
    used.destination.add(route % AIRPORT_RANGE);
  }
  const from = namesInUse(origins, used.origin);
  const to = namesInUse(destinations, used.destination);
  const layout = layoutOf(from.names, to.names);
  const none = layout.size;
  const places = new Uint16Array(keys.length * PLACES_PER_CELL);
  order.forEach((i, c) => {
    const key = keys[i]!;
    const route = Math.floor(key / (256 * DISTANCE_RANGE));
    const time = Math.floor(key / DISTANCE_RANGE) % 256;
    const hour = Math.floor(time / 8) - 1;
    const day = (time % 8) - 1;
    const origin = from.place.get(Math.floor(route / AIRPORT_RANGE))!;
    const destination = to.place.get(route % AIRPORT_RANGE)!;
    const block = blockOf(hour);
    const at = c * PLACES_PER_CELL;
    places[at] = hour < 0 ? none : layout.hour + hour;
    places[at + 1] = day < 0 ? none : layout.day + day;
    places[at + 2] = layout.distance + (key % DISTANCE_RANGE);
    places[at + 3] = layout.origin + origin;
    places[at + 4] = layout.destination + destination;
    places[at + 5] = hour < 0 ? none : layout.originBlock + origin * 6 + block;
    places[at + 6] = hour < 0 ? none : layout.destinationBlock + destination * 6 + block;
  });
  return {
    layout,
    count: keys.length,
    places,
    weight: Float64Array.from(order, (i) => weight[i]!),
    positive: Float64Array.from(order, (i) => positive[i]!),
  };
}

/** Names in ascending order, and the rank of each code: what the layout is built on. */
function rankNames(names: readonly string[]): { names: readonly string[]; rank: Uint16Array } {
  const codes = Array.from(names.keys()).sort((a, b) => (names[a]! < names[b]! ? -1 : 1));
  const rank = new Uint16Array(names.length);
  codes.forEach((code, i) => {
    rank[code] = i;
  });
  return { names: codes.map((code) => names[code]!), rank };
}

function namesInUse(
  names: readonly string[],
  used: ReadonlySet<number>,
): { names: readonly string[]; place: ReadonlyMap<number, number> } {
  const ranks = [...used].sort((a, b) => a - b);
  return {
    names: ranks.map((rank) => names[rank]!),
    place: new Map(ranks.map((rank, place) => [rank, place])),
  };
}
