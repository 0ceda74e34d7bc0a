/**
 * How raw values become places in the parameter vector: one-hot hour, day, distance bin, the two
 * airports, and each airport with the 4-hour block of the departure. Trainer, predictor and both ONNX
 * writers follow this one layout. Values that training never saw have no place and add nothing.
 */
export const HOURS = 24;
export const DAYS = 7;
/** Blocks of four hours of a day. */
export const BLOCKS = 6;
/** Miles; a distance belongs to bin k when it has passed k edges. */
export const DISTANCE_EDGES = [150, 250, 350, 450, 550, 700, 850, 1000, 1250, 1600, 2000, 2500];
export const DISTANCE_BINS = DISTANCE_EDGES.length + 1;

/** Columns of the model's input, in order, and whether they are numbers. */
export const FEATURES = [
  { name: "hour", type: "numeric" },
  { name: "day_of_week", type: "numeric" },
  { name: "distance", type: "numeric" },
  { name: "origin", type: "categorical" },
  { name: "destination", type: "categorical" },
] as const;

/** Where the groups of parameters begin. Place 0 is the intercept. */
export interface Layout {
  readonly origins: readonly string[];
  readonly destinations: readonly string[];
  readonly hour: number;
  readonly day: number;
  readonly distance: number;
  readonly origin: number;
  readonly destination: number;
  readonly originBlock: number;
  readonly destinationBlock: number;
  readonly size: number;
}

export function layoutOf(origins: readonly string[], destinations: readonly string[]): Layout {
  const hour = 1;
  const day = hour + HOURS;
  const distance = day + DAYS;
  const origin = distance + DISTANCE_BINS;
  const destination = origin + origins.length;
  const originBlock = destination + destinations.length;
  const destinationBlock = originBlock + origins.length * BLOCKS;
  const size = destinationBlock + destinations.length * BLOCKS;
  return {
    origins,
    destinations,
    hour,
    day,
    distance,
    origin,
    destination,
    originBlock,
    destinationBlock,
    size,
  };
}

/** 0 to 23, or -1 for anything that is not a whole hour of a day. */
export const hourCode = (hour: number): number =>
  Number.isInteger(hour) && hour >= 0 && hour < HOURS ? hour : -1;

/** 0 (Monday) to 6, or -1. */
export const dayCode = (dayOfWeek: number): number =>
  Number.isInteger(dayOfWeek) && dayOfWeek >= 1 && dayOfWeek <= DAYS ? dayOfWeek - 1 : -1;

/** The number of edges passed; NaN passes none. */
export function distanceBin(distance: number): number {
  let bin = 0;
  for (const edge of DISTANCE_EDGES) if (distance >= edge) bin++;
  return bin;
}

export const blockOf = (hour: number): number => Math.floor(hour / 4);
