/**
 * What goes wrong in the story, as a plan made before it begins: one data break, one hour of server
 * errors, one silence. Without a seed it is the plan of FLIGHTS; with one, week, columns, factor, shift,
 * clients and hours move, so that nothing can know them beforehand. Times are unshifted UTC minutes
 * since 1 January 2001.
 */
import { seededRandom, type Random } from "../../runtime/random.ts";
import { DAY_MINUTES, firstDayOfWeek } from "./data/calendar.ts";
import { CLIENT_VERSIONS } from "./data/flights-file.ts";

export type HourChange =
  /** The client sends the universal hour for the local one. */
  | { readonly kind: "utc-for-local" }
  /** The client sends the hour of another zone. */
  | { readonly kind: "constant"; readonly hours: number };

/** What some clients send wrongly; null: that column is right. At least one is not null. */
export interface DataBreak {
  readonly kind: "data-break";
  readonly week: number;
  readonly fromMinute: number;
  readonly toMinute: number;
  /** Values of the tag `client.version`. */
  readonly clients: readonly string[];
  /** Distance in another unit. */
  readonly distanceFactor: number | null;
  readonly hourChange: HourChange | null;
  /** Days of the week counted from another day: 1 to 6, modulo 7. */
  readonly dayShift: number | null;
}

export interface ServerErrors {
  readonly kind: "server-errors";
  readonly fromMinute: number;
  readonly toMinute: number;
  /** Share of the requests that fail. */
  readonly share: number;
}

export interface NoTraffic {
  readonly kind: "no-traffic";
  readonly fromMinute: number;
  readonly toMinute: number;
}

export type Trouble = DataBreak | ServerErrors | NoTraffic;

export interface Troubles {
  readonly dataBreak: DataBreak;
  readonly serverErrors: ServerErrors;
  readonly noTraffic: NoTraffic;
}

const KILOMETRES_PER_MILE = 1.609344;
/**
 * Kilometres; miles taken for kilometres and converted; metres; feet. Nautical miles (0.869) are left
 * out: inside two clients they move a distance less than two weeks of ordinary traffic do.
 */
const DISTANCE_FACTORS: readonly number[] = [
  KILOMETRES_PER_MILE,
  1 / KILOMETRES_PER_MILE,
  1000 * KILOMETRES_PER_MILE,
  5280,
];
/** Head office's hour for the local one, either way, and morning for evening. */
const HOUR_SHIFTS: readonly number[] = [-8, -5, -3, -2, 2, 3, 5, 8, 12];
const COLUMN_SETS = [
  ["distance"],
  ["hour"],
  ["day_of_week"],
  ["distance", "hour"],
  ["distance", "day_of_week"],
] as const;

const ERROR_SHARE = 0.03;
const SILENCE_MINUTES = 20;
const HOUR_MINUTES = 60;
/** Weeks in which a seed may place its troubles; before, there is no past to compare with. */
const WEEK_FIRST = 11;
const WEEK_LAST = 24;
/** UTC hours with enough traffic that 3 % of it, or 20 minutes without, can be told from chance. */
const BUSY_HOUR_FIRST = 13;
const BUSY_HOURS = 11;

/** The troubles of a seed; those of FLIGHTS when there is none. */
export function planTroubles(seed: number | undefined): Troubles {
  return seed === undefined ? DEFAULT_TROUBLES : seededTroubles(seededRandom(seed));
}

const DEFAULT_TROUBLES: Troubles = {
  dataBreak: {
    kind: "data-break",
    week: 18,
    fromMinute: minuteOf(18, 0, 0),
    toMinute: minuteOf(19, 0, 0),
    clients: ["5.3", "5.7"],
    distanceFactor: KILOMETRES_PER_MILE,
    hourChange: { kind: "utc-for-local" },
    dayShift: null,
  },
  serverErrors: hourOfErrors(12, 3, 16),
  noTraffic: silence(15, 2, 18),
};

function seededTroubles(random: Random): Troubles {
  const pick = <T>(choices: readonly T[]): T => choices[random.integer(choices.length)] as T;
  const week = WEEK_FIRST + random.integer(WEEK_LAST - WEEK_FIRST + 1);
  const columns: readonly string[] = pick(COLUMN_SETS);
  const first = random.integer(CLIENT_VERSIONS.length);
  const second = (first + 1 + random.integer(CLIENT_VERSIONS.length - 1)) % CLIENT_VERSIONS.length;
  const distanceFactor = pick(DISTANCE_FACTORS);
  const constant: HourChange = { kind: "constant", hours: pick(HOUR_SHIFTS) };
  const hourChange: HourChange = random.next() < 0.5 ? { kind: "utc-for-local" } : constant;
  const dayShift = random.next() < 0.5 ? 1 : 6;
  // In different weeks, so that neither can hide the other or stand in the other's past.
  const errorWeek = WEEK_FIRST + 1 + random.integer(6);
  const silentWeek = errorWeek + 1 + random.integer(6);
  const hour = (): number => BUSY_HOUR_FIRST + random.integer(BUSY_HOURS);
  return {
    dataBreak: {
      kind: "data-break",
      week,
      fromMinute: minuteOf(week, 0, 0),
      toMinute: minuteOf(week + 1, 0, 0),
      clients: [first, second].sort((a, b) => a - b).map((i) => CLIENT_VERSIONS[i] ?? ""),
      distanceFactor: columns.includes("distance") ? distanceFactor : null,
      hourChange: columns.includes("hour") ? hourChange : null,
      dayShift: columns.includes("day_of_week") ? dayShift : null,
    },
    serverErrors: hourOfErrors(errorWeek, random.integer(7), hour()),
    noTraffic: silence(silentWeek, random.integer(5), hour()),
  };
}

function minuteOf(week: number, day: number, hour: number): number {
  return (firstDayOfWeek(week) + day) * DAY_MINUTES + hour * HOUR_MINUTES;
}

function hourOfErrors(week: number, day: number, hour: number): ServerErrors {
  const fromMinute = minuteOf(week, day, hour);
  return {
    kind: "server-errors",
    fromMinute,
    toMinute: fromMinute + HOUR_MINUTES,
    share: ERROR_SHARE,
  };
}

function silence(week: number, day: number, hour: number): NoTraffic {
  const fromMinute = minuteOf(week, day, hour);
  return { kind: "no-traffic", fromMinute, toMinute: fromMinute + SILENCE_MINUTES };
}
