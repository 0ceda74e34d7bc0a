/**
 * Reads the two files of `vega-datasets` with the embedded engine, in a process that ends afterwards:
 * the engine keeps what it has allocated. Fixed-width rows come back, so JavaScript never sees 3 M
 * strings.
 */
import { queryBindAsync } from "chdb";
import type { SourceRows } from "./order-by-utc.ts";
import { stateOf } from "./utc-offset.ts";

export interface SourceFiles {
  readonly flightsPath: string;
  readonly airportsPath: string;
}

export interface Source {
  readonly rows: SourceRows;
  /** IATA codes, ascending; `rows` has indices into it. */
  readonly airports: readonly string[];
  readonly states: readonly string[];
}

const ROW_BYTES = 4 + 4 + 2 + 2 + 3 + 3;

// The engine promises no order of rows, and the order of simultaneous departures rests on the file's.
const FLIGHTS_SQL = `
  SELECT toUInt32(assumeNotNull(_row_number)),
         toInt32(intDiv(toUnixTimestamp(assumeNotNull(date)) - 978307200, 60)),
         toInt16(assumeNotNull(delay)), toUInt16(assumeNotNull(distance)),
         toFixedString(assumeNotNull(origin), 3), toFixedString(assumeNotNull(destination), 3)
  FROM file({path:String}, Parquet)`;

const AIRPORTS_SQL = `
  SELECT iata, state FROM file({path:String}, CSVWithNames)`;

/** @throws {RangeError} when a flight names an airport that the second file lacks */
export async function readSource(files: SourceFiles): Promise<Source> {
  const states = await readStates(files.airportsPath);
  const result = await queryBindAsync(
    FLIGHTS_SQL,
    { path: files.flightsPath },
    { format: "RowBinary" },
  );
  const bytes = result.bytes();
  const { rows, codes } = splitColumns(bytes);
  const airports = [...codes.keys()].sort();
  const recode = new Uint8Array(codes.size);
  for (const [code, old] of codes) recode[old] = airports.indexOf(code);
  for (const column of [rows.origin, rows.destination]) {
    for (let i = 0; i < column.length; i++) column[i] = recode[column[i] ?? 0] ?? 0;
  }
  return {
    rows,
    airports,
    states: airports.map((iata) => {
      const state = states.get(iata);
      if (state === undefined) throw new RangeError(`Cannot place airport "${iata}": not listed`);
      return stateOf(iata, state);
    }),
  };
}

async function readStates(path: string): Promise<ReadonlyMap<string, string>> {
  const result = await queryBindAsync(AIRPORTS_SQL, { path }, { format: "JSONCompactEachRow" });
  const lines = result.text().split("\n");
  return new Map(
    lines.filter((line) => line !== "").map((line) => JSON.parse(line) as [string, string]),
  );
}

function splitColumns(bytes: Uint8Array): { rows: SourceRows; codes: Map<string, number> } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length / ROW_BYTES;
  const rows: SourceRows = {
    localMinute: new Int32Array(count),
    delay: new Int16Array(count),
    distance: new Uint16Array(count),
    origin: new Uint8Array(count),
    destination: new Uint8Array(count),
  };
  const codes = new Map<string, number>();
  const byBytes = new Map<number, number>();
  const airportAt = (offset: number): number => {
    const key = view.getUint16(offset) * 256 + view.getUint8(offset + 2);
    const known = byBytes.get(key);
    if (known !== undefined) return known;
    const code = byBytes.size;
    byBytes.set(key, code);
    codes.set(Buffer.from(bytes.subarray(offset, offset + 3)).toString("latin1"), code);
    return code;
  };
  for (let offset = 0; offset < bytes.length; offset += ROW_BYTES) {
    const row = view.getUint32(offset, true);
    rows.localMinute[row] = view.getInt32(offset + 4, true);
    rows.delay[row] = view.getInt16(offset + 8, true);
    rows.distance[row] = view.getUint16(offset + 10, true);
    rows.origin[row] = airportAt(offset + 12);
    rows.destination[row] = airportAt(offset + 15);
  }
  return { rows, codes };
}
