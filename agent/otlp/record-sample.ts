/** The attributes of a record as plain values, for the sample of a dead letter. The slow way, on purpose. */
import { type AnyValueReader, VALUE } from "./any-value.ts";
import type { AttributeSlots } from "./attribute-slots.ts";
import { KEY_COUNT, PINNED_TEXTS } from "./vocabulary.ts";

const ENTRIES_MAX = 200;

export function attributesSample(
  value: AnyValueReader,
  slots: AttributeSlots,
): Record<string, unknown> {
  const sample: [string, unknown][] = [];
  for (let key = 1; key < KEY_COUNT; key++) {
    const start = slots.start[key] ?? 0;
    if (start === 0) continue;
    sample.push([PINNED_TEXTS[key - 1] ?? "", plainValue(value, start, slots.end[key] ?? 0)]);
  }
  for (let i = 0; i < Math.min(slots.flatCount, ENTRIES_MAX); i++) {
    const name = slots.flatName[i] ?? 0;
    const key = `${name > 0 ? "ml.feature" : "ml.tag"}.${value.interner.textOf(Math.abs(name))}`;
    sample.push([key, plainValue(value, slots.flatStart[i] ?? 0, slots.flatEnd[i] ?? 0)]);
  }
  return Object.fromEntries(sample);
}

function plainValue(value: AnyValueReader, start: number, end: number): unknown {
  switch (value.open(start, end)) {
    case VALUE.string:
      return value.textHere();
    case VALUE.boolean:
      return value.booleanHere();
    case VALUE.integer:
      return value.integerTextHere();
    case VALUE.double:
      return value.doubleHere();
    case VALUE.map:
      return `a map of ${value.end - value.start} bytes`;
    case VALUE.array:
      return `an array of ${value.end - value.start} bytes`;
    case VALUE.bytes:
      return `${value.end - value.start} bytes`;
    default:
      return null;
  }
}
