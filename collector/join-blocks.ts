/**
 * Several blocks of the same columns as one. Of a thousand agents with ten rows each a group has a thousand blocks, and
 * the engine does some hundred microseconds of work for each, however few rows it has.
 */
import type {
  Block,
  Column,
  DictionaryColumn,
  MapColumn,
  StringColumn,
  ValuesColumn,
} from "../contract/native-block.ts";

/** Names and types of a block's columns: what blocks must have in common. */
export function shapeOf({ columns }: Block): string {
  return columns.map(({ name, type }) => `${name} ${type}`).join("\n");
}

/** @param blocks at least one, of one shape */
export function joinBlocks(blocks: readonly Block[]): Block {
  const [first] = blocks;
  if (first === undefined) throw new RangeError("There is no block to join");
  return {
    rows: blocks.reduce((sum, { rows }) => sum + rows, 0),
    columns: first.columns.map(({ name, type }, i) => ({
      ...{ name, type },
      column: joinColumns(blocks.map(({ columns }) => columns[i]!.column)),
    })),
  };
}

function joinColumns(columns: readonly Column[]): Column {
  if (allAre(columns, "map")) return joinMaps(columns);
  if (allAre(columns, "string")) return joinStrings(columns);
  if (allAre(columns, "dictionary")) return joinDictionaries(columns);
  return joinValues(columns as readonly ValuesColumn[]);
}

function allAre<K extends Column["kind"]>(
  columns: readonly Column[],
  kind: K,
): columns is readonly Extract<Column, { kind: K }>[] {
  return columns.every((column) => column.kind === kind);
}

function joinMaps(maps: readonly MapColumn[]): MapColumn {
  const values = joinColumns(maps.map((map) => map.values));
  return {
    kind: "map",
    ends: joinEnds(maps.map(({ ends }) => ends)),
    keys: joinDictionaries(maps.map(({ keys }) => keys)),
    values: values as DictionaryColumn | ValuesColumn,
  };
}

function joinStrings(columns: readonly StringColumn[]): StringColumn {
  const native = Buffer.concat(columns.map((column) => column.native));
  const starts = new Uint32Array(columns.reduce((sum, { starts: own }) => sum + own.length, 0));
  const ends = new Uint32Array(starts.length);
  let row = 0;
  let at = 0;
  for (const column of columns) {
    for (let i = 0; i < column.starts.length; i++, row++) {
      starts[row] = at + column.starts[i]!;
      ends[row] = at + column.ends[i]!;
    }
    at += column.native.length;
  }
  return { kind: "string", native, starts, ends };
}

function joinDictionaries(columns: readonly DictionaryColumn[]): DictionaryColumn {
  const places = new Map<string, number>();
  const indexes = new Uint32Array(columns.reduce((sum, { indexes: own }) => sum + own.length, 0));
  let at = 0;
  for (const column of columns) {
    const placeOf = column.keys.map((key) => {
      const known = places.get(key);
      if (known !== undefined) return known;
      places.set(key, places.size);
      return places.size - 1;
    });
    for (let i = 0; i < column.indexes.length; i++, at++) {
      indexes[at] = placeOf[column.indexes[i]!]!;
    }
  }
  return { kind: "dictionary", keys: [...places.keys()], indexes };
}

function joinValues(columns: readonly ValuesColumn[]): ValuesColumn {
  const first = columns[0]!;
  const rows = columns.reduce((sum, { values }) => sum + values.length, 0);
  const joined = new (first.values.constructor as new (rows: number) => typeof first.values)(rows);
  let at = 0;
  for (const { values } of columns) {
    // One kind, so one type of array.
    (joined as Float64Array).set(values as Float64Array, at);
    at += values.length;
  }
  return { kind: first.kind, values: joined } as ValuesColumn;
}

function joinEnds(all: readonly Uint32Array[]): Uint32Array {
  const joined = new Uint32Array(all.reduce((sum, ends) => sum + ends.length, 0));
  let row = 0;
  let before = 0;
  for (const ends of all) {
    for (let i = 0; i < ends.length; i++, row++) joined[row] = before + ends[i]!;
    before += ends.at(-1) ?? 0;
  }
  return joined;
}
