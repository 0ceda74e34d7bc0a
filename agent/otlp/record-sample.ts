/** A record of protobuf in plain values again, for the sample of a dead letter. The slow way, on purpose. */
import { LIMITS } from "../../contract/limits.ts";
import type { PlainLabel, PlainPrediction, PlainValue } from "../plain-record.ts";
import { labelLine, predictionLine } from "../record-line.ts";
import { type AnyValueReader, KeyValueReader, VALUE } from "./any-value.ts";
import type { AttributeSlots } from "./attribute-slots.ts";
import { KEY } from "./vocabulary.ts";

type Entry = readonly [string, PlainValue];

/** More is cut off anyway. */
const ENTRIES_MAX = LIMITS.deadLetterSampleBytesMax / 8;

export class RecordSample {
  private readonly value: AnyValueReader;
  private readonly slots: AttributeSlots;

  constructor(value: AnyValueReader, slots: AttributeSlots) {
    this.value = value;
    this.slots = slots;
  }

  prediction(
    row: { timeMs: number; weight: number },
    resourceModel: string,
  ): Record<string, unknown> {
    const features = this.at(KEY.features);
    const clientVersion: Entry = ["client.version", this.at(KEY.clientVersion)];
    const record: PlainPrediction = {
      model: this.at(KEY.model),
      resourceModel,
      version: this.at(KEY.version),
      id: this.at(KEY.id),
      timeMs: row.timeMs,
      label: this.at(KEY.label),
      score: this.at(KEY.score),
      value: this.at(KEY.value),
      latency: this.at(KEY.latency),
      error: this.at(KEY.error),
      weight: row.weight,
      features: [...this.entries(KEY.features), ...this.flat(1)],
      featuresJson: typeof features === "string" ? features : null,
      tags: [...this.flat(-1), clientVersion, ...this.entries(KEY.tags)],
      probabilities: this.entries(KEY.probabilities),
    };
    return predictionLine(record);
  }

  label(timeMs: number, resourceModel: string): Record<string, unknown> {
    const record: PlainLabel = {
      model: this.at(KEY.model),
      resourceModel,
      id: this.at(KEY.id),
      timeMs,
      label: this.at(KEY.actualLabel),
      value: this.at(KEY.actualValue),
      source: this.at(KEY.actualSource),
      revision: this.at(KEY.actualRevision),
      predictionTime: this.at(KEY.predictionTime),
    };
    return labelLine(record);
  }

  private at(key: number): PlainValue {
    const start = this.slots.start[key] ?? 0;
    return start === 0 ? null : this.plain(start, this.slots.end[key] ?? 0);
  }

  private entries(key: number): Entry[] {
    const start = this.slots.start[key] ?? 0;
    if (start === 0) return [];
    const { value } = this;
    const { wire } = value;
    if (value.open(start, this.slots.end[key] ?? 0) !== VALUE.map) return [];
    const pair = new KeyValueReader(wire);
    const entries: Entry[] = [];
    const { end } = value;
    wire.at = value.start;
    while (wire.at < end && entries.length < ENTRIES_MAX) {
      const tag = wire.tag();
      if (tag !== 0x0a) {
        wire.skip(tag, end);
        continue;
      }
      const pairEnd = wire.delimited(end);
      pair.open(pairEnd);
      const name = wire.bytes.toString("utf8", pair.keyStart, pair.keyEnd);
      entries.push([name, this.plain(pair.valueStart, pair.valueEnd)]);
      wire.at = pairEnd;
    }
    return entries;
  }

  /** Flattened features (sign 1) or tags (sign -1). */
  private flat(sign: 1 | -1): Entry[] {
    const { slots, value } = this;
    const entries: Entry[] = [];
    for (let i = 0; i < Math.min(slots.flatCount, ENTRIES_MAX); i++) {
      const name = sign * (slots.flatName[i] ?? 0);
      if (name <= 0) continue;
      const plain = this.plain(slots.flatStart[i] ?? 0, slots.flatEnd[i] ?? 0);
      entries.push([value.interner.textOf(name), plain]);
    }
    return entries;
  }

  /** Null for what lines cannot carry either. */
  private plain(start: number, end: number): PlainValue {
    return this.value.plainHere(this.value.open(start, end));
  }
}
