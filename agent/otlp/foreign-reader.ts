/**
 * A record that speaks another vocabulary than ours: looked at for the names that mappings ask for, and only where
 * one is there read as plain values and mapped. The slow way, for traffic that is not the hot path.
 */
import { type MappedColumns, mapColumns } from "../mapping/map-columns.ts";
import { mapRecord } from "../mapping/map-record.ts";
import type { MappingBook } from "../mapping/mapping-book.ts";
import type { AnyPlain, ForeignRecord } from "../mapping/record.ts";
import { setAside, takePlainLabel, takePlainPrediction } from "../plain-record.ts";
import type { Recorder } from "../recorder.ts";
import { AnyValueReader, KeyValueReader, VALUE } from "./any-value.ts";
import type { RecordFacts } from "./record-reader.ts";
import type { Signal } from "./request-reader.ts";
import { malformedBody, type Wire } from "./wire.ts";

/** Tags of the fields that are read, by signal. */
const FIELD = {
  logs: { attribute: 0x32, name: 0x62, body: 0x2a, traceId: 0x4a, spanId: 0x52, time: 0x09 },
  traces: { attribute: 0x4a, name: 0x2a, body: 0, traceId: 0x0a, spanId: 0x12, time: 0x39 },
} as const;
/** Lists and maps within each other; the JSON door has the same. */
export const ANY_DEPTH_MAX = 16;

export class ForeignReader {
  /** Attributes of the resource that is being read. */
  resource: ReadonlyMap<string, string> = new Map();
  private readonly wire: Wire;
  private readonly recorder: Recorder;
  private readonly mappings: MappingBook;
  private readonly value: AnyValueReader;
  private readonly pair: KeyValueReader;

  constructor(wire: Wire, recorder: Recorder, mappings: MappingBook) {
    this.wire = wire;
    this.recorder = recorder;
    this.mappings = mappings;
    this.value = new AnyValueReader(wire, recorder.frame.interner);
    this.pair = new KeyValueReader(wire);
  }

  /** Takes the record that stands from `start` to `end` in, or counts it as unknown. */
  take(signal: Signal, facts: RecordFacts, start: number, end: number): void {
    if (!this.isAskedFor(signal, start, end)) {
      this.recorder.outcome.unknown++;
      return;
    }
    takeForeign(this.read(signal, facts, start, end), this.mappings, this.recorder);
  }

  private isAskedFor(signal: Signal, start: number, end: number): boolean {
    const { wire, pair, mappings } = this;
    const field = FIELD[signal];
    // In any order: the name may stand last.
    let asked = false;
    wire.at = start;
    while (wire.at < end && !asked) {
      const tag = wire.tag();
      if (tag === field.name) {
        const nameEnd = wire.delimited(end);
        asked = mappings.asksForName(wire.bytes.toString("utf8", wire.at, nameEnd));
        wire.at = nameEnd;
      } else if (tag === field.attribute) {
        const attributeEnd = wire.delimited(end);
        pair.open(attributeEnd);
        const key = wire.bytes.toString("latin1", pair.keyStart, pair.keyEnd);
        asked = mappings.asksForAttribute(key) || key === "event.name";
        wire.at = attributeEnd;
      } else if (tag === field.body && tag !== 0) {
        const bodyEnd = wire.delimited(end);
        asked = this.hasKeyAskedFor(wire.at, bodyEnd);
        wire.at = bodyEnd;
      } else {
        wire.skip(tag, end);
      }
    }
    return asked;
  }

  /** Of a body that is a map. */
  private hasKeyAskedFor(start: number, end: number): boolean {
    const { wire, value, pair, mappings } = this;
    if (value.open(start, end) !== VALUE.map) return false;
    let asked = false;
    this.each(value.start, value.end, (entryEnd) => {
      pair.open(entryEnd);
      const key = wire.bytes.toString("latin1", pair.keyStart, pair.keyEnd);
      asked ||= mappings.asksForBodyKey(key);
    });
    return asked;
  }

  private read(signal: Signal, facts: RecordFacts, start: number, end: number): ForeignRecord {
    const { wire } = this;
    const field = FIELD[signal];
    const attributes = new Map<string, AnyPlain>();
    let [name, traceId, spanId, timeNanos] = ["", "", "", ""];
    let body: AnyPlain = null;
    wire.at = start;
    while (wire.at < end) {
      const tag = wire.tag();
      if (tag !== field.attribute && tag !== field.name && !isIdOrBody(tag, field)) {
        if (tag === field.time) timeNanos = wire.fixed64Text();
        else wire.skip(tag, end);
        continue;
      }
      const fieldEnd = wire.delimited(end);
      const from = wire.at;
      if (tag === field.attribute) this.addPair(attributes, fieldEnd, 0);
      else if (tag === field.name) name = wire.bytes.toString("utf8", from, fieldEnd);
      else if (tag === field.traceId) traceId = wire.bytes.toString("hex", from, fieldEnd);
      else if (tag === field.spanId) spanId = wire.bytes.toString("hex", from, fieldEnd);
      else body = this.plain(from, fieldEnd, 0);
      wire.at = fieldEnd;
    }
    const eventName = attributes.get("event.name");
    return {
      ...{ signal, attributes, body, traceId, spanId, resource: this.resource },
      name: name === "" && typeof eventName === "string" ? eventName : name,
      timeMs: facts.timeMs,
      timeNanos: timeNanos === "0" ? "" : timeNanos,
      durationSeconds: facts.durationSeconds,
      failed: facts.failed,
      droppedAttributes: facts.droppedAttributes,
      weight: facts.weight,
    };
  }

  private addPair(into: Map<string, AnyPlain>, end: number, depth: number): void {
    const { wire, pair } = this;
    pair.open(end);
    const key = wire.bytes.toString("utf8", pair.keyStart, pair.keyEnd);
    into.set(key, this.plain(pair.valueStart, pair.valueEnd, depth));
  }

  private plain(start: number, end: number, depth: number): AnyPlain {
    const { value } = this;
    if (depth > ANY_DEPTH_MAX) throw malformedBody("its values are nested too deeply");
    if (start === end) return null;
    const kind = value.open(start, end);
    if (kind === VALUE.array) return this.items(value.start, value.end, depth);
    if (kind !== VALUE.map) return value.plainHere(kind);
    const map = new Map<string, AnyPlain>();
    this.each(value.start, value.end, (itemEnd) => this.addPair(map, itemEnd, depth + 1));
    return map;
  }

  private items(start: number, end: number, depth: number): AnyPlain {
    const items: AnyPlain[] = [];
    this.each(start, end, (itemEnd) => {
      items.push(this.plain(this.wire.at, itemEnd, depth + 1));
    });
    return items;
  }

  /** ArrayValue and KeyValueList: their entries are field 1. */
  private each(start: number, end: number, entry: (entryEnd: number) => void): void {
    const { wire } = this;
    wire.at = start;
    while (wire.at < end) {
      const tag = wire.tag();
      if (tag !== 0x0a) {
        wire.skip(tag, end);
        continue;
      }
      const entryEnd = wire.delimited(end);
      entry(entryEnd);
      wire.at = entryEnd;
    }
  }
}

function isIdOrBody(tag: number, field: (typeof FIELD)[Signal]): boolean {
  return tag === field.traceId || tag === field.spanId || (tag === field.body && tag !== 0);
}

/** Takes a record in under the first mapping that fits it, or counts it as unknown. */
export function takeForeign(
  record: ForeignRecord,
  mappings: MappingBook,
  recorder: Recorder,
): void {
  const mapping = mappings.ofRecord(record);
  if (mapping === null) {
    recorder.outcome.unknown++;
    return;
  }
  if (record.droppedAttributes > 0) {
    recorder.outcome.droppedRecords++;
    recorder.outcome.droppedAttributes += record.droppedAttributes;
  }
  if (mapping.columns !== undefined) {
    const { columns } = mapping;
    takeColumns(mapColumns(record, { ...mapping, columns }, mappings.memory), recorder);
    return;
  }
  const mapped = mapRecord(record, mapping);
  if (mapped.kind === "label") takePlainLabel(recorder, mapped.record);
  else takePlainPrediction(recorder, mapped.record);
}

function takeColumns(mapped: MappedColumns, recorder: Recorder): void {
  if (mapped.kind === "schema_unknown") {
    setAside(recorder, mapped.prediction, "schema_unknown");
    return;
  }
  recorder.outcome.valuesSkipped += mapped.skipped;
  if (mapped.prediction === null && mapped.label === null) recorder.outcome.unknown++;
  if (mapped.prediction !== null) takePlainPrediction(recorder, mapped.prediction);
  if (mapped.label !== null) takePlainLabel(recorder, mapped.label);
}
