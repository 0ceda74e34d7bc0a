/**
 * Which columns the sections of a frame have, in which order, with which types: the tables of the same
 * names take them as they are, plus the collector's service columns. The builders here make blocks from
 * plain objects, for tests and tools; the agent has a faster way.
 */
import {
  type Column,
  type DictionaryColumn,
  type NamedColumn,
  type NativeType,
  writeBlock,
} from "./native-block.ts";
import { NativeWriter } from "./native-writer.ts";
import type { ServerMetricRow } from "./server-metric.ts";

export interface ColumnDefinition {
  readonly name: string;
  readonly type: NativeType;
}

export const PREDICTION_COLUMNS = [
  { name: "model", type: "LowCardinality(String)" },
  { name: "version", type: "LowCardinality(String)" },
  { name: "ts", type: "DateTime64(3, 'UTC')" },
  { name: "id", type: "String" },
  { name: "num", type: "Map(LowCardinality(String), Float64)" },
  { name: "cat", type: "Map(LowCardinality(String), LowCardinality(String))" },
  { name: "tags", type: "Map(LowCardinality(String), LowCardinality(String))" },
  { name: "label", type: "LowCardinality(String)" },
  { name: "score", type: "Float64" },
  { name: "value", type: "Float64" },
  { name: "probabilities", type: "Map(LowCardinality(String), Float32)" },
  { name: "latency", type: "Float32" },
  { name: "error", type: "LowCardinality(String)" },
] as const satisfies readonly ColumnDefinition[];

/** Last, and only in blocks in which some row stands for others that were not kept; without it all weigh 1. */
export const WEIGHT_COLUMN = { name: "weight", type: "Float32" } as const;

export const LABEL_COLUMNS = [
  { name: "model", type: "LowCardinality(String)" },
  { name: "id", type: "String" },
  { name: "label", type: "LowCardinality(String)" },
  { name: "value", type: "Float64" },
  { name: "prediction_time", type: "Nullable(DateTime64(3, 'UTC'))" },
  { name: "time", type: "DateTime64(3, 'UTC')" },
  { name: "source", type: "LowCardinality(String)" },
  { name: "revision", type: "UInt64" },
] as const satisfies readonly ColumnDefinition[];

/** Last, and only in blocks in which some label's prediction was left out of the sample (1); without it none was. */
export const UNSAMPLED_COLUMN = { name: "unsampled", type: "UInt32" } as const;

/** By table what a block may have after its columns. */
export const OPTIONAL_COLUMNS = {
  predictions: WEIGHT_COLUMN,
  labels: UNSAMPLED_COLUMN,
  dead_letters: null,
  server_metrics: null,
} as const;

export const DEAD_LETTER_COLUMNS = [
  /** Wall time of the refusal. */
  { name: "time", type: "DateTime64(3, 'UTC')" },
  /** The table that the record was meant for: "predictions" or "labels". */
  { name: "record", type: "LowCardinality(String)" },
  { name: "model", type: "LowCardinality(String)" },
  { name: "id", type: "String" },
  { name: "reason", type: "LowCardinality(String)" },
  /** What exactly was wrong. */
  { name: "detail", type: "String" },
  /** The record as a JSON line of the event or label door, as far as it was understood. */
  { name: "sample", type: "String" },
] as const satisfies readonly ColumnDefinition[];

export const SERVER_METRIC_COLUMNS = [
  { name: "model", type: "LowCardinality(String)" },
  { name: "version", type: "LowCardinality(String)" },
  { name: "ts", type: "DateTime64(3, 'UTC')" },
  { name: "instance", type: "LowCardinality(String)" },
  { name: "source", type: "LowCardinality(String)" },
  { name: "measure", type: "LowCardinality(String)" },
  { name: "part", type: "LowCardinality(String)" },
  { name: "lower", type: "Float64" },
  { name: "upper", type: "Float64" },
  { name: "value", type: "Float64" },
] as const satisfies readonly ColumnDefinition[];

/** A row of a section's block, by column name; what is left out is empty, NaN or null. */
export interface PredictionRow {
  readonly model: string;
  readonly id: string;
  /** Event time in milliseconds. */
  readonly ts: number;
  readonly version?: string;
  readonly num?: Readonly<Record<string, number>>;
  readonly cat?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly label?: string;
  readonly score?: number;
  readonly value?: number;
  readonly probabilities?: Readonly<Record<string, number>>;
  readonly latency?: number;
  readonly error?: string;
  /** 1 where it is left out. */
  readonly weight?: number;
}

export interface LabelRow {
  readonly model: string;
  readonly id: string;
  /** When the label became known, in milliseconds. */
  readonly time: number;
  readonly label?: string;
  readonly value?: number;
  readonly prediction_time?: number;
  readonly source?: string;
  readonly revision?: number;
  readonly unsampled?: 0 | 1;
}

export interface DeadLetterRow {
  readonly time: number;
  readonly record: "predictions" | "labels";
  readonly reason: string;
  readonly model?: string;
  readonly id?: string;
  readonly detail?: string;
  readonly sample?: string;
}

/** A `predictions` payload. */
export function buildPredictionBlock(rows: readonly PredictionRow[]): Uint8Array<ArrayBuffer> {
  const weighted = rows.some(({ weight = 1 }) => weight !== 1);
  if (!weighted) return build(PREDICTION_COLUMNS, rows);
  const all = rows.map((row) => ({ weight: 1, ...row }));
  return build([...PREDICTION_COLUMNS, WEIGHT_COLUMN], all);
}

/** A `labels` payload. */
export function buildLabelBlock(rows: readonly LabelRow[]): Uint8Array<ArrayBuffer> {
  const marked = rows.some(({ unsampled = 0 }) => unsampled !== 0);
  return build(marked ? [...LABEL_COLUMNS, UNSAMPLED_COLUMN] : LABEL_COLUMNS, rows);
}

/** A `dead_letters` payload. */
export function buildDeadLetterBlock(rows: readonly DeadLetterRow[]): Uint8Array<ArrayBuffer> {
  return build(DEAD_LETTER_COLUMNS, rows);
}

/** A `server_metrics` payload. */
export function buildServerMetricBlock(rows: readonly ServerMetricRow[]): Uint8Array<ArrayBuffer> {
  return build(SERVER_METRIC_COLUMNS, rows);
}

function build(
  definitions: readonly ColumnDefinition[],
  rows: readonly object[],
): Uint8Array<ArrayBuffer> {
  const columns = definitions.map(({ name, type }): NamedColumn => {
    const values = rows.map((row): unknown => Reflect.get(row, name));
    return { name, type, column: columnFrom(type, values) };
  });
  return writeBlock({ rows: rows.length, columns });
}

function columnFrom(type: NativeType, values: readonly unknown[]): Column {
  if (!type.startsWith("Map(")) return plainColumn(type, values);
  const entries = values.map((value) => Object.entries(value ?? {}));
  const ends = new Uint32Array(entries.length);
  let end = 0;
  for (const [row, list] of entries.entries()) ends[row] = end += list.length;
  const flat = entries.flat();
  const valueType = type.slice("Map(LowCardinality(String), ".length, -1) as NativeType;
  const mapValues = plainColumn(
    valueType,
    flat.map(([, value]): unknown => value),
  );
  if (mapValues.kind === "string") throw new TypeError(`A map cannot hold values of ${valueType}`);
  return { kind: "map", ends, keys: dictionaryFrom(flat.map(([key]) => key)), values: mapValues };
}

function plainColumn(type: NativeType, values: readonly unknown[]) {
  const numbers = (absent: number): number[] => values.map((value) => Number(value ?? absent));
  switch (type) {
    case "String":
      return stringsFrom(values.map((value) => String(value ?? "")));
    case "LowCardinality(String)":
      return dictionaryFrom(values.map((value) => String(value ?? "")));
    case "DateTime64(3, 'UTC')":
      return { kind: "time", values: Float64Array.from(numbers(0)) } as const;
    case "Nullable(DateTime64(3, 'UTC'))":
      return { kind: "nullable-time", values: Float64Array.from(numbers(Number.NaN)) } as const;
    case "Float64":
      return { kind: "float64", values: Float64Array.from(numbers(Number.NaN)) } as const;
    case "Float32":
      return { kind: "float32", values: Float32Array.from(numbers(Number.NaN)) } as const;
    case "UInt64":
      return { kind: "uint64", values: BigUint64Array.from(numbers(0), BigInt) } as const;
    case "UInt32":
      return { kind: "uint32", values: Uint32Array.from(numbers(0)) } as const;
    default:
      throw new TypeError(`${type} is not a plain type`);
  }
}

function dictionaryFrom(values: readonly string[]): DictionaryColumn {
  const keys = [...new Set(values)];
  const indexOf = new Map(keys.map((key, index) => [key, index]));
  const indexes = Uint32Array.from(values, (value) => indexOf.get(value) ?? 0);
  return { kind: "dictionary", keys, indexes };
}

function stringsFrom(values: readonly string[]) {
  const writer = new NativeWriter();
  const ends = new Uint32Array(values.length);
  const starts = new Uint32Array(values.length);
  for (const [row, value] of values.entries()) {
    writer.text(value);
    ends[row] = writer.bytesWritten;
    starts[row] = writer.bytesWritten - Buffer.byteLength(value);
  }
  return { kind: "string", native: writer.finish(), starts, ends } as const;
}
