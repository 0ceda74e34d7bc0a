/**
 * A spool of an agent as a collector sees it: frames with consecutive numbers that are kept until they are
 * stored, published to the stream, published again when they are wanted. What goes wrong is up to the test.
 */
import { randomBytes } from "node:crypto";
import { type FrameClock, type FrameSection, encodeFrame } from "../../contract/frame.ts";
import { StoredMessage, WantMessage } from "../../contract/messages.ts";
import {
  type LabelRow,
  type PredictionRow,
  buildLabelBlock,
  buildPredictionBlock,
  buildServerMetricBlock,
} from "../../contract/payload-blocks.ts";
import type { ServerMetricRow } from "../../contract/server-metric.ts";
import { shardOfSpool, subjects } from "../../contract/subjects.ts";
import type { Nats } from "../../runtime/nats.ts";

export interface FrameContent {
  readonly predictions?: readonly PredictionRow[];
  readonly labels?: readonly LabelRow[];
  readonly serverMetrics?: readonly ServerMetricRow[];
  readonly clocks?: readonly FrameClock[];
  readonly acceptedMs?: number;
}

export class FakeSpool {
  readonly id: string;
  readonly shard: number;
  readonly wants: number[] = [];
  storedThrough = 0;
  /** Frames by seq, from 1. */
  readonly frames: Uint8Array[] = [];
  private readonly nats: Nats;
  private readonly stops: (() => void)[];

  constructor(nats: Nats, options: { shards: number; shard?: number }) {
    this.nats = nats;
    const shard = options.shard ?? 0;
    let id = randomBytes(16).toString("hex");
    while (shardOfSpool(id, options.shards) !== shard) id = randomBytes(16).toString("hex");
    this.id = id;
    this.shard = shard;
    this.stops = [
      nats.subscribe(subjects.stored(id), StoredMessage, ({ storedThrough }) => {
        this.storedThrough = Math.max(this.storedThrough, storedThrough);
      }),
      nats.subscribe(subjects.want(id), WantMessage, async ({ fromSeq }) => {
        this.wants.push(fromSeq);
        await this.publishFrom(fromSeq);
      }),
    ];
  }

  /** Adds a frame to the spool without publishing it; answers its seq. */
  add(content: FrameContent): number {
    const seq = this.frames.length + 1;
    this.frames.push(frameOf(this.id, seq, content));
    return seq;
  }

  async publish(seq: number): Promise<void> {
    const frame = this.frames[seq - 1];
    if (frame === undefined) throw new RangeError(`There is no frame ${seq}`);
    await this.nats.jetstream.publish(subjects.frames(this.shard), frame);
  }

  async send(content: FrameContent): Promise<number> {
    const seq = this.add(content);
    await this.publish(seq);
    return seq;
  }

  async publishFrom(fromSeq: number): Promise<void> {
    for (let seq = fromSeq; seq <= this.frames.length; seq++) await this.publish(seq);
  }

  announce(nowMs: number, models: readonly string[] = []): void {
    this.nats.publish(subjects.head(this.id), {
      spool: this.id,
      shard: this.shard,
      nextSeq: this.frames.length + 1,
      storedThrough: this.storedThrough,
      oldestUnstoredMs: this.storedThrough < this.frames.length ? nowMs : null,
      models,
      sentMs: nowMs,
    });
  }

  close(): void {
    for (const stop of this.stops) stop();
  }
}

export function frameOf(spool: string, seq: number, content: FrameContent): Uint8Array {
  const sections: FrameSection[] = [];
  const payloads: Uint8Array[] = [];
  const add = (
    table: FrameSection["table"],
    rows: readonly { readonly model: string }[],
    times: readonly number[],
    payload: Uint8Array,
  ): void => {
    const models: Record<string, number> = {};
    for (const { model } of rows) models[model] = (models[model] ?? 0) + 1;
    sections.push({
      table,
      rows: rows.length,
      bytes: payload.length,
      fromMs: Math.min(...times),
      toMs: Math.max(...times),
      models,
    });
    payloads.push(payload);
  };
  const { predictions = [], labels = [], serverMetrics = [] } = content;
  if (predictions.length > 0) {
    const times = predictions.map((row) => row.ts);
    add("predictions", predictions, times, buildPredictionBlock(predictions));
  }
  if (labels.length > 0) {
    const times = labels.map((row) => row.time);
    add("labels", labels, times, buildLabelBlock(labels));
  }
  if (serverMetrics.length > 0) {
    const times = serverMetrics.map((row) => row.ts);
    add("server_metrics", serverMetrics, times, buildServerMetricBlock(serverMetrics));
  }
  const acceptedMs = content.acceptedMs ?? Date.now();
  return encodeFrame(
    { spool, seq, acceptedMs, digests: [], sections, clocks: [...(content.clocks ?? [])] },
    payloads,
  );
}
