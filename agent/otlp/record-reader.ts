/** One log record or span of OTLP, whose fields and attributes were found, becomes a prediction, a label or neither. */
import type { Outcome } from "../outcome.ts";
import { timeOf } from "../event-time.ts";
import type { Recorder } from "../recorder.ts";
import { AnyValueReader, VALUE } from "./any-value.ts";
import { AttributeSlots } from "./attribute-slots.ts";
import { MapReader } from "./map-reader.ts";
import { RecordSample } from "./record-sample.ts";
import { ERROR_OTHER, EVENT, KEY, KEY_COUNT } from "./vocabulary.ts";
import type { Wire } from "./wire.ts";

const PREDICTED = [KEY.features, KEY.label, KEY.score, KEY.value, KEY.probabilities];

/** What a record has beside its attributes. */
export interface RecordFacts {
  /** Interned `event_name`, or a span's name; 0 for none. */
  eventName: number;
  /** Milliseconds; 0 for none. */
  timeMs: number;
  /** A span's duration in seconds; NaN for a log record. */
  durationSeconds: number;
  isSpan: boolean;
  /** A span whose status is ERROR. */
  failed: boolean;
  droppedAttributes: number;
  /** Spans that it stands for, by the sampler of its trace; 1 for a log record. */
  weight: number;
}

export class RecordReader {
  readonly slots: AttributeSlots;
  private readonly wire: Wire;
  private readonly recorder: Recorder;
  private readonly value: AnyValueReader;
  private readonly maps: MapReader;
  private readonly samples: RecordSample;
  /** What stood under each key before: names of models and versions seldom change. */
  private readonly textHints = new Int32Array(KEY_COUNT);
  private readonly predictionSample = (): unknown => {
    const { row, frame } = this.recorder;
    return this.samples.prediction(row, frame.interner.textOf(row.model));
  };
  private readonly labelSample = (): unknown => {
    const { row, frame } = this.recorder;
    return this.samples.label(row.timeMs, frame.interner.textOf(row.model));
  };

  constructor(wire: Wire, recorder: Recorder) {
    this.wire = wire;
    this.recorder = recorder;
    this.slots = new AttributeSlots(wire, recorder.frame.interner);
    this.value = new AnyValueReader(wire, recorder.frame.interner);
    this.maps = new MapReader(this.value, recorder);
    this.samples = new RecordSample(this.value, this.slots);
  }

  /**
   * Takes the record in; `resourceModel` is the model to assume where it names none, 0 for none.
   * @returns false where it is neither prediction nor label in our words
   */
  take(facts: RecordFacts, resourceModel: number): boolean {
    const { outcome } = this.recorder;
    const event = this.eventOf(facts);
    if (event === 0) return false;
    if (facts.droppedAttributes > 0) {
      outcome.droppedRecords++;
      outcome.droppedAttributes += facts.droppedAttributes;
    }
    this.readIdentity(facts, resourceModel, outcome);
    if (event === EVENT.prediction) this.takePrediction(facts, outcome);
    else this.takeLabel(outcome);
    return true;
  }

  private eventOf(facts: RecordFacts): number {
    const { start, end } = this.slots;
    let event = facts.eventName;
    if (event !== EVENT.prediction && event !== EVENT.groundTruth && start[KEY.eventName] !== 0) {
      event = this.value.text(start[KEY.eventName]!, end[KEY.eventName]!, this.recorder.outcome);
    }
    if (event === EVENT.prediction || event === EVENT.groundTruth) return event;
    if (!facts.isSpan) return 0;
    const isTruth = this.has(KEY.actualLabel) || this.has(KEY.actualValue);
    // One that forgot the other of the two is set aside with that reason, not passed over.
    const isOurs = this.has(KEY.id) || (this.has(KEY.model) && (isTruth || this.saysPrediction()));
    if (!isOurs) return 0;
    return isTruth ? EVENT.groundTruth : EVENT.prediction;
  }

  /** What a span says of a prediction beside its model and id. */
  private saysPrediction(): boolean {
    return this.slots.flatCount > 0 || PREDICTED.some((key) => this.has(key));
  }

  private readIdentity(facts: RecordFacts, resourceModel: number, outcome: Outcome): void {
    const { row } = this.recorder;
    row.clear();
    row.model = this.text(KEY.model, outcome) || resourceModel;
    row.version = this.text(KEY.version, outcome);
    row.timeMs = facts.timeMs;
    const start = this.slots.start[KEY.id]!;
    if (start === 0) return;
    switch (this.value.open(start, this.slots.end[KEY.id]!)) {
      case VALUE.string:
        row.idBytes = this.wire.bytes;
        row.idStart = this.value.start;
        row.idEnd = this.value.end;
        break;
      case VALUE.integer:
        row.setId(this.value.integerTextHere());
        break;
      case VALUE.none:
        break;
      default:
        row.idInvalid = true;
    }
  }

  private takePrediction(facts: RecordFacts, outcome: Outcome): void {
    const { recorder, maps, slots } = this;
    const { row } = recorder;
    row.label = this.text(KEY.label, outcome);
    const { result } = this.value;
    this.readNumber(KEY.score);
    row.score = result[0]!;
    this.readNumber(KEY.value);
    row.value = result[0]!;
    this.readNumber(KEY.latency);
    row.latency = result[0]!;
    if (Number.isNaN(row.latency)) row.latency = facts.durationSeconds;
    row.error = this.text(KEY.error, outcome) || (facts.failed ? ERROR_OTHER : 0);
    row.weight = facts.weight;
    if (slots.start[KEY.weight] !== 0) this.readWeight();
    if (!recorder.openPrediction(this.predictionSample)) return;
    this.readFeatures();
    for (let i = 0; i < slots.flatCount; i++) {
      const name = slots.flatName[i]!;
      const start = slots.flatStart[i]!;
      const end = slots.flatEnd[i]!;
      if (name > 0) maps.feature(name, start, end);
      else maps.tag(-name, start, end);
    }
    const clientVersion = slots.start[KEY.clientVersion]!;
    if (clientVersion !== 0) {
      maps.tag(KEY.clientVersion, clientVersion, slots.end[KEY.clientVersion]!);
    }
    if (this.openMap(KEY.tags)) maps.tags(this.value.start, this.value.end);
    if (this.openMap(KEY.probabilities)) maps.probabilities(this.value.start, this.value.end);
    recorder.closePrediction();
  }

  /** What an application says that thins its records before they come here. */
  private readWeight(): void {
    this.readNumber(KEY.weight);
    const weight = this.value.result[0]!;
    if (weight >= 1 && weight < Number.POSITIVE_INFINITY) this.recorder.row.weight *= weight;
    else this.recorder.outcome.valuesSkipped++;
  }

  private readFeatures(): void {
    const start = this.slots.start[KEY.features]!;
    if (start === 0) return;
    const { value, recorder } = this;
    const kind = value.open(start, this.slots.end[KEY.features]!);
    if (kind === VALUE.map) this.maps.features(value.start, value.end);
    else if (kind === VALUE.string) recorder.addJsonFeatures(value.textHere());
    else if (kind !== VALUE.none) recorder.outcome.valuesSkipped++;
  }

  private takeLabel(outcome: Outcome): void {
    const { recorder } = this;
    const { row } = recorder;
    row.label = this.text(KEY.actualLabel, outcome);
    const { result } = this.value;
    this.readNumber(KEY.actualValue);
    row.value = result[0]!;
    row.source = this.text(KEY.actualSource, outcome);
    if (this.slots.start[KEY.actualRevision] !== 0) {
      this.readNumber(KEY.actualRevision);
      row.revision = result[0]!;
    }
    const start = this.slots.start[KEY.predictionTime]!;
    const kind =
      start === 0 ? VALUE.none : this.value.open(start, this.slots.end[KEY.predictionTime]!);
    if (kind !== VALUE.none) {
      row.predictionTimeMs = this.timeHere(kind);
      if (Number.isNaN(row.predictionTimeMs)) {
        recorder.deadLetter("labels", "time_invalid", this.labelSample);
        return;
      }
    }
    recorder.addLabel(this.labelSample);
  }

  /** Milliseconds of the value that is open; NaN for what is no time. */
  private timeHere(kind: number): number {
    const plain = this.value.plainHere(kind);
    return timeOf(typeof plain === "bigint" ? String(plain) : plain);
  }

  /** Whether there is such an attribute, and a value in it. */
  private has(key: number): boolean {
    const start = this.slots.start[key]!;
    return start !== 0 && this.value.open(start, this.slots.end[key]!) !== VALUE.none;
  }

  private openMap(key: number): boolean {
    const start = this.slots.start[key]!;
    if (start === 0) return false;
    const kind = this.value.open(start, this.slots.end[key]!);
    if (kind === VALUE.map) return true;
    if (kind !== VALUE.none) this.recorder.outcome.valuesSkipped++;
    return false;
  }

  private text(key: number, outcome: Outcome): number {
    const start = this.slots.start[key]!;
    if (start === 0) return 0;
    return this.value.hintedText(start, this.slots.end[key]!, outcome, this.textHints, key);
  }

  /** Leaves the attribute's number in `value.result`; NaN where there is none. */
  private readNumber(key: number): void {
    const start = this.slots.start[key]!;
    if (start === 0) this.value.result[0] = Number.NaN;
    else this.value.readNumber(start, this.slots.end[key]!);
  }
}
