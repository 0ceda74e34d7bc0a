/** A block with only some of its rows: how the sound rows of a frame are kept when others are refused. */
import {
  type Block,
  type Column,
  type DictionaryColumn,
  type MapColumn,
  type StringColumn,
  type ValuesColumn,
  readBlock,
  writeBlock,
} from "../contract/native-block.ts";

/** @param kept row numbers in ascending order, at least one */
export function filterBlock(
  block: Block,
  kept: readonly number[],
): { block: Block; payload: Uint8Array } {
  const columns = block.columns.map((named) => ({
    ...named,
    column: filterColumn(named.column, kept),
  }));
  const payload = writeBlock({ rows: kept.length, columns });
  // Read again, so that views and payload are the same bytes.
  return { block: readBlock(payload), payload };
}

function filterColumn(column: Column, kept: readonly number[]): Column {
  return column.kind === "map" ? filterMap(column, kept) : filterValues(column, kept);
}

function filterMap(map: MapColumn, kept: readonly number[]): MapColumn {
  const entries: number[] = [];
  const ends = new Uint32Array(kept.length);
  for (const [i, row] of kept.entries()) {
    for (let entry = row === 0 ? 0 : map.ends[row - 1]!; entry < map.ends[row]!; entry++) {
      entries.push(entry);
    }
    ends[i] = entries.length;
  }
  const keys = filterDictionary(map.keys, entries);
  const values =
    map.values.kind === "dictionary"
      ? filterDictionary(map.values, entries)
      : filterNumbers(map.values, entries);
  return { kind: "map", ends, keys, values };
}

function filterValues(column: Exclude<Column, MapColumn>, kept: readonly number[]): Column {
  if (column.kind === "dictionary") return filterDictionary(column, kept);
  return column.kind === "string" ? filterStrings(column, kept) : filterNumbers(column, kept);
}

function filterDictionary(column: DictionaryColumn, kept: readonly number[]): DictionaryColumn {
  return { ...column, indexes: Uint32Array.from(kept, (row) => column.indexes[row]!) };
}

function filterNumbers(column: ValuesColumn, kept: readonly number[]): ValuesColumn {
  switch (column.kind) {
    case "float64":
      return { kind: "float64", values: Float64Array.from(kept, (row) => column.values[row]!) };
    case "float32":
      return { kind: "float32", values: Float32Array.from(kept, (row) => column.values[row]!) };
    case "uint32":
      return { kind: "uint32", values: Uint32Array.from(kept, (row) => column.values[row]!) };
    case "uint64":
      return { kind: "uint64", values: BigUint64Array.from(kept, (row) => column.values[row]!) };
    case "time":
    case "nullable-time":
      return { kind: column.kind, values: Float64Array.from(kept, (row) => column.values[row]!) };
  }
}

function filterStrings(column: StringColumn, kept: readonly number[]): StringColumn {
  const starts = new Uint32Array(kept.length);
  const ends = new Uint32Array(kept.length);
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const [i, row] of kept.entries()) {
    // The length stands before the text: from the end of the value before.
    const from = row === 0 ? 0 : column.ends[row - 1]!;
    const prefix = column.starts[row]! - from;
    pieces.push(column.native.subarray(from, column.ends[row]));
    starts[i] = at + prefix;
    at += column.ends[row]! - from;
    ends[i] = at;
  }
  return { kind: "string", native: Buffer.concat(pieces), starts, ends };
}
