/**
 * What the replay sends, decided before it begins: the rows of each hour as clients send them, and the
 * labels that become known in it. Fixed by data, seed and switches; nothing here has effects.
 */
import { HOUR_MS, LIVE_WEEKS } from "../data/calendar.ts";
import type { Flights } from "../data/flights-file.ts";
import { rowsOfWeeks } from "../data/training-set.ts";
import { isFailing, isSilent, sentNumbers } from "../apply-troubles.ts";
import { labelKnownMs } from "../label-arrival.ts";
import type { Troubles } from "../troubles.ts";
import { scheduleLabels } from "./label-schedule.ts";
import type { SentFlight } from "./requests.ts";

export const MODEL = "flights";

export interface Story {
  readonly fromMs: number;
  /** Midnight after the last flight's day, or the last flight's hour where the day is not whole. */
  readonly toMs: number;
  readonly rows: number;
  /** Flights of [hourMs, hourMs + 1 h) that are asked about. */
  flightsOf(hourMs: number): readonly SentFlight[];
  /** Labels that become known in [hourMs, hourMs + 1 h): of flights that left before it, and in it. */
  labelsOf(hourMs: number): { readonly earlier: LabelLines; readonly own: LabelLines };
}

/** JSON lines for `/v1/labels`. */
export interface LabelLines {
  readonly lines: string;
  readonly rows: number;
}

/** Share of each day whose rows travel alone, as a user's own requests would. */
const ALONE_SHARE = 0.01;

/** `troubles` null: the story without them. */
export function tellStory(flights: Flights, troubles: Troubles | null): Story {
  const [firstRow, endRow] = rowsOfWeeks(flights, LIVE_WEEKS.first, LIVE_WEEKS.last);
  const isAsked = (row: number): boolean =>
    troubles === null ||
    !(isSilent(flights, row, troubles.noTraffic) || isFailing(flights, row, troubles.serverErrors));
  const labels = scheduleLabels(flights, firstRow, endRow, isAsked);
  const fromMs = Math.floor(flights.departureMs(firstRow) / HOUR_MS) * HOUR_MS;
  const lastMs = flights.departureMs(endRow - 1);
  return {
    fromMs,
    toMs: Math.floor(lastMs / HOUR_MS) * HOUR_MS,
    rows: endRow - firstRow,
    flightsOf: (hourMs) => {
      const sent: SentFlight[] = [];
      const end = firstRowFrom(flights, firstRow, endRow, hourMs + HOUR_MS);
      for (let row = firstRowFrom(flights, firstRow, endRow, hourMs); row < end; row++) {
        if (troubles !== null && isSilent(flights, row, troubles.noTraffic)) continue;
        sent.push(sentFlight(flights, row, troubles));
      }
      return sent;
    },
    labelsOf: (hourMs) => {
      const rows = labels.rowsOfHour(hourMs);
      const first = firstRowFrom(flights, firstRow, endRow, hourMs);
      const linesOf = (some: Int32Array): LabelLines => ({
        lines: Array.from(some, (row) => labelLine(flights, row)).join(""),
        rows: some.length,
      });
      return {
        earlier: linesOf(rows.filter((row) => row < first)),
        own: linesOf(rows.filter((row) => row >= first)),
      };
    },
  };
}

function sentFlight(flights: Flights, row: number, troubles: Troubles | null): SentFlight {
  const numbers = sentNumbers(flights, row, troubles?.dataBreak ?? null);
  return {
    id: flights.id(row),
    timeMs: flights.departureMs(row),
    client: flights.client(row),
    hour: numbers.hour,
    dayOfWeek: numbers.dayOfWeek,
    distance: numbers.distance,
    origin: flights.airports[flights.origin[row] ?? 0] ?? "",
    destination: flights.airports[flights.destination[row] ?? 0] ?? "",
    alone: isAlone(flights, row),
    failing: troubles !== null && isFailing(flights, row, troubles.serverErrors),
  };
}

/** The first rows of each UTC day travel alone. */
function isAlone(flights: Flights, row: number): boolean {
  const day = Math.floor((flights.departureMinute[row] ?? 0) / (24 * 60));
  const from = flights.dayStart[day] ?? 0;
  const to = flights.dayStart[day + 1] ?? flights.rows;
  return row - from < (to - from) * ALONE_SHARE;
}

function labelLine(flights: Flights, row: number): string {
  return `${JSON.stringify({
    model: MODEL,
    id: flights.id(row),
    label: flights.late[row] === 1 ? "1" : "0",
    prediction_time: new Date(flights.departureMs(row)).toISOString(),
    time: new Date(labelKnownMs(flights, row)).toISOString(),
    source: "landing",
    revision: 1,
  })}\n`;
}

/** The first row at or after `timeMs`, by bisection of the ascending departures. */
function firstRowFrom(flights: Flights, firstRow: number, endRow: number, timeMs: number): number {
  let low = firstRow;
  let high = endRow;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (flights.departureMs(middle) < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
