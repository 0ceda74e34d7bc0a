/**
 * The flights of the example as a past in the store, without replay, server, agent or collector: what is
 * sent and how it was answered comes from the example's own offline story.
 */
import {
  firstDayOfWeek,
  DAY_MINUTES,
  EPOCH_MS,
  MINUTE_MS,
} from "../../../examples/flights/data/calendar.ts";
import { isSilent } from "../../../examples/flights/apply-troubles.ts";
import { rowUniform } from "../../../examples/flights/data/row-hash.ts";
import { FATE, type World } from "../../../examples/flights/offline/world.ts";
import type { Troubles } from "../../../examples/flights/troubles.ts";
import type { OnboardingDocumentInput } from "../../../contract/onboarding-document.ts";
import type { PastRow } from "./load-history.ts";

export const FLIGHTS_MODEL = "flights-delay";

export const flightsDocument = (trainingSet: string): OnboardingDocumentInput => ({
  apiVersion: "driftmend/v1",
  kind: "Model",
  metadata: { name: FLIGHTS_MODEL },
  task: { type: "binary", positive: "1" },
  features: {
    hour: { type: "numeric", range: [0, 23], period: 24 },
    day_of_week: { type: "numeric", range: [1, 7], period: 7 },
    distance: { type: "numeric", unit: "mi" },
    origin: { type: "categorical" },
    destination: { type: "categorical" },
  },
  segments: ["client.version"],
  rollup: "1h",
  labels: { lateness: 0 },
  reference: { training_set: trainingSet },
  service: { error_rate: "1%" },
});

/** Version that answers a row: 1, then one more from each promotion (a tenth on its first day). */
export function versionOf(
  row: number,
  day: number,
  promotions: readonly { readonly fullDay: number }[],
): string {
  let version = 1;
  for (const { fullDay } of promotions) {
    const canary = day === fullDay - 1 && rowUniform(row, 5) < 0.1;
    if (day >= fullDay || canary) version++;
  }
  return String(version);
}

/** The rows of one UTC day, as they were answered. */
export function pastDay(
  world: World,
  day: number,
  scores: Float64Array,
  troubles: Troubles | null,
  version: (row: number, day: number) => string,
): PastRow[] {
  const { flights } = world;
  const rows: PastRow[] = [];
  const end = flights.dayStart[Math.min(day + 1, flights.dayStart.length - 1)] ?? 0;
  for (let row = flights.dayStart[day] ?? 0; row < end; row++) {
    if (troubles !== null && isSilent(flights, row, troubles.noTraffic)) continue;
    rows.push(pastRow(world, row, scores[row] ?? Number.NaN, version(row, day)));
  }
  return rows;
}

function pastRow(world: World, row: number, score: number, version: string): PastRow {
  const { flights } = world;
  const unscored = world.fate[row] === FATE.unscored;
  const known = world.knownMinute[row] ?? Number.POSITIVE_INFINITY;
  return {
    model: FLIGHTS_MODEL,
    id: flights.id(row),
    ts: flights.departureMs(row),
    version,
    num: {
      hour: world.hour[row] ?? 0,
      day_of_week: world.dayOfWeek[row] ?? 0,
      distance: world.distance[row] ?? 0,
    },
    cat: {
      origin: flights.airports[flights.origin[row] ?? 0] ?? "",
      destination: flights.airports[flights.destination[row] ?? 0] ?? "",
    },
    tags: { "client.version": flights.client(row) },
    ...(unscored ? { error: "timeout" } : { score, label: score >= 0.5 ? "1" : "0" }),
    latency: 0.004,
    actual: String(flights.late[row] ?? 0),
    knownMs: Math.round(EPOCH_MS + flights.shiftMs + known * MINUTE_MS),
  };
}

/** Shifted model time at which a week of the story begins. */
export const weekMs = (world: World, week: number): number =>
  EPOCH_MS + world.flights.shiftMs + firstDayOfWeek(week) * DAY_MINUTES * MINUTE_MS;
