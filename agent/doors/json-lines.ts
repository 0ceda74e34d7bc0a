/**
 * The doors `/v1/events` and `/v1/labels`: one JSON object a line, or one JSON array. A line that is wrong is
 * set aside with its reason; the others count.
 */
import { timeOf } from "../event-time.ts";
import { jsonOrNothing } from "../json-text.ts";
import { malformedBody } from "../otlp/wire.ts";
import { takePlainLabel, takePlainPrediction } from "../plain-record.ts";
import type { Recorder } from "../recorder.ts";

type Line = Readonly<Record<string, unknown>>;

/** @throws {DriftmendError} request_malformed: begins like an array and is none */
export function readEventLines(text: string, recorder: Recorder): void {
  eachLine(text, "predictions", recorder, (line) => {
    takePlainPrediction(
      recorder,
      {
        model: line["model"],
        version: line["version"],
        id: idOf(line["id"]),
        timeMs: line["time"] === undefined ? 0 : timeOf(line["time"]),
        label: line["label"],
        score: line["score"],
        value: line["value"],
        latency: line["latency"],
        error: line["error"],
        weight: line["weight"],
        features: entriesOf(line["features"], recorder),
        featuresJson: null,
        tags: entriesOf(line["tags"], recorder),
        probabilities: entriesOf(line["probabilities"], recorder),
      },
      () => line,
    );
  });
}

/** @throws {DriftmendError} request_malformed: begins like an array and is none */
export function readLabelLines(text: string, recorder: Recorder): void {
  eachLine(text, "labels", recorder, (line) => takeLabel(line, recorder));
}

/** One line alone, which cannot be an array. */
export function readLabelLine(text: string, recorder: Recorder): void {
  takeLine(text, "labels", recorder, (line) => takeLabel(line, recorder));
}

function takeLabel(line: Line, recorder: Recorder): void {
  takePlainLabel(
    recorder,
    {
      model: line["model"],
      id: idOf(line["id"]),
      timeMs: line["time"] === undefined ? 0 : timeOf(line["time"]),
      label: line["label"],
      value: line["value"],
      source: line["source"],
      revision: line["revision"],
      predictionTime: line["prediction_time"],
    },
    () => line,
  );
}

type Records = "predictions" | "labels";
type TakeLine = (line: Line) => void;

function eachLine(text: string, records: Records, recorder: Recorder, take: TakeLine): void {
  if (/^\s*\[/.test(text)) {
    const values = jsonOrNothing(text);
    if (!Array.isArray(values)) throw malformedBody("it begins like a JSON array and is none");
    for (const value of values) takeValue(value, value, records, recorder, take);
    return;
  }
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf("\n", from);
    const end = newline === -1 ? text.length : newline;
    if (end > from) takeLine(text.slice(from, end), records, recorder, take);
    from = end + 1;
  }
}

function takeLine(text: string, records: Records, recorder: Recorder, take: TakeLine): void {
  if (text.trim() !== "") takeValue(jsonOrNothing(text), text, records, recorder, take);
}

function takeValue(
  value: unknown,
  sample: unknown,
  records: Records,
  recorder: Recorder,
  take: TakeLine,
): void {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    take(value as Line);
    return;
  }
  recorder.row.clear();
  recorder.deadLetter(records, "record_invalid", () => sample);
}

/** Whole numbers are ids too; JSON has no others that could be told apart. */
function idOf(id: unknown): unknown {
  return typeof id === "number" && Number.isSafeInteger(id) ? BigInt(id) : id;
}

function entriesOf(value: unknown, recorder: Recorder): (readonly [string, unknown])[] {
  if (value === undefined || value === null) return [];
  if (typeof value === "object" && !Array.isArray(value)) return Object.entries(value);
  recorder.outcome.valuesSkipped++;
  return [];
}
