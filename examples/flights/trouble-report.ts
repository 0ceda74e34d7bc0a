/** What was planted, as the summary of the run says it (INTERFACES §10). */
import { changedHour, isBroken, utcHourOf } from "./apply-troubles.ts";
import { DAY_MINUTES, EPOCH_MS, MINUTE_MS } from "./data/calendar.ts";
import type { Flights } from "./data/flights-file.ts";
import type { DataBreak, Trouble, Troubles } from "./troubles.ts";

/** A trouble as the summary names it (INTERFACES §10). */
export interface TroubleReport {
  readonly kind: Trouble["kind"];
  readonly columns: readonly string[];
  readonly factor: number | null;
  /** Median of what was added to the column that goes round, modulo its period. */
  readonly shift: number | null;
  readonly shiftMin: number | null;
  readonly shiftMax: number | null;
  readonly segment: { readonly tag: string; readonly values: readonly string[] } | null;
  readonly from: string;
  readonly to: string;
}

/** The columns that a break touches, by the names of the features. */
export function brokenColumns(dataBreak: DataBreak): readonly string[] {
  return [
    ...(dataBreak.distanceFactor === null ? [] : ["distance"]),
    ...(dataBreak.hourChange === null ? [] : ["hour"]),
    ...(dataBreak.dayShift === null ? [] : ["day_of_week"]),
  ];
}

/** What was planted, in the words of the summary; the shift is measured on the rows themselves. */
export function reportTroubles(troubles: Troubles, flights: Flights): readonly TroubleReport[] {
  const at = (minute: number): string =>
    new Date(EPOCH_MS + flights.shiftMs + minute * MINUTE_MS).toISOString();
  const plain = (trouble: Trouble): TroubleReport => ({
    kind: trouble.kind,
    columns: [],
    factor: null,
    shift: null,
    shiftMin: null,
    shiftMax: null,
    segment: null,
    from: at(trouble.fromMinute),
    to: at(trouble.toMinute),
  });
  const { dataBreak } = troubles;
  return [
    {
      ...plain(dataBreak),
      columns: brokenColumns(dataBreak),
      factor: dataBreak.distanceFactor,
      ...plantedShift(dataBreak, flights),
      segment: { tag: "client.version", values: dataBreak.clients },
    },
    plain(troubles.serverErrors),
    plain(troubles.noTraffic),
  ];
}

interface PlantedShift {
  readonly shift: number | null;
  readonly shiftMin: number | null;
  readonly shiftMax: number | null;
}

function plantedShift(dataBreak: DataBreak, flights: Flights): PlantedShift {
  const { hourChange, dayShift } = dataBreak;
  if (dayShift !== null) return { shift: dayShift, shiftMin: dayShift, shiftMax: dayShift };
  if (hourChange === null) return { shift: null, shiftMin: null, shiftMax: null };
  const rowsByHours = new Float64Array(24);
  const from = flights.dayStart[Math.floor(dataBreak.fromMinute / DAY_MINUTES)] ?? 0;
  const to = flights.dayStart[Math.floor(dataBreak.toMinute / DAY_MINUTES)] ?? flights.rows;
  for (let row = from; row < to; row++) {
    if (!isBroken(flights, row, dataBreak)) continue;
    const hour = flights.hour[row] ?? 0;
    const added = (changedHour(hour, utcHourOf(flights, row), hourChange) - hour + 24) % 24;
    rowsByHours[added] = (rowsByHours[added] ?? 0) + 1;
  }
  return summaryOfShift(rowsByHours);
}

function summaryOfShift(rowsByHours: Float64Array): PlantedShift {
  const half = rowsByHours.reduce((sum, rows) => sum + rows, 0) / 2;
  const present = Array.from(rowsByHours.keys()).filter((hours) => (rowsByHours[hours] ?? 0) > 0);
  let below = 0;
  const median = present.find((hours) => {
    below += rowsByHours[hours] ?? 0;
    return below >= half;
  });
  return {
    shift: median ?? null,
    shiftMin: present[0] ?? null,
    shiftMax: present.at(-1) ?? null,
  };
}
