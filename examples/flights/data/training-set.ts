/**
 * The champion's training set, weeks 6–9, as the Parquet file that onboarding names
 * (`reference.training_set`) and that every trainer reads: the columns of INTERFACES §5.
 */
import { queryBindAsync } from "chdb";
import { rename, rm, writeFile } from "node:fs/promises";
import { firstDayOfWeek, TRAINING_WEEKS } from "./calendar.ts";
import type { Flights } from "./flights-file.ts";

const SQL = `
  SELECT prediction_id, time, hour, day_of_week, distance, origin, destination, \`client.version\`,
         label, weight
  FROM file({rowsPath:String}, RowBinary, {structure:String})
  INTO OUTFILE {outPath:String} TRUNCATE FORMAT Parquet
  SETTINGS max_threads = 1, output_format_parquet_compression_method = 'zstd'`;

const STRUCTURE =
  "prediction_id String, time DateTime64(3, 'UTC'), hour Float64, day_of_week Float64, " +
  "distance Float64, origin String, destination String, `client.version` String, label String, " +
  "weight Float64";

const ROW_BYTES_MAX = 128;

/** Rows of whole weeks, first and last included. */
export function rowsOfWeeks(
  flights: Flights,
  first: number,
  last: number,
): readonly [number, number] {
  const end = flights.dayStart.length - 1;
  const from = flights.dayStart[Math.min(firstDayOfWeek(first), end)] ?? 0;
  const to = flights.dayStart[Math.min(firstDayOfWeek(last + 1), end)] ?? flights.rows;
  return [from, to];
}

/** Writes the Parquet file whole or not at all; needs the embedded engine, so a process of its own. */
export async function writeTrainingSet(flights: Flights, path: string): Promise<void> {
  const [from, to] = rowsOfWeeks(flights, TRAINING_WEEKS.first, TRAINING_WEEKS.last);
  await writeRowsParquet(flights, from, to, path);
}

/** Rows [from, to) as a training Parquet file. */
export async function writeRowsParquet(
  flights: Flights,
  from: number,
  to: number,
  path: string,
): Promise<void> {
  const rowsPath = `${path}.rows`;
  await writeFile(rowsPath, encodeRows(flights, from, to));
  await queryBindAsync(SQL.replace("{outPath:String}", quote(`${path}.tmp`)), {
    rowsPath,
    structure: STRUCTURE,
  });
  await rename(`${path}.tmp`, path);
  await rm(rowsPath);
}

function encodeRows(flights: Flights, from: number, to: number): Buffer {
  const bytes = Buffer.alloc((to - from) * ROW_BYTES_MAX);
  let at = 0;
  const text = (value: string): void => {
    bytes[at] = value.length;
    at = at + 1 + bytes.write(value, at + 1, "latin1");
  };
  const double = (value: number): void => {
    at = bytes.writeDoubleLE(value, at);
  };
  for (let row = from; row < to; row++) {
    text(flights.id(row));
    at = bytes.writeBigInt64LE(BigInt(flights.departureMs(row)), at);
    double(flights.hour[row] ?? Number.NaN);
    double(flights.dayOfWeek[row] ?? Number.NaN);
    double(flights.distance[row] ?? Number.NaN);
    text(flights.airports[flights.origin[row] ?? 0] ?? "");
    text(flights.airports[flights.destination[row] ?? 0] ?? "");
    text(flights.client(row));
    text(flights.late[row] === 1 ? "1" : "0");
    double(1);
  }
  return bytes.subarray(0, at);
}

const quote = (path: string): string => `'${path.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
