/** The `predictions` block of a frame as typed columns: the one place that knows them by name. */
import {
  type Block,
  type DictionaryColumn,
  type MapColumn,
  type StringColumn,
  columnOf,
} from "../contract/native-block.ts";
import { WEIGHT_COLUMN } from "../contract/payload-blocks.ts";

/** Row `i` has the entries `ends[i - 1]` to `ends[i]`; entry `e` maps `keys` to a number. */
export interface NumberMap {
  readonly ends: Uint32Array;
  readonly keys: DictionaryColumn;
  readonly values: Float64Array;
}

export interface TextMap {
  readonly ends: Uint32Array;
  readonly keys: DictionaryColumn;
  readonly values: DictionaryColumn;
}

export interface PredictionColumns {
  readonly rows: number;
  readonly model: DictionaryColumn;
  readonly version: DictionaryColumn;
  /** Milliseconds since 1970 UTC. */
  readonly ts: Float64Array;
  readonly id: StringColumn;
  readonly num: NumberMap;
  readonly cat: TextMap;
  readonly tags: TextMap;
  readonly score: Float64Array;
  readonly value: Float64Array;
  readonly latency: Float32Array;
  readonly error: DictionaryColumn;
  /** Null: every row stands for itself alone. */
  readonly weight: Float32Array | null;
}

/** @throws {DriftmendError} block_invalid */
export function predictionColumns(block: Block): PredictionColumns {
  return {
    rows: block.rows,
    model: columnOf(block, "model", "dictionary"),
    version: columnOf(block, "version", "dictionary"),
    ts: columnOf(block, "ts", "time").values,
    id: columnOf(block, "id", "string"),
    num: numberMap(columnOf(block, "num", "map")),
    cat: textMap(columnOf(block, "cat", "map")),
    tags: textMap(columnOf(block, "tags", "map")),
    score: columnOf(block, "score", "float64").values,
    value: columnOf(block, "value", "float64").values,
    latency: columnOf(block, "latency", "float32").values,
    error: columnOf(block, "error", "dictionary"),
    weight: block.columns.some(({ name }) => name === WEIGHT_COLUMN.name)
      ? columnOf(block, WEIGHT_COLUMN.name, "float32").values
      : null,
  };
}

const NO_KEYS: DictionaryColumn = { kind: "dictionary", keys: [], indexes: new Uint8Array(0) };

function numberMap({ ends, keys, values }: MapColumn): NumberMap {
  return { ends, keys, values: values.kind === "float64" ? values.values : new Float64Array(0) };
}

function textMap({ ends, keys, values }: MapColumn): TextMap {
  return { ends, keys, values: values.kind === "dictionary" ? values : NO_KEYS };
}
