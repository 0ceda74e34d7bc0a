/**
 * Predictions as log records of OTLP in protobuf, written straight into one buffer: what records of a model have in
 * common is encoded once. Field numbers are those of opentelemetry-proto.
 */
import { KnownPairs, nameBytes } from "./known-pairs.ts";
import { RepeatedMap, type Values } from "./map-template.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";
import type { RecordedPrediction } from "./recorder.ts";

/** Tags. */
const RESOURCE = 0x0a;
const SCOPE = 0x12;
const RECORD = 0x12;
const ATTRIBUTE = 0x32;
const ENTRY = 0x0a;
const ANY = 0x12;
const TEXT = 0x0a;
const LIST = 0x32;
const EVENT_NAME = Buffer.concat([Buffer.from([0x62, 13]), Buffer.from("ml.prediction")]);
const NANOS_PER_MS = 1_000_000n;
/** Its length must fit into a varint of four bytes. */
const BODY_BYTES_MAX = 2 ** 28 - 64;
/** Those whose shapes are remembered; a process that serves more begins anew with each of the others. */
const MODELS_MAX = 1_000;

const ID = nameBytes("ml.prediction.id");
const FEATURES = nameBytes("ml.features");
const PROBABILITIES = nameBytes("ml.prediction.probabilities");
const TAGS = nameBytes("ml.tags");

/** What the records of one model have in common. */
interface Shape {
  readonly model: string;
  readonly features: RepeatedMap;
  readonly probabilities: RepeatedMap;
  readonly tags: RepeatedMap;
}

export class RecordEncoder {
  private readonly out: ProtobufWriter;
  private readonly attributes = new KnownPairs(ATTRIBUTE);
  private readonly entries = new KnownPairs(ENTRY);
  private readonly shapes = new Map<string, Shape>();
  private shape: Shape;
  /** Records since the last `take`. */
  records = 0;
  /** Where the resource's and the scope's bytes begin. */
  private starts: readonly [resource: number, scope: number];
  private timeMs = Number.NaN;
  private readonly timeBytes = Buffer.alloc(9, 0x09);

  constructor(bytes: number) {
    this.out = new ProtobufWriter(bytes);
    this.shape = this.shapeOf("");
    this.starts = this.begin();
  }

  get bytes(): number {
    return this.records === 0 ? 0 : this.out.at;
  }

  /** Adds one; leaves nothing behind of one that cannot be written. */
  add(prediction: RecordedPrediction, timeMs: number): boolean {
    const { out } = this;
    const start = out.at;
    try {
      this.write(prediction, timeMs);
      if (out.at > BODY_BYTES_MAX) throw new RangeError(`A body of ${out.at} bytes`);
      this.records++;
      return true;
    } catch {
      out.at = start;
      return false;
    }
  }

  /** The body of one export request with all records since; begins anew. */
  take(): Buffer {
    const { out } = this;
    const [resource, scope] = this.starts;
    out.close(scope);
    out.close(resource);
    const body = Buffer.allocUnsafeSlow(out.at);
    out.buffer.copy(body, 0, 0, out.at);
    this.records = 0;
    this.starts = this.begin();
    return body;
  }

  private begin(): readonly [resource: number, scope: number] {
    this.out.at = 0;
    return [this.out.open(RESOURCE), this.out.open(SCOPE)];
  }

  private write(prediction: RecordedPrediction, timeMs: number): void {
    const { model, id, version, label, score, value, latency, error } = prediction;
    const { out, attributes } = this;
    if (model !== this.shape.model) this.shape = this.shapeOf(model);
    const { features, probabilities, tags } = this.shape;
    const record = out.open(RECORD);
    this.time(timeMs);
    out.copy(EVENT_NAME);
    attributes.write(out, "ml.model.name", model);
    this.freshText(ID, id);
    if (version !== undefined) attributes.write(out, "ml.model.version", version);
    this.map(FEATURES, prediction.features, features);
    if (label !== undefined) attributes.write(out, "ml.prediction.label", label);
    if (score !== undefined) attributes.write(out, "ml.prediction.score", score);
    if (value !== undefined) attributes.write(out, "ml.prediction.value", value);
    this.map(PROBABILITIES, prediction.probabilities, probabilities);
    this.map(TAGS, prediction.tags, tags);
    if (latency !== undefined) attributes.write(out, "ml.latency", latency);
    if (error !== undefined) attributes.write(out, "error.type", error);
    out.close(record);
  }

  private shapeOf(model: string): Shape {
    const known = this.shapes.get(model);
    if (known !== undefined) return known;
    const repeated = (): RepeatedMap => new RepeatedMap(this.entries);
    const shape = { model, features: repeated(), probabilities: repeated(), tags: repeated() };
    if (this.shapes.size < MODELS_MAX) this.shapes.set(model, shape);
    return shape;
  }

  /** time_unix_nano, a fixed64; many come within one millisecond. */
  private time(timeMs: number): void {
    if (timeMs !== this.timeMs) {
      this.timeBytes.writeBigUInt64LE(BigInt(Math.trunc(timeMs)) * NANOS_PER_MS, 1);
      this.timeMs = timeMs;
    }
    this.out.copy(this.timeBytes);
  }

  private map(name: Buffer, values: Values | undefined, repeated: RepeatedMap): void {
    if (values === undefined) return;
    const { out } = this;
    const attribute = out.open(ATTRIBUTE);
    out.copy(name);
    const any = out.open(ANY);
    const list = out.open(LIST);
    repeated.write(values, out);
    out.close(list);
    out.close(any);
    out.close(attribute);
  }

  /** A text that will not come again. */
  private freshText(name: Buffer, text: string): void {
    const { out } = this;
    const attribute = out.open(ATTRIBUTE);
    out.copy(name);
    const any = out.open(ANY);
    const bytes = out.open(TEXT);
    out.text(text);
    out.close(bytes);
    out.close(any);
    out.close(attribute);
  }
}
