/**
 * What capture costs: OTLP protobuf to a Native block, against protobufjs' generated decoder alone on the
 * same bodies in the same run. 20 features (16 numeric, 4 categorical), 500 records a body.
 */
import { FrameBuilder } from "../../agent/columns/frame-builder.ts";
import { FeatureRules } from "../../agent/columns/feature-rules.ts";
import { MappingBook } from "../../agent/mapping/mapping-book.ts";
import { ModelClocks } from "../../agent/model-clocks.ts";
import { RequestReader } from "../../agent/otlp/request-reader.ts";
import { PINNED_TEXTS } from "../../agent/otlp/vocabulary.ts";
import { Recorder } from "../../agent/recorder.ts";
import { type Random, seededRandom } from "../../runtime/random.ts";
import { NOTHING_SHED } from "../../agent/sampling/shedding.ts";
import type { Figure } from "../figure.ts";
import { encodeRequest, otlpSchema } from "../../tests/agent/otlp-schema.ts";

export interface CaptureBenchOptions {
  readonly recordsPerBody: number;
  readonly bodies: number;
  readonly rounds: number;
  /** CPU time of the process in milliseconds, which other load on the machine disturbs less than the clock. */
  readonly cpuMs: () => number;
}

const EPOCH_MS = Date.UTC(2026, 0, 15);
const DEFAULTS: CaptureBenchOptions = {
  recordsPerBody: 500,
  bodies: 40,
  rounds: 15,
  cpuMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

/** The best of several alternating rounds of each, which is what a shared machine disturbs least. */
export async function decodeEncode(options: Partial<CaptureBenchOptions> = {}): Promise<Figure[]> {
  const { recordsPerBody, bodies: bodyCount, rounds, cpuMs } = { ...DEFAULTS, ...options };
  const random = seededRandom(7);
  const bodies = Array.from({ length: bodyCount }, () => makeBody(recordsPerBody, random));
  const ours = createCapture();
  const peer = otlpSchema.logs;
  let best = Number.POSITIVE_INFINITY;
  let bestPeer = Number.POSITIVE_INFINITY;
  let blockBytes = 0;
  for (let round = 0; round < rounds; round++) {
    const start = cpuMs();
    blockBytes = bodies.reduce((sum, body) => sum + ours(body), 0);
    const middle = cpuMs();
    for (const body of bodies) peer.decode(body);
    best = Math.min(best, middle - start);
    bestPeer = Math.min(bestPeer, cpuMs() - middle);
  }
  const records = recordsPerBody * bodyCount;
  const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
  const figure = (metric: string, value: number, unit: string): Figure => {
    return { bench: "capture", metric, value, unit, ratio: null, against: null };
  };
  return [
    {
      ...figure("decode_encode", (1000 * best) / records, "CPU µs/event"),
      ratio: bestPeer / best,
      against: "protobufjs decode",
    },
    figure("otlp_bytes", bytes / records, "B/event"),
    figure("native_bytes", blockBytes / records, "B/event"),
  ];
}

/** Bodies in a frame: about what group commit joins under load. */
const BODIES_PER_FRAME = 8;

/** Body in, bytes of a frame's blocks out where it completes one. */
function createCapture(): (body: Buffer) => number {
  const rules = new FeatureRules();
  const frame = new FrameBuilder(PINNED_TEXTS);
  const nowMs = (): number => EPOCH_MS;
  const clocks = new ModelClocks(nowMs, new Map());
  const recorder = new Recorder({
    frame,
    rules,
    clocks,
    nowMs,
    retentionMs: 400 * 86_400_000,
    shedding: () => NOTHING_SHED,
  });
  const reader = new RequestReader(
    recorder,
    rules,
    new MappingBook({ own: [], shipped: [] }, rules),
  );
  let bodies = 0;
  return (body) => {
    frame.begin();
    recorder.begin();
    reader.read("logs", body);
    frame.commit(null);
    return ++bodies % BODIES_PER_FRAME === 0 ? frame.seal().bytes : 0;
  };
}

function makeBody(records: number, random: Random): Buffer {
  const logRecords = Array.from({ length: records }, (_, i) => makeRecord(i, random));
  return encodeRequest("logs", {
    resourceLogs: [
      {
        resource: { attributes: [{ key: "service.name", value: { stringValue: "bench" } }] },
        scopeLogs: [{ scope: { name: "bench" }, logRecords }],
      },
    ],
  });
}

function makeRecord(i: number, random: Random): object {
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const double = (key: string) => ({ key, value: { doubleValue: 100 * random.next() } });
  const id = Array.from({ length: 4 }, () => random.integer(2 ** 32).toString(16)).join("-");
  const values = [
    ...Array.from({ length: 16 }, (_, f) => double(`numeric_${f}`)),
    ...Array.from({ length: 4 }, (_, f) => text(`category_${f}`, `value_${random.integer(50)}`)),
  ];
  return {
    timeUnixNano: String(BigInt(EPOCH_MS + i) * 1_000_000n),
    eventName: "ml.prediction",
    attributes: [
      text("ml.model.name", "bench"),
      text("ml.model.version", "7"),
      text("ml.prediction.id", id),
      { key: "ml.features", value: { kvlistValue: { values } } },
      double("ml.prediction.score"),
      double("ml.latency"),
      { key: "ml.tags", value: { kvlistValue: { values: [text("country", "DE")] } } },
    ],
  };
}
