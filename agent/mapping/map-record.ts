/** What a record of OTLP in another vocabulary becomes under its mapping. Pure. */
import type { RecordMapping } from "../../contract/mapping.ts";
import type { PlainLabel, PlainPrediction, PlainValue } from "../plain-record.ts";
import { describeText } from "./describe-text.ts";
import { type AnyPlain, type ForeignRecord, valueAt } from "./record.ts";

export type MappedRecord =
  | { readonly kind: "prediction"; readonly record: PlainPrediction }
  | { readonly kind: "label"; readonly record: PlainLabel };

export function mapRecord(record: ForeignRecord, mapping: RecordMapping): MappedRecord {
  const at = placesOf(record);
  const identity = { model: at(mapping.model), id: at(mapping.id), timeMs: record.timeMs };
  if (mapping.record === "label") {
    return {
      kind: "label",
      record: {
        ...identity,
        label: at(mapping.label),
        value: at(mapping.value),
        source: at(mapping.source),
        revision: undefined,
        predictionTime: undefined,
      },
    };
  }
  const named = (entries: Readonly<Record<string, readonly string[]>>) =>
    Object.entries(entries).map(([name, places]) => [name, at(places)] as const);
  const described = Object.entries(mapping.describe).flatMap(([name, places]) =>
    describeText(name, valueAt(record, places)),
  );
  return {
    kind: "prediction",
    record: {
      ...identity,
      version: at(mapping.version),
      label: at(mapping.label),
      score: at(mapping.score),
      value: at(mapping.value),
      latency: at(mapping.latency) ?? record.durationSeconds,
      error: at(mapping.error),
      failed: record.failed,
      weight: record.weight,
      features: [...named(mapping.features), ...described],
      featuresJson: null,
      tags: named(mapping.tags),
      probabilities: [],
    },
  };
}

/** The plain value of the first place that has one. */
export function placesOf(
  record: ForeignRecord,
): (places: readonly string[] | undefined) => PlainValue {
  return (places) => scalarOf(valueAt(record, places));
}

/** A list of one kind of thing, as finish reasons are, counts by its first. */
function scalarOf(value: AnyPlain): PlainValue {
  return Array.isArray(value) ? scalarOf(value[0]) : value;
}

export function fits(record: ForeignRecord, { when }: RecordMapping): boolean {
  if (when.name !== undefined && !when.name.includes(record.name)) return false;
  const { body } = record;
  if (when.body?.every((key) => body instanceof Map && body.has(key)) === false) return false;
  if (when.attribute === undefined) return true;
  const value = record.attributes.get(when.attribute);
  if (value === undefined || value === null) return false;
  return when.values === undefined || when.values.includes(String(value));
}
