/** Models and ids of the records of a block, as they stand in it: no object and no text for each. */
import { type DictionaryColumn, type StringColumn, textAt } from "../contract/native-block.ts";

export interface RecordIds {
  readonly rows: number;
  readonly model: DictionaryColumn;
  readonly id: StringColumn;
}

/** Models that have records in the blocks. */
export function modelsOf(blocks: readonly Pick<RecordIds, "model">[]): string[] {
  const names = blocks.flatMap(({ model: { keys, indexes } }) => {
    const occurs = new Uint8Array(keys.length);
    for (let row = 0; row < indexes.length; row++) occurs[indexes[row]!] = 1;
    return keys.filter((_, index) => occurs[index] === 1);
  });
  return [...new Set(names)];
}

/** Ids by model, as texts: for the rare case that they are looked at. */
export function idsByModel(blocks: readonly RecordIds[]): ReadonlyMap<string, ReadonlySet<string>> {
  const byModel = new Map<string, Set<string>>();
  for (const { rows, model, id } of blocks) {
    for (let row = 0; row < rows; row++) {
      const name = textAt(model, row);
      const ids = byModel.get(name);
      if (ids === undefined) byModel.set(name, new Set([textAt(id, row)]));
      else ids.add(textAt(id, row));
    }
  }
  return byModel;
}
