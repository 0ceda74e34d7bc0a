/**
 * ExportLogsServiceRequest and ExportTraceServiceRequest from their bytes straight into the frame's columns:
 * one pass, no object per record. Field numbers are those of opentelemetry-proto.
 */
import type { FeatureRules } from "../columns/feature-rules.ts";
import { remembering } from "../mapping/map-columns.ts";
import type { MappingBook } from "../mapping/mapping-book.ts";
import type { Recorder } from "../recorder.ts";
import { AnyValueReader, KeyValueReader, VALUE } from "./any-value.ts";
import { traceStateWeight } from "../sampling/record-weight.ts";
import { ForeignReader } from "./foreign-reader.ts";
import { type RecordFacts, RecordReader } from "./record-reader.ts";
import { EVENT } from "./vocabulary.ts";
import { Wire } from "./wire.ts";

export type Signal = "logs" | "traces";

/** Lengths of "ml.prediction" and "ml.ground_truth": other names need not be looked up. */
const EVENT_NAME_BYTES: ReadonlySet<number> = new Set([13, 15]);
const TWO_32 = 2 ** 32;
const STATUS_ERROR = 2;

export class RequestReader {
  private readonly wire = new Wire();
  private readonly recorder: Recorder;
  private readonly rules: FeatureRules;
  private readonly mappings: MappingBook;
  private readonly records: RecordReader;
  private readonly foreign: ForeignReader;
  private readonly value: AnyValueReader;
  private readonly pair = new KeyValueReader(this.wire);
  private readonly eventHint = new Int32Array(1);
  private readonly facts: RecordFacts = {
    eventName: 0,
    timeMs: 0,
    durationSeconds: Number.NaN,
    isSpan: false,
    failed: false,
    droppedAttributes: 0,
    weight: 1,
  };

  constructor(recorder: Recorder, rules: FeatureRules, mappings: MappingBook) {
    this.recorder = recorder;
    this.rules = rules;
    this.mappings = mappings;
    this.foreign = new ForeignReader(this.wire, recorder, mappings);
    this.records = new RecordReader(this.wire, recorder);
    this.value = new AnyValueReader(this.wire, recorder.frame.interner);
  }

  /** Takes all records of the request in. @throws {DriftmendError} request_malformed */
  read(signal: Signal, body: Buffer): void {
    const { wire } = this;
    wire.open(body);
    try {
      remembering(this.mappings.memory, () => this.readResources(signal, body.length));
    } finally {
      wire.close();
    }
  }

  private readResources(signal: Signal, end: number): void {
    const { wire } = this;
    while (wire.at < end) {
      const tag = wire.tag();
      if (tag === 0x0a) this.readResource(signal, wire.delimited(end));
      else wire.skip(tag, end);
    }
    wire.mustBeAt(end);
  }

  /** ResourceLogs and ResourceSpans look alike: resource = 1, scopes = 2. */
  private readResource(signal: Signal, end: number): void {
    const { wire } = this;
    const start = wire.at;
    const resourceModel = this.resourceModel(end);
    wire.at = start;
    while (wire.at < end) {
      const tag = wire.tag();
      if (tag === 0x12) this.readScope(signal, wire.delimited(end), resourceModel);
      else wire.skip(tag, end);
    }
    wire.mustBeAt(end);
  }

  /** The model that onboarding documents give to this resource; 0 for none. */
  private resourceModel(end: number): number {
    const { wire } = this;
    const attributes = new Map<string, string>();
    while (wire.at < end) {
      const tag = wire.tag();
      if (tag === 0x0a) this.readResourceAttributes(wire.delimited(end), attributes);
      else wire.skip(tag, end);
    }
    this.foreign.resource = attributes;
    const model = this.rules.modelOfResource(attributes);
    return model === null ? 0 : this.recorder.frame.interner.idOfText(model);
  }

  private readResourceAttributes(end: number, attributes: Map<string, string>): void {
    const { wire, pair, value } = this;
    while (wire.at < end) {
      const tag = wire.tag();
      if (tag !== 0x0a) {
        wire.skip(tag, end);
        continue;
      }
      const pairEnd = wire.delimited(end);
      pair.open(pairEnd);
      const key = wire.bytes.toString("utf8", pair.keyStart, pair.keyEnd);
      if (value.open(pair.valueStart, pair.valueEnd) === VALUE.string) {
        attributes.set(key, value.textHere());
      }
      wire.at = pairEnd;
    }
    wire.mustBeAt(end);
  }

  /** ScopeLogs and ScopeSpans: records = 2. */
  private readScope(signal: Signal, end: number, resourceModel: number): void {
    const { wire } = this;
    while (wire.at < end) {
      const tag = wire.tag();
      if (tag !== 0x12) {
        wire.skip(tag, end);
        continue;
      }
      const recordEnd = wire.delimited(end);
      const recordStart = wire.at;
      this.records.slots.clear();
      if (signal === "logs") this.readLogRecord(recordEnd);
      else this.readSpan(recordEnd);
      if (!this.records.take(this.facts, resourceModel)) {
        this.foreign.take(signal, this.facts, recordStart, recordEnd);
      }
      wire.at = recordEnd;
    }
    wire.mustBeAt(end);
  }

  private readLogRecord(end: number): void {
    const { wire, facts } = this;
    const { slots } = this.records;
    const { outcome } = this.recorder;
    let timeMs = 0;
    let observedMs = 0;
    this.clearFacts(false);
    while (wire.at < end) {
      const tag = wire.tag();
      switch (tag) {
        case 0x32: {
          const attributeEnd = wire.delimited(end);
          slots.add(attributeEnd, outcome);
          break;
        }
        case 0x09:
          wire.readNanos();
          timeMs = wire.ms[0]!;
          break;
        case 0x59:
          wire.readNanos();
          observedMs = wire.ms[0]!;
          break;
        case 0x62:
          facts.eventName = this.eventName(wire.delimited(end));
          break;
        case 0x38:
          facts.droppedAttributes = wire.varint();
          break;
        default:
          wire.skip(tag, end);
      }
    }
    wire.mustBeAt(end);
    facts.timeMs = timeMs === 0 ? observedMs : timeMs;
  }

  private readSpan(end: number): void {
    const { wire, facts } = this;
    const { slots } = this.records;
    const { outcome } = this.recorder;
    let [startLow, startHigh, endLow, endHigh] = [0, 0, 0, 0];
    let statusCode = 0;
    this.clearFacts(true);
    while (wire.at < end) {
      const tag = wire.tag();
      switch (tag) {
        case 0x4a: {
          const attributeEnd = wire.delimited(end);
          slots.add(attributeEnd, outcome);
          break;
        }
        case 0x39:
          wire.readNanos();
          facts.timeMs = wire.ms[0]!;
          startLow = wire.nanosLow;
          startHigh = wire.nanosHigh;
          break;
        case 0x41:
          wire.readNanos();
          endLow = wire.nanosLow;
          endHigh = wire.nanosHigh;
          break;
        case 0x2a:
          facts.eventName = this.eventName(wire.delimited(end));
          break;
        case 0x1a: {
          const stateEnd = wire.delimited(end);
          facts.weight = traceStateWeight(wire.bytes, wire.at, stateEnd);
          wire.at = stateEnd;
          break;
        }
        case 0x50:
          facts.droppedAttributes = wire.varint();
          break;
        case 0x7a:
          // One that comes in parts is one: what a later part does not say stays.
          statusCode = this.statusCode(wire.delimited(end), statusCode);
          break;
        default:
          wire.skip(tag, end);
      }
    }
    wire.mustBeAt(end);
    facts.failed = statusCode === STATUS_ERROR;
    const nanos = (endHigh - startHigh) * TWO_32 + (endLow - startLow);
    if ((startLow !== 0 || startHigh !== 0) && nanos >= 0) facts.durationSeconds = nanos / 1e9;
  }

  private clearFacts(isSpan: boolean): void {
    const { facts } = this;
    facts.eventName = 0;
    facts.timeMs = 0;
    facts.durationSeconds = Number.NaN;
    facts.isSpan = isSpan;
    facts.failed = false;
    facts.droppedAttributes = 0;
    facts.weight = 1;
  }

  /** The number of one of our two event names; 0 for any other. */
  private eventName(end: number): number {
    const { wire } = this;
    const start = wire.at;
    wire.at = end;
    if (!EVENT_NAME_BYTES.has(end - start)) return 0;
    const { interner } = this.recorder.frame;
    const entry = interner.entryOf(wire, start, end - start, this.eventHint[0]!);
    const name = interner.idOfEntry(entry);
    if (name !== EVENT.prediction && name !== EVENT.groundTruth) return 0;
    this.eventHint[0] = entry;
    return name;
  }

  private statusCode(end: number, before: number): number {
    const { wire } = this;
    let code = before;
    while (wire.at < end) {
      const tag = wire.tag();
      if (tag === 0x18) code = wire.varint();
      else wire.skip(tag, end);
    }
    wire.mustBeAt(end);
    return code;
  }
}
