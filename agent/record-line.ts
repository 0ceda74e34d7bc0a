/** A record as a JSON line of the event or label door: the sample of a dead letter, which can be put right and sent again. */
import type { PlainLabel, PlainPrediction, PlainValue } from "./plain-record.ts";

type Line = Record<string, unknown>;

export function predictionLine(record: PlainPrediction): Line {
  const features = record.featuresJson === null ? mapOf(record.features) : record.featuresJson;
  return given({
    model: scalar(record.model) ?? (record.resourceModel || null),
    version: scalar(record.version),
    id: scalar(record.id),
    time: timeText(record.timeMs),
    features,
    label: scalar(record.label),
    score: scalar(record.score),
    value: scalar(record.value),
    probabilities: mapOf(record.probabilities),
    tags: mapOf(record.tags),
    latency: scalar(record.latency),
    error: scalar(record.error),
    weight: record.weight === 1 ? null : scalar(record.weight),
  });
}

export function labelLine(record: PlainLabel): Line {
  return given({
    model: scalar(record.model) ?? (record.resourceModel || null),
    id: scalar(record.id),
    label: scalar(record.label),
    value: scalar(record.value),
    prediction_time: scalar(record.predictionTime),
    time: timeText(record.timeMs),
    source: scalar(record.source),
    revision: scalar(record.revision),
  });
}

/** Without what was not given, and without what a line cannot carry there. */
function given(line: Line): Line {
  return Object.fromEntries(
    Object.entries(line).filter(([, value]) => value !== null && value !== undefined),
  );
}

function mapOf(entries: readonly (readonly [string, PlainValue])[]): Line | null {
  const known = given(Object.fromEntries(entries.map(([key, value]) => [key, scalar(value)])));
  return Object.keys(known).length === 0 ? null : known;
}

/** Texts, numbers and truth values; whole numbers as JSON can say them. */
function scalar(value: PlainValue): PlainValue {
  if (typeof value === "object") return null;
  if (typeof value !== "bigint") return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

function timeText(timeMs: number): string | null {
  if (timeMs === 0 || !(Math.abs(timeMs) <= 8.64e15)) return null;
  return new Date(timeMs).toISOString();
}
