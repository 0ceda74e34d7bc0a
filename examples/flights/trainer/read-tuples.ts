/**
 * A folder of Parquet files as weighted feature tuples: the embedded engine merges equal rows before
 * JavaScript sees them, so 2 M rows arrive as a few hundred thousand. Types are taken as found (numbers
 * or text), since data sets are written by other programs.
 */
import { queryBindAsync } from "chdb";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Tuples } from "../model/cells.ts";
import { FEATURES } from "../model/features.ts";
import { TrainerFailure } from "./trainer-failure.ts";

export interface LabelledTuples extends Tuples {
  readonly airports: readonly string[];
  readonly rows: number;
}

/**
 * @param positive the label that counts as 1
 * @returns undefined when the folder does not exist or holds no Parquet file
 * @throws {TrainerFailure} 65 when columns or labels are not what a binary task has
 */
export async function readTuples(
  folder: string,
  positive: string,
  signal: AbortSignal,
): Promise<LabelledTuples | undefined> {
  const names = await readdir(folder).catch(() => []);
  if (!names.some((name) => name.endsWith(".parquet"))) return undefined;
  const path = join(folder, "*.parquet");
  try {
    const types = await columnTypes(path, signal);
    const rows = await checkLabels(path, types, positive, signal);
    const bytes = await run(tuplesSql(types), { path, positive }, "RowBinary", signal);
    return { ...decodeTuples(bytes), rows };
  } catch (cause) {
    if (cause instanceof TrainerFailure || signal.aborted) throw cause;
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new TrainerFailure("data", `Cannot read "${path}" as training data: ${reason}`, cause);
  }
}

type ColumnTypes = ReadonlyMap<string, string>;

async function run(
  sql: string,
  params: Readonly<Record<string, string>>,
  format: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const result = await queryBindAsync(sql, params, { format, signal });
  return result.bytes();
}

async function columnTypes(path: string, signal: AbortSignal): Promise<ColumnTypes> {
  const sql = "DESCRIBE TABLE file({path:String}, Parquet)";
  const bytes = await run(sql, { path }, "JSONCompactEachRow", signal);
  const lines = Buffer.from(bytes).toString().split("\n");
  const types = new Map(
    lines.filter((line) => line !== "").map((line) => JSON.parse(line) as [string, string]),
  );
  for (const name of [...FEATURES.map((feature) => feature.name), "label"]) {
    if (!types.has(name)) {
      throw new TrainerFailure("data", `Cannot train without the column "${name}" in "${path}"`);
    }
  }
  return types;
}

/** Every label is there, and there are exactly two, the positive one among them. */
async function checkLabels(
  path: string,
  types: ColumnTypes,
  positive: string,
  signal: AbortSignal,
): Promise<number> {
  const sql = `
    SELECT count(), countIf(label IS NULL), groupUniqArray(4)(ifNull(toString(label), '')),
           min(w) > 0, isFinite(sum(w))
    FROM (SELECT label, ${weightSql(types)} AS w FROM file({path:String}, Parquet))`;
  const bytes = await run(sql, { path }, "JSONCompactEachRow", signal);
  const [rows, missing, labels, positiveWeights, finiteWeights] = JSON.parse(
    Buffer.from(bytes).toString(),
  ) as [string | number, string | number, string[], number, number];
  const problem =
    Number(missing) > 0
      ? `${missing} rows have no label`
      : labels.length !== 2 || !labels.includes(positive)
        ? `labels are ${JSON.stringify(labels)}, wanted are two with "${positive}" among them`
        : positiveWeights !== 1 || finiteWeights !== 1
          ? "weights are not all positive and finite"
          : undefined;
  if (problem !== undefined) {
    throw new TrainerFailure("data", `Cannot train on ${rows} rows of "${path}": ${problem}`);
  }
  return Number(rows);
}

function tuplesSql(types: ColumnTypes): string {
  const features = FEATURES.map(({ name, type }) =>
    type === "categorical" ? `ifNull(toString(${name}), '')` : numberSql(name, types),
  );
  return `
    SELECT ${features.map((sql, i) => `${sql} AS f${i}`).join(", ")},
           sum(${weightSql(types)}) AS weight_sum,
           sumIf(${weightSql(types)}, toString(label) = {positive:String}) AS positive_sum
    FROM file({path:String}, Parquet)
    GROUP BY f0, f1, f2, f3, f4
    ORDER BY f0, f1, f2, f3, f4
    SETTINGS max_threads = 2`;
}

function numberSql(name: string, types: ColumnTypes): string {
  const isText = types.get(name)?.includes("String") ?? false;
  return `ifNull(${isText ? "toFloat64OrNull" : "toFloat64"}(${name}), nan)`;
}

const weightSql = (types: ColumnTypes): string =>
  types.has("weight") ? "assumeNotNull(toFloat64(weight))" : "toFloat64(1)";

function decodeTuples(bytes: Uint8Array): Tuples & { airports: readonly string[] } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const columns = { hour: [], dayOfWeek: [], distance: [], weight: [], positive: [] } as Record<
    "hour" | "dayOfWeek" | "distance" | "weight" | "positive",
    number[]
  >;
  const routes = { origin: [] as number[], destination: [] as number[] };
  const codes = new Map<string, number>();
  let at = 0;
  const double = (): number => {
    at += 8;
    return buffer.readDoubleLE(at - 8);
  };
  const code = (): number => {
    const length = buffer[at] ?? 0;
    if (length > 127) throw new TrainerFailure("data", "Cannot use a name of over 127 bytes");
    const name = buffer.toString("utf8", at + 1, at + 1 + length);
    at += 1 + length;
    const known = codes.get(name) ?? codes.size;
    codes.set(name, known);
    return known;
  };
  while (at < buffer.length) {
    columns.hour.push(double());
    columns.dayOfWeek.push(double());
    columns.distance.push(double());
    routes.origin.push(code());
    routes.destination.push(code());
    columns.weight.push(double());
    columns.positive.push(double());
  }
  return { count: columns.hour.length, ...columns, ...routes, airports: [...codes.keys()] };
}
