/**
 * A compact world like the flights: a model asked by ten clients, days that share their weather, a quiet
 * hour every night. Rows are dependent as real ones are: outcomes by day, routes by hour.
 */
import { type Random, seededRandom } from "../../../runtime/random.ts";
import type { PastRow } from "./load-history.ts";

export const MODEL = "synthetic";
export const CLIENTS: readonly string[] = Array.from({ length: 10 }, (_, i) => `c${i}`);
/** A Monday. */
export const START_MS = Date.UTC(2026, 2, 2);
export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Airports with the hours that their local time is behind UTC. */
const PLACES = [
  { name: "AAA", behind: 5, weight: 4 },
  { name: "BBB", behind: 6, weight: 4 },
  { name: "CCC", behind: 8, weight: 2 },
  { name: "DDD", behind: 5, weight: 1 },
] as const;
/** Distances of routes repeat, as real ones do. */
const DISTANCES = [120, 215, 304, 337, 451, 590, 733, 867, 1024, 1440, 1846, 2475];

export interface Break {
  readonly fromDay: number;
  readonly toDay: number;
  readonly clients: readonly string[];
  readonly distanceFactor?: number;
  /** Hours added to the local hour; "utc": the universal hour is sent. */
  readonly hourShift?: number | "utc";
  readonly weekdayShift?: number;
}

export interface TrafficPlan {
  readonly seed: number;
  readonly rowsPerDay: number;
  readonly breaks?: readonly Break[];
  /** Fails this share of an hour's requests. */
  readonly errors?: { readonly fromMs: number; readonly toMs: number; readonly share: number };
  /** Other routes from a day on. */
  readonly routesFromDay?: { readonly day: number; readonly distances: readonly number[] };
  /** Nobody asks. */
  readonly silence?: { readonly fromMs: number; readonly toMs: number };
}

/** All rows of a day, 0 at START_MS, in order of time. */
export function syntheticDay(plan: TrafficPlan, day: number): PastRow[] {
  const random = seededRandom(plan.seed * 1_000_003 + day);
  // The day's weather: dependence that no row knows of.
  const lateShare = 0.1 + 0.3 * random.next();
  const dayMs = START_MS + day * DAY_MS;
  const times = Array.from({ length: plan.rowsPerDay }, () => dayMs + timeOfDay(random)).sort(
    (a, b) => a - b,
  );
  const { silence } = plan;
  return times
    .filter((ts) => silence === undefined || ts < silence.fromMs || ts >= silence.toMs)
    .map((ts, i) => syntheticRow(plan, { day, ts, i, lateShare }, random));
}

/** Much by day, little by night, nothing from 08:00 to 08:40 UTC. */
function timeOfDay(random: Random): number {
  for (;;) {
    const ms = random.next() * DAY_MS;
    const hour = ms / HOUR_MS;
    const isQuiet = hour >= 8 && hour < 8 + 2 / 3;
    const weight = isQuiet ? 0 : hour > 11 || hour < 3 ? 1 : 0.1;
    if (random.next() < weight) return Math.floor(ms);
  }
}

function syntheticRow(
  plan: TrafficPlan,
  at: { readonly day: number; readonly ts: number; readonly i: number; readonly lateShare: number },
  random: Random,
): PastRow {
  const client = CLIENTS[random.integer(CLIENTS.length)] ?? "";
  const place = pickPlace(random);
  const utcHour = Math.floor((at.ts % DAY_MS) / HOUR_MS);
  const hour = (utcHour - place.behind + 24) % 24;
  const local = new Date(at.ts - place.behind * HOUR_MS).getUTCDay();
  const { routesFromDay } = plan;
  const distances =
    routesFromDay !== undefined && at.day >= routesFromDay.day
      ? routesFromDay.distances
      : DISTANCES;
  const truth = {
    hour,
    weekday: local === 0 ? 7 : local,
    distance: distances[random.integer(distances.length)] ?? 0,
  };
  const broken = plan.breaks?.find(
    ({ fromDay, toDay, clients }) =>
      at.day >= fromDay && at.day < toDay && clients.includes(client),
  );
  const sent = broken === undefined ? truth : applyBreak(truth, utcHour, broken);
  const score = Math.min(0.99, Math.max(0.01, 0.25 + 0.1 * (random.next() - 0.5)));
  const { errors } = plan;
  const fails =
    errors !== undefined &&
    at.ts >= errors.fromMs &&
    at.ts < errors.toMs &&
    random.next() < errors.share;
  return {
    model: MODEL,
    id: `${at.day}-${at.i}`,
    ts: at.ts,
    version: "1",
    num: sent,
    cat: { place: place.name },
    tags: { client },
    ...(fails ? { error: "timeout" } : { score, label: "0" }),
    latency: 0.005,
    actual: random.next() < at.lateShare ? "1" : "0",
    knownMs: at.ts + 2 * HOUR_MS,
  };
}

function pickPlace(random: Random): (typeof PLACES)[number] {
  let left = random.next() * PLACES.reduce((sum, { weight }) => sum + weight, 0);
  return PLACES.find(({ weight }) => (left -= weight) < 0) ?? PLACES[0];
}

function applyBreak(
  truth: { readonly hour: number; readonly weekday: number; readonly distance: number },
  utcHour: number,
  broken: Break,
): { hour: number; weekday: number; distance: number } {
  const { distanceFactor = 1, hourShift = 0, weekdayShift = 0 } = broken;
  return {
    hour: hourShift === "utc" ? utcHour : (truth.hour + hourShift + 24) % 24,
    weekday: ((truth.weekday - 1 + weekdayShift) % 7) + 1,
    distance: distanceFactor === 1 ? truth.distance : Math.round(truth.distance * distanceFactor),
  };
}
