/** ExportMetricsServiceRequest from its bytes; field numbers are those of opentelemetry-proto. No hot path: objects are made. */
import { AnyValueReader, KeyValueReader, VALUE } from "./any-value.ts";
import type { Interner } from "../columns/interner.ts";
import type { ExponentialBuckets, OtlpMetric, OtlpPoint, OtlpResource } from "./otlp-metrics.ts";
import { malformedBody, Wire } from "./wire.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Field = (tag: number, end: number) => boolean;

const NOTHING: ExponentialBuckets = { offset: 0, counts: [] };
/** Field of Metric that holds the points. */
const KINDS: Readonly<Record<number, OtlpMetric["kind"]>> = {
  0x2a: "gauge",
  0x3a: "sum",
  0x4a: "histogram",
  0x52: "exponential",
  0x5a: "summary",
};
/** Tag of a point's attributes, by kind. */
const ATTRIBUTES = { gauge: 0x3a, sum: 0x3a, histogram: 0x4a, exponential: 0x0a, summary: 0x3a };

export class MetricsReader {
  private readonly wire = new Wire();
  private readonly pair = new KeyValueReader(this.wire);
  private readonly value: AnyValueReader;

  constructor(interner: Interner) {
    this.value = new AnyValueReader(this.wire, interner);
  }

  /** @throws {DriftmendError} request_malformed */
  read(body: Buffer): readonly OtlpResource[] {
    const { wire } = this;
    wire.open(body);
    try {
      const resources: OtlpResource[] = [];
      this.fields(body.length, (tag, end) => {
        if (tag !== 0x0a) return false;
        resources.push(this.resource(wire.delimited(end)));
        return true;
      });
      return resources;
    } finally {
      wire.close();
    }
  }

  /** Goes over the fields up to `end`; those that `take` does not want are passed over. */
  private fields(end: number, take: Field): void {
    const { wire } = this;
    while (wire.at < end) {
      const tag = wire.varint();
      if (!take(tag, end)) wire.skip(tag, end);
      if (wire.at > end) throw malformedBody("a field is longer than the message that holds it");
    }
    wire.mustBeAt(end);
  }

  private resource(end: number): OtlpResource {
    const { wire } = this;
    const attributes = new Map<string, string>();
    const metrics: OtlpMetric[] = [];
    this.fields(end, (tag) => {
      if (tag === 0x0a) {
        this.fields(wire.delimited(end), (field, within) => {
          return field === 0x0a && this.attribute(within, attributes);
        });
      } else if (tag === 0x12) {
        this.fields(wire.delimited(end), (field, within) => {
          if (field !== 0x12) return false;
          metrics.push(...this.metric(wire.delimited(within)));
          return true;
        });
      } else return false;
      return true;
    });
    return { attributes, metrics };
  }

  /** Nothing for a kind that there is not. */
  private metric(end: number): readonly OtlpMetric[] {
    const { wire } = this;
    let name = "";
    const found: OtlpMetric[] = [];
    this.fields(end, (tag) => {
      const kind = KINDS[tag];
      if (tag === 0x0a) name = this.text(end);
      else if (kind !== undefined) found.push(this.data(kind, wire.delimited(end)));
      else return false;
      return true;
    });
    return found.map((metric) => ({ ...metric, name }));
  }

  private data(kind: OtlpMetric["kind"], end: number): OtlpMetric {
    const { wire } = this;
    const points: OtlpPoint[] = [];
    let temporality = 0;
    this.fields(end, (tag) => {
      if (tag === 0x0a) points.push(this.point(kind, wire.delimited(end)));
      else if (tag === 0x10) temporality = wire.varint();
      else return false;
      return true;
    });
    return { name: "", kind, temporality, points };
  }

  private point(kind: OtlpMetric["kind"], end: number): OtlpPoint {
    const attributes = new Map<string, string>();
    const point = emptyPoint(attributes);
    this.fields(end, (tag) => {
      if (tag === ATTRIBUTES[kind]) return this.attribute(end, attributes);
      if (tag === 0x11) point.startMs = this.nanos();
      else if (tag === 0x19) point.timeMs = this.nanos();
      else if (kind === "gauge" || kind === "sum") return this.numberField(tag, point);
      else if (tag === 0x21) point.count = this.fixed64();
      else if (tag === 0x29) point.sum = this.wire.double();
      else if (kind === "histogram") return this.histogramField(tag, end, point);
      else if (kind === "exponential") return this.exponentialField(tag, end, point);
      else if (tag === 0x40) point.flags = this.wire.varint();
      else return false;
      return true;
    });
    return point;
  }

  private numberField(tag: number, point: Mutable<OtlpPoint>): boolean {
    const { wire } = this;
    if (tag === 0x21) point.value = wire.double();
    else if (tag === 0x31) point.value = this.signed64();
    else if (tag === 0x40) point.flags = wire.varint();
    else return false;
    return true;
  }

  private histogramField(tag: number, end: number, point: Mutable<OtlpPoint>): boolean {
    const { wire } = this;
    const all = <T>(read: () => T): T[] => this.packed(wire.delimited(end), read);
    if (tag === 0x32) point.bucketCounts = all(() => this.fixed64());
    else if (tag === 0x3a) point.bounds = all(() => wire.double());
    // The same lists, not packed.
    else if (tag === 0x31) point.bucketCounts = [...point.bucketCounts, this.fixed64()];
    else if (tag === 0x39) point.bounds = [...point.bounds, wire.double()];
    else if (tag === 0x50) point.flags = wire.varint();
    else return false;
    return true;
  }

  private exponentialField(tag: number, end: number, point: Mutable<OtlpPoint>): boolean {
    const { wire } = this;
    if (tag === 0x30) point.scale = zigzag(wire.varint());
    else if (tag === 0x39) point.zeroCount = this.fixed64();
    else if (tag === 0x42) point.positive = this.buckets(wire.delimited(end));
    else if (tag === 0x50) point.flags = wire.varint();
    else return false;
    return true;
  }

  private buckets(end: number): ExponentialBuckets {
    const { wire } = this;
    let offset = 0;
    const counts: number[] = [];
    this.fields(end, (tag) => {
      if (tag === 0x08) offset = zigzag(wire.varint());
      else if (tag === 0x12) counts.push(...this.packed(wire.delimited(end), () => wire.varint()));
      else if (tag === 0x10) counts.push(wire.varint());
      else return false;
      return true;
    });
    return { offset, counts };
  }

  private packed<T>(end: number, read: () => T): T[] {
    const values: T[] = [];
    while (this.wire.at < end) values.push(read());
    this.wire.mustBeAt(end);
    return values;
  }

  /** Always true: it was a field that is wanted. */
  private attribute(within: number, attributes: Map<string, string>): true {
    const { wire, pair, value } = this;
    const end = wire.delimited(within);
    pair.open(end);
    const key = wire.bytes.toString("utf8", pair.keyStart, pair.keyEnd);
    const kind = value.open(pair.valueStart, pair.valueEnd);
    const plain = kind === VALUE.none ? null : value.plainHere(kind);
    if (plain !== null) attributes.set(key, String(plain));
    wire.at = end;
    return true;
  }

  private text(within: number): string {
    const { wire } = this;
    const end = wire.delimited(within);
    const text = wire.bytes.toString("utf8", wire.at, end);
    wire.at = end;
    return text;
  }

  private nanos(): number {
    this.wire.readNanos();
    return this.wire.ms[0] ?? 0;
  }

  private fixed64(): number {
    this.wire.readNanos();
    return this.wire.nanosHigh * 2 ** 32 + this.wire.nanosLow;
  }

  private signed64(): number {
    this.wire.readNanos();
    return (this.wire.nanosHigh | 0) * 2 ** 32 + this.wire.nanosLow;
  }
}

const zigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);

export function emptyPoint(attributes: ReadonlyMap<string, string>): Mutable<OtlpPoint> {
  return {
    attributes,
    ...{ startMs: 0, timeMs: 0, flags: 0, value: Number.NaN, count: 0, sum: Number.NaN },
    ...{ bucketCounts: [], bounds: [], scale: 0, zeroCount: 0, positive: NOTHING },
  };
}
