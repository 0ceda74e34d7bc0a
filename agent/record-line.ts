/** A record as a JSON line of the event or label door: the sample of a dead letter, which can be put right and sent again. */
import type { PlainLabel, PlainPrediction, PlainValue } from "./plain-record.ts";

type Line = Record<string, unknown>;

export function predictionLine(record: PlainPrediction): Line {
  const features = record.featuresJson === null ? mapOf(record.features) : record.featuresJson;
  return given({
    model: record.model ?? (record.resourceModel || null),
    version: record.version,
    id: record.id,
    time: timeText(record.timeMs),
    features,
    label: record.label,
    score: record.score,
    value: record.value,
    probabilities: mapOf(record.probabilities),
    tags: mapOf(record.tags),
    latency: Number.isNaN(record.latency) ? null : record.latency,
    error: record.error,
  });
}

export function labelLine(record: PlainLabel): Line {
  return given({
    model: record.model ?? (record.resourceModel || null),
    id: record.id,
    label: record.label,
    value: record.value,
    prediction_time: record.predictionTime,
    time: timeText(record.timeMs),
    source: record.source,
    revision: record.revision,
  });
}

/** Without what was not given; whole numbers as JSON can say them. */
function given(line: Line): Line {
  return Object.fromEntries(
    Object.entries(line)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([key, value]) => [key, jsonValue(value)]),
  );
}

function mapOf(entries: readonly (readonly [string, PlainValue])[]): Line | null {
  const known = entries.filter(([, value]) => value !== null && value !== undefined);
  if (known.length === 0) return null;
  return Object.fromEntries(known.map(([key, value]) => [key, jsonValue(value)]));
}

function jsonValue(value: PlainValue): PlainValue {
  if (typeof value !== "bigint") return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

function timeText(timeMs: number): string | null {
  if (timeMs === 0 || !(Math.abs(timeMs) <= 8.64e15)) return null;
  return new Date(timeMs).toISOString();
}
