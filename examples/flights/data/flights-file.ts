/**
 * The prepared flights as one file of plain columns, ordered by UTC departure: a short JSON header,
 * then little-endian arrays, so that opening costs one read and no decoding (36 MB for 3 M rows).
 * A row's number is its identity; ids and clients follow from it and never change between runs.
 */
import { DAY_MINUTES, EPOCH_MS, MINUTE_MS } from "./calendar.ts";
import { rowHash } from "./row-hash.ts";

export interface FlightColumns {
  /** UTC departure in minutes since 1 January 2001, ascending. */
  readonly departureMinute: Int32Array;
  /** Miles. */
  readonly distance: Uint16Array;
  /** Local hour of departure, 0 to 23. */
  readonly hour: Uint8Array;
  /** Local day of the week, 1 (Monday) to 7. */
  readonly dayOfWeek: Uint8Array;
  /** Codes into `airports`. */
  readonly origin: Uint8Array;
  readonly destination: Uint8Array;
  /** 1 when the flight landed at least 15 minutes late. */
  readonly late: Uint8Array;
}

export interface Flights extends FlightColumns {
  readonly rows: number;
  /** IATA codes, ascending. */
  readonly airports: readonly string[];
  /** Added to every time of 2001 by the functions below; whole weeks. */
  readonly shiftMs: number;
  /** First row of each UTC day; one more entry than there are days. Day 0 is 1 January 2001. */
  readonly dayStart: Int32Array;
  /** When the flight left, in shifted milliseconds. */
  departureMs(row: number): number;
  /** When its label is known at the earliest, in shifted milliseconds. */
  landingMs(row: number): number;
  /** The prediction's id. */
  id(row: number): string;
  /** The value of the tag `client.version`. */
  client(row: number): string;
}

/** The ten values of `client.version`. */
export const CLIENT_VERSIONS: readonly string[] = Array.from({ length: 10 }, (_, i) => `5.${i}`);

const CLIENT_SALT = 1;

/** Index into CLIENT_VERSIONS: about every tenth row is one client's. */
export const clientOf = (row: number): number => rowHash(row, CLIENT_SALT) % CLIENT_VERSIONS.length;

/** Landing estimate in minutes after departure: 25 minutes on the ground, 7.7 miles a minute. */
export const flightMinutes = (distanceMiles: number): number => 25 + distanceMiles / 7.7;

const MAGIC = "flights1";
const LAYOUT = [
  ["departureMinute", Int32Array],
  ["distance", Uint16Array],
  ["hour", Uint8Array],
  ["dayOfWeek", Uint8Array],
  ["origin", Uint8Array],
  ["destination", Uint8Array],
  ["late", Uint8Array],
] as const;

interface Header {
  readonly rows: number;
  readonly airports: readonly string[];
}

/** The bytes of the file. Columns must have equal lengths and ascending departures. */
export function encodeFlights(columns: FlightColumns, airports: readonly string[]): Buffer {
  const header: Header = { rows: columns.late.length, airports };
  const json = Buffer.from(JSON.stringify(header));
  const start = Buffer.alloc(alignedAfter(12 + json.length));
  start.write(MAGIC, 0, "latin1");
  start.writeUInt32LE(json.length, 8);
  json.copy(start, 12);
  const parts = LAYOUT.map(([name]) => {
    const column = columns[name];
    return Buffer.from(column.buffer, column.byteOffset, column.byteLength);
  });
  return Buffer.concat([start, ...parts]);
}

/**
 * Opens the bytes of a prepared file; columns are views of them.
 * @throws {RangeError} when they are not such a file
 */
export function decodeFlights(bytes: Buffer, shiftMs: number): Flights {
  if (bytes.length < 12 || bytes.toString("latin1", 0, 8) !== MAGIC) {
    throw new RangeError("Cannot read the prepared flights: the file does not begin as one");
  }
  const headerBytes = bytes.readUInt32LE(8);
  const header = JSON.parse(bytes.toString("utf8", 12, 12 + headerBytes)) as Header;
  // Typed arrays want aligned offsets, which a Buffer from the shared pool does not promise.
  const { buffer } = new Uint8Array(bytes);
  let offset = alignedAfter(12 + headerBytes);
  const take = <T>(make: new (b: ArrayBuffer, o: number, n: number) => T, width: number): T => {
    const column = new make(buffer, offset, header.rows);
    offset += header.rows * width;
    return column;
  };
  const columns: FlightColumns = {
    departureMinute: take(Int32Array, 4),
    distance: take(Uint16Array, 2),
    hour: take(Uint8Array, 1),
    dayOfWeek: take(Uint8Array, 1),
    origin: take(Uint8Array, 1),
    destination: take(Uint8Array, 1),
    late: take(Uint8Array, 1),
  };
  return withColumns(columns, header.airports, shiftMs);
}

/** Flights over columns in memory. */
export function withColumns(
  columns: FlightColumns,
  airports: readonly string[],
  shiftMs: number,
): Flights {
  const { departureMinute, distance, origin, destination } = columns;
  const departureMs = (row: number): number =>
    EPOCH_MS + shiftMs + at(departureMinute, row) * MINUTE_MS;
  return {
    ...columns,
    rows: departureMinute.length,
    airports,
    shiftMs,
    dayStart: indexDays(departureMinute),
    departureMs,
    landingMs: (row) => departureMs(row) + Math.round(flightMinutes(at(distance, row)) * MINUTE_MS),
    id: (row) => `${airports[at(origin, row)]}-${airports[at(destination, row)]}-${row}`,
    client: (row) => CLIENT_VERSIONS[clientOf(row)] ?? "",
  };
}

function indexDays(departureMinute: Int32Array): Int32Array {
  const rows = departureMinute.length;
  const days = rows === 0 ? 0 : Math.floor(at(departureMinute, rows - 1) / DAY_MINUTES) + 1;
  const dayStart = new Int32Array(days + 1);
  let row = 0;
  for (let day = 0; day <= days; day++) {
    while (row < rows && at(departureMinute, row) < day * DAY_MINUTES) row++;
    dayStart[day] = row;
  }
  return dayStart;
}

const at = (column: Int32Array | Uint16Array | Uint8Array, row: number): number =>
  column[row] ?? Number.NaN;

const alignedAfter = (bytes: number): number => Math.ceil(bytes / 8) * 8;
