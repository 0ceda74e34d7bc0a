/** Before a frame joins a group: models are read that were never seen, new values of declared tags get their place. */
import type { ModelBook } from "./model-book.ts";
import type { CheckedFrame } from "./payload-check.ts";
import { occurringValues, rowSegments } from "./rollup/declared-segments.ts";

export async function prepareModels(frame: CheckedFrame, book: ModelBook): Promise<void> {
  for (const { columns } of frame.predictions) {
    for (const [index, model] of columns.model.keys.entries()) {
      if (!columns.model.indexes.includes(index)) continue;
      await book.ensure(model);
      const declared = book.settingsOf(model).segments;
      for (const segments of rowSegments(columns.tags, columns.rows, declared)) {
        const values = occurringValues(columns.tags, segments);
        const unknown = values.filter((value) => !book.isKnown(model, segments.tag, value));
        if (unknown.length > 0) await book.admit(model, segments.tag, unknown);
      }
    }
  }
  for (const { keys } of frame.labels) {
    for (const model of new Set(keys.map((key) => key.model))) await book.ensure(model);
  }
}
