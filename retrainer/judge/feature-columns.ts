/** Features of many rows as columns: typed arrays and dictionaries, which cross to a worker cheaply. */
import { type Block, columnOf } from "../../contract/native-block.ts";
import type { RowColumns } from "../../store/queries/training-rows.ts";

export type FeatureColumn =
  | { readonly kind: "numeric"; readonly values: Float64Array }
  | { readonly kind: "categorical"; readonly keys: readonly string[]; readonly codes: Uint32Array };

/** Labelled rows of a span; all columns have `rows` entries. */
export interface LabelledRows {
  readonly rows: number;
  readonly timeMs: Float64Array;
  /** 1 for the positive label, else 0; or the true value. */
  readonly target: Float64Array;
  readonly features: ReadonlyMap<string, FeatureColumn>;
}

/** Joins the blocks of `labelledColumns`, whose features are `c0`, `c1` … in the order of `columns`. */
export function labelledRows(blocks: readonly Block[], columns: RowColumns): LabelledRows {
  const filled = blocks.filter((block) => block.rows > 0);
  const rows = filled.reduce((sum, block) => sum + block.rows, 0);
  const numbers = (name: string): Float64Array => {
    const joined = new Float64Array(rows);
    let at = 0;
    for (const block of filled) {
      joined.set(columnOf(block, name, "float64").values, at);
      at += block.rows;
    }
    return joined;
  };
  const features = columns.features.map(({ name, kind }, i): [string, FeatureColumn] => [
    name,
    kind === "numeric"
      ? { kind, values: numbers(`c${i}`) }
      : { kind, ...joinDictionaries(filled, `c${i}`, rows) },
  ]);
  return {
    rows,
    timeMs: numbers("time_ms"),
    target: numbers("target"),
    features: new Map(features),
  };
}

function joinDictionaries(
  blocks: readonly Block[],
  name: string,
  rows: number,
): { keys: readonly string[]; codes: Uint32Array } {
  const codeOf = new Map<string, number>();
  const codes = new Uint32Array(rows);
  let at = 0;
  for (const block of blocks) {
    const column = columnOf(block, name, "dictionary");
    const recode = column.keys.map((key) => {
      const code = codeOf.get(key) ?? codeOf.size;
      codeOf.set(key, code);
      return code;
    });
    for (let row = 0; row < block.rows; row++) codes[at + row] = recode[column.indexes[row]!]!;
    at += block.rows;
  }
  return { keys: [...codeOf.keys()], codes };
}
