/**
 * Records that come as JSON, in one shape for all doors: OTLP as JSON, event lines, label lines. Objects are
 * made here; the fast way is `otlp/`. Both must put the same columns into the frame for the same record.
 */
import { LIMITS } from "../contract/limits.ts";
import { timeOf } from "./event-time.ts";
import { cutText } from "./otlp/any-value.ts";
import { ERROR_OTHER } from "./otlp/vocabulary.ts";
import { labelLine, predictionLine } from "./record-line.ts";
import type { DeadReason } from "./dead-reason.ts";
import type { Recorder, Sample } from "./recorder.ts";

/** A value as OTLP knows it; whole numbers may be bigint. Anything else is not stored. */
export type PlainValue = unknown;

export interface PlainPrediction {
  readonly model: PlainValue;
  /** Where the record names none. */
  readonly resourceModel?: string | null;
  readonly version: PlainValue;
  readonly id: PlainValue;
  /** Milliseconds; 0 for none, NaN for what is no time. */
  readonly timeMs: number;
  readonly label: PlainValue;
  readonly score: PlainValue;
  readonly value: PlainValue;
  readonly latency: PlainValue;
  readonly error: PlainValue;
  /** A span whose status is ERROR; counts where no error is named. */
  readonly failed?: boolean;
  /** Predictions that it stands for, at least 1, where somebody sampled before us. */
  readonly weight?: PlainValue;
  readonly features: readonly (readonly [string, PlainValue])[];
  /** `ml.features` as the text of a JSON object. */
  readonly featuresJson: string | null;
  readonly tags: readonly (readonly [string, PlainValue])[];
  readonly probabilities: readonly (readonly [string, PlainValue])[];
}

export interface PlainLabel {
  readonly model: PlainValue;
  readonly resourceModel?: string | null;
  readonly id: PlainValue;
  readonly timeMs: number;
  readonly label: PlainValue;
  readonly value: PlainValue;
  readonly source: PlainValue;
  readonly revision: PlainValue;
  readonly predictionTime: PlainValue;
}

/** `sample` is what a dead letter shows; by default the record as a line. */
export function takePlainPrediction(
  recorder: Recorder,
  record: PlainPrediction,
  sample: Sample = () => predictionLine(record),
): void {
  const { row } = recorder;
  row.clear();
  row.model = textId(recorder, record.model) || textId(recorder, record.resourceModel);
  row.version = textId(recorder, record.version);
  setId(recorder, record.id);
  row.timeMs = record.timeMs;
  row.label = textId(recorder, record.label);
  row.score = numberOf(record.score);
  row.value = numberOf(record.value);
  row.latency = numberOf(record.latency);
  row.error = textId(recorder, record.error) || (record.failed === true ? ERROR_OTHER : 0);
  row.weight = weightOf(recorder, record.weight);
  if (!recorder.openPrediction(sample)) return;
  if (record.featuresJson !== null) recorder.addJsonFeatures(record.featuresJson);
  for (const [name, value] of record.features) addPlainFeature(recorder, name, value);
  for (const [name, value] of record.tags) addPlainTag(recorder, name, value);
  for (const [name, value] of record.probabilities) {
    const probability = numberOf(value);
    if (Number.isNaN(probability) || !isName(name)) recorder.outcome.valuesSkipped++;
    else recorder.addProbability(nameId(recorder, name), probability);
  }
  recorder.closePrediction();
}

/** What somebody says who sampled before us; what cannot be a weight is counted, and is 1. */
export function weightOf(recorder: Recorder, given: PlainValue): number {
  if (!isGiven(given)) return 1;
  const weight = numberOf(given);
  if (weight >= 1 && weight < Number.POSITIVE_INFINITY) return weight;
  recorder.outcome.valuesSkipped++;
  return 1;
}

/**
 * Sets a prediction aside for a reason that the recorder cannot know. Where it has no model nobody can tell what of it
 * must be hidden: then its sample has the names of its features alone.
 */
export function setAside(recorder: Recorder, record: PlainPrediction, reason: DeadReason): void {
  const { row } = recorder;
  row.clear();
  row.model = textId(recorder, record.model);
  setId(recorder, record.id);
  row.timeMs = record.timeMs;
  const names = record.features.map(([name]) => name);
  const sample = (): unknown => (row.model === 0 ? { features: names } : predictionLine(record));
  recorder.deadLetter("predictions", reason, sample);
}

export function takePlainLabel(
  recorder: Recorder,
  record: PlainLabel,
  sample: Sample = () => labelLine(record),
): void {
  const { row } = recorder;
  row.clear();
  row.model = textId(recorder, record.model) || textId(recorder, record.resourceModel);
  setId(recorder, record.id);
  row.timeMs = record.timeMs;
  row.label = textId(recorder, record.label);
  row.value = numberOf(record.value);
  row.source = textId(recorder, record.source);
  if (isGiven(record.revision)) row.revision = numberOf(record.revision);
  if (isGiven(record.predictionTime)) {
    row.predictionTimeMs = timeOf(
      typeof record.predictionTime === "bigint"
        ? String(record.predictionTime)
        : record.predictionTime,
    );
    if (Number.isNaN(row.predictionTimeMs)) {
      recorder.deadLetter("labels", "time_invalid", sample);
      return;
    }
  }
  recorder.addLabel(sample);
}

export function addPlainFeature(recorder: Recorder, name: string, value: PlainValue): void {
  if (!isGiven(value)) return;
  if (!isName(name)) {
    recorder.outcome.valuesSkipped++;
    return;
  }
  const id = nameId(recorder, name);
  if (typeof value === "number") recorder.addNumber(id, value);
  else if (typeof value === "bigint") recorder.addInteger(id, String(value));
  else if (typeof value === "boolean") recorder.addBoolean(id, value);
  else if (typeof value === "string") recorder.addText(id, textId(recorder, value));
  else recorder.outcome.valuesSkipped++;
}

function addPlainTag(recorder: Recorder, name: string, value: PlainValue): void {
  if (!isGiven(value)) return;
  if (typeof value === "object" || !isName(name)) recorder.outcome.valuesSkipped++;
  else recorder.addTag(nameId(recorder, name), textId(recorder, value));
}

function isGiven(value: PlainValue): boolean {
  return value !== null && value !== undefined;
}

function isName(name: string): boolean {
  return name !== "" && Buffer.byteLength(name) <= LIMITS.featureNameBytesMax;
}

function nameId(recorder: Recorder, name: string): number {
  return recorder.frame.interner.idOfText(name.toWellFormed());
}

function setId(recorder: Recorder, id: PlainValue): void {
  const { row } = recorder;
  if (typeof id === "string") row.setId(id);
  else if (typeof id === "bigint") row.setId(String(id));
  else if (isGiven(id)) row.idInvalid = true;
}

/** The interned text of a text, number or truth value; 0 for anything else. */
function textId(recorder: Recorder, value: PlainValue): number {
  const { interner } = recorder.frame;
  switch (typeof value) {
    case "string": {
      const text = value.toWellFormed();
      const kept = cutText(text);
      if (kept !== text) recorder.outcome.valuesCut++;
      return interner.idOfText(kept);
    }
    case "number":
      return interner.idOfNumber(value);
    case "bigint":
    case "boolean":
      return interner.idOfText(String(value));
    default:
      return 0;
  }
}

/** A number, or text that is one; NaN for anything else. */
export function numberOf(value: PlainValue): number {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "string" || value.trim() === "") return Number.NaN;
  return Number(value);
}
