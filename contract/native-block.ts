/**
 * ClickHouse Native blocks without an object per row: columns as typed arrays and dictionaries, the same
 * shape for writing and for reading. Only the types listed in `NATIVE_TYPES` exist; whatever else a block
 * holds is an error, never a guess. Typed arrays are copied as they are: little-endian machines only.
 */
import { DriftmendError } from "./driftmend-error.ts";
import { NativeReader } from "./native-reader.ts";
import { NativeWriter } from "./native-writer.ts";

export const NATIVE_TYPES = [
  "String",
  "LowCardinality(String)",
  "DateTime64(3, 'UTC')",
  "Nullable(DateTime64(3, 'UTC'))",
  "Float64",
  "Float32",
  "UInt64",
  "UInt32",
  "Map(LowCardinality(String), Float64)",
  "Map(LowCardinality(String), Float32)",
  "Map(LowCardinality(String), LowCardinality(String))",
] as const;
export type NativeType = (typeof NATIVE_TYPES)[number];

/** Value `i` is the UTF-8 text `native[starts[i] .. ends[i])`; `native` is the column as it stands in a block. */
export interface StringColumn {
  readonly kind: "string";
  readonly native: Uint8Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** Value `i` is `keys[indexes[i]]`. */
export interface DictionaryColumn {
  readonly kind: "dictionary";
  readonly keys: readonly string[];
  readonly indexes: Uint8Array | Uint16Array | Uint32Array;
}

export type ValuesColumn =
  | { readonly kind: "float64"; readonly values: Float64Array }
  | { readonly kind: "float32"; readonly values: Float32Array }
  | { readonly kind: "uint64"; readonly values: BigUint64Array }
  | { readonly kind: "uint32"; readonly values: Uint32Array }
  /** Milliseconds since 1970 UTC. */
  | { readonly kind: "time"; readonly values: Float64Array }
  /** Milliseconds since 1970 UTC; NaN is null. */
  | { readonly kind: "nullable-time"; readonly values: Float64Array };

/** Row `i` has the entries from `ends[i - 1]` (0 for the first row) to `ends[i]`. */
export interface MapColumn {
  readonly kind: "map";
  readonly ends: Uint32Array;
  readonly keys: DictionaryColumn;
  readonly values: DictionaryColumn | ValuesColumn;
}

export type Column = StringColumn | DictionaryColumn | ValuesColumn | MapColumn;

export interface NamedColumn {
  readonly name: string;
  readonly type: NativeType;
  readonly column: Column;
}

export interface Block {
  readonly rows: number;
  readonly columns: readonly NamedColumn[];
}

const COLUMNS_MAX = 64;
const TYPE_BY_NAME: ReadonlyMap<string, NativeType> = new Map([
  ...NATIVE_TYPES.map((type) => [type, type] as const),
  ["DateTime64(3)", "DateTime64(3, 'UTC')"],
  ["Nullable(DateTime64(3))", "Nullable(DateTime64(3, 'UTC'))"],
]);

/** The bytes of one Native block. The columns' kinds must fit their types. */
export function writeBlock(block: Block): Uint8Array<ArrayBuffer> {
  const writer = new NativeWriter(bytesExpected(block));
  writer.varint(block.columns.length);
  writer.varint(block.rows);
  for (const { name, type, column } of block.columns) {
    writer.text(name);
    writer.text(type);
    if (block.rows > 0) writeColumn(writer, column);
  }
  return writer.finish();
}

/**
 * The one Native block that `bytes` hold, as views: dictionaries are decoded, strings stay where they are.
 * @throws {DriftmendError} block_invalid: malformed, another type than ours, or bytes left over
 */
export function readBlock(bytes: Uint8Array): Block {
  const reader = new NativeReader(bytes);
  const block = readNext(reader);
  if (reader.remaining !== 0) throw invalidBlock(`${reader.remaining} bytes are left over`);
  return block;
}

/**
 * All Native blocks of an answer, in order; empty ones (headers) too.
 * @throws {DriftmendError} block_invalid
 */
export function readBlocks(bytes: Uint8Array): readonly Block[] {
  const reader = new NativeReader(bytes);
  const blocks: Block[] = [];
  while (reader.remaining > 0) blocks.push(readNext(reader));
  return blocks;
}

function readNext(reader: NativeReader): Block {
  const columnCount = reader.varint();
  const rows = reader.varint();
  if (columnCount > COLUMNS_MAX) throw invalidBlock(`it says it has ${columnCount} columns`);
  const columns: NamedColumn[] = [];
  for (let i = 0; i < columnCount; i++) {
    const name = reader.text();
    const typeName = reader.text();
    const type = TYPE_BY_NAME.get(typeName);
    if (type === undefined) throw invalidBlock(`column "${name}" has the type "${typeName}"`);
    columns.push({ name, type, column: readColumn(reader, type, rows) });
  }
  return { rows, columns };
}

/**
 * The column `name`, which must be of `kind`.
 * @throws {DriftmendError} block_invalid
 */
export function columnOf<K extends Column["kind"]>(
  block: Block,
  name: string,
  kind: K,
): Extract<Column, { kind: K }> {
  const column = block.columns.find((candidate) => candidate.name === name)?.column;
  if (!isKind(column, kind)) {
    throw invalidBlock(`column "${name}" is ${column === undefined ? "missing" : column.kind}`);
  }
  return column;
}

/** The text of value `row`; allocates a string, so not for hot loops. */
export function textAt(column: StringColumn | DictionaryColumn, row: number): string {
  if (column.kind === "dictionary") return column.keys[column.indexes[row] ?? -1] ?? "";
  const bytes = column.native.subarray(column.starts[row], column.ends[row]);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
}

function isKind<K extends Column["kind"]>(
  column: Column | undefined,
  kind: K,
): column is Extract<Column, { kind: K }> {
  return column?.kind === kind;
}

function invalidBlock(what: string): DriftmendError {
  return new DriftmendError("block_invalid", {
    retry: "never",
    message: `Cannot read bytes as one Native block: ${what}`,
    next: "Update the older of agent and collector; a frame that was damaged is refused by its CRC before.",
  });
}

/** About what the block takes; only a column's own bytes count much. */
function bytesExpected({ columns }: Block): number {
  let bytes = 1024;
  for (const { column } of columns) {
    bytes += 64 + contentBytes(column);
    if (column.kind !== "map") continue;
    bytes += column.ends.length * 8 + contentBytes(column.keys) + contentBytes(column.values);
  }
  return bytes;
}

function contentBytes(column: Column): number {
  switch (column.kind) {
    case "string":
      return column.native.length;
    case "dictionary":
      return column.indexes.length * (column.keys.length <= 256 ? 1 : 4) + column.keys.length * 16;
    case "map":
      return 0;
    case "nullable-time":
      return column.values.length * 9;
    default:
      return column.values.byteLength;
  }
}

function writeColumn(writer: NativeWriter, column: Column): void {
  if (column.kind !== "map") {
    if (column.kind === "dictionary") writer.dictionaryPrefix();
    writeValues(writer, column);
    return;
  }
  writer.dictionaryPrefix();
  if (column.values.kind === "dictionary") writer.dictionaryPrefix();
  writer.wide(column.ends);
  writeValues(writer, column.keys);
  writeValues(writer, column.values);
}

function writeValues(writer: NativeWriter, column: Exclude<Column, MapColumn>): void {
  switch (column.kind) {
    case "string":
      return writer.raw(column.native);
    case "dictionary":
      return writer.dictionary(column.keys, column.indexes);
    case "time":
      return writer.times(column.values);
    case "nullable-time":
      return writer.nullableTimes(column.values);
    case "float64":
    case "float32":
    case "uint64":
    case "uint32":
      return writer.raw(column.values);
  }
}

function readColumn(reader: NativeReader, type: NativeType, rows: number): Column {
  if (!type.startsWith("Map(")) {
    if (type === "LowCardinality(String)" && rows > 0) reader.dictionaryPrefix();
    return readValues(reader, type, rows);
  }
  const valueType = type.slice("Map(LowCardinality(String), ".length, -1) as NativeType;
  if (rows > 0) {
    reader.dictionaryPrefix();
    if (valueType === "LowCardinality(String)") reader.dictionaryPrefix();
  }
  const ends = reader.ends(rows);
  const entries = rows === 0 ? 0 : (ends[rows - 1] ?? 0);
  const keys = reader.dictionary(entries);
  const values = readValues(reader, valueType, entries);
  if (values.kind === "string") throw invalidBlock(`a map has values of type "${valueType}"`);
  return { kind: "map", ends, keys, values };
}

function readValues(
  reader: NativeReader,
  type: NativeType,
  count: number,
): Exclude<Column, MapColumn> {
  switch (type) {
    case "String":
      return reader.strings(count);
    case "LowCardinality(String)":
      return reader.dictionary(count);
    case "DateTime64(3, 'UTC')":
      return { kind: "time", values: reader.times(count) };
    case "Nullable(DateTime64(3, 'UTC'))":
      return { kind: "nullable-time", values: reader.nullableTimes(count) };
    case "Float64":
      return { kind: "float64", values: new Float64Array(reader.copy(count, 8)) };
    case "Float32":
      return { kind: "float32", values: new Float32Array(reader.copy(count, 4)) };
    case "UInt64":
      return { kind: "uint64", values: new BigUint64Array(reader.copy(count, 8)) };
    case "UInt32":
      return { kind: "uint32", values: new Uint32Array(reader.copy(count, 4)) };
    default:
      throw invalidBlock(`the type "${type}" stands where a plain value must be`);
  }
}
