/** From OTLP in to rows that are queryable and counted: the flights, twenty features, other widths and doors. */
import type { Figure } from "./figure.ts";
import { flightsEndToEnd } from "./pipeline/flights.ts";
import { otherWidthsAndDoors, twentyFeatures } from "./pipeline/wide.ts";

export async function run(): Promise<Figure[]> {
  const figures = [...(await flightsEndToEnd()), ...(await twentyFeatures())];
  return [...figures, ...(await otherWidthsAndDoors())];
}
