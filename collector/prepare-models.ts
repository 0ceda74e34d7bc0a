/** Before a frame joins a group: models are read that were never seen, new values of declared tags get their place. */
import type { ModelBook } from "./model-book.ts";
import type { CheckedFrame } from "./payload-check.ts";
import { modelsOf } from "./record-ids.ts";
import { occurringValues, rowSegments } from "./rollup/declared-segments.ts";

export async function prepareModels(frame: CheckedFrame, book: ModelBook): Promise<void> {
  const models = frame.predictions.map(({ columns }) => modelsOf([columns]));
  const labelled = modelsOf(frame.labels.map(({ ids }) => ids));
  await book.ensureAll([...new Set([...models.flat(), ...labelled])]);
  for (const [i, { columns }] of frame.predictions.entries()) {
    for (const model of models[i] ?? []) {
      const declared = book.settingsOf(model).segments;
      for (const segments of rowSegments(columns.tags, columns.rows, declared)) {
        const values = occurringValues(columns.tags, segments);
        const unknown = values.filter((value) => !book.isKnown(model, segments.tag, value));
        if (unknown.length > 0) await book.admit(model, segments.tag, unknown);
      }
    }
  }
}
