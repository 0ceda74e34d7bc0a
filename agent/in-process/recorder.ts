/**
 * For a model server that runs on Node: `record(prediction)` from the process that predicts. It never waits and never
 * throws; predictions are sent to the agent in batches, again where it does not answer, and beyond a maximum in
 * memory the newest are dropped and counted. It depends on nothing but Node.
 *
 *   const recorder = openRecorder({ url: "http://127.0.0.1:4318" });
 *   recorder.record({ model: "fraud", version: "3", id: "order-7", features: { amount: 12.5 }, score: 0.1 });
 *   await recorder.close();
 */

import { systemClock } from "../../runtime/clock.ts";
import { BatchSender } from "./batch-sender.ts";
import { RecordEncoder } from "./record-encoder.ts";

/** One prediction, as a line of the agent's door `/v1/events` (docs/capture.md). */
export interface RecordedPrediction {
  readonly model: string;
  readonly id: string;
  readonly version?: string;
  /** Milliseconds since 1970, or RFC 3339; now where absent. */
  readonly time?: number | string;
  readonly features?: Readonly<Record<string, number | string | boolean | null>>;
  readonly label?: string;
  readonly score?: number;
  readonly value?: number;
  readonly probabilities?: Readonly<Record<string, number>>;
  readonly tags?: Readonly<Record<string, string>>;
  /** Seconds. */
  readonly latency?: number;
  /** What went wrong, where something did. */
  readonly error?: string;
}

export interface RecorderOptions {
  /** Of the agent. */
  readonly url: string;
  /** Where the agent asks for one. */
  readonly token?: string;
  /** Bytes that wait to be sent; 32 MiB by default. */
  readonly waitingMax?: number;
  /** The time of predictions that say none. */
  readonly nowMs?: () => number;
}

export interface InProcessRecorder {
  record(prediction: RecordedPrediction): void;
  /** Predictions that had no room, or that the agent set aside or refused. */
  readonly dropped: number;
  /** Sends what waits, for as long as it takes but at most `withinMs`; 5 s by default. */
  close(withinMs?: number): Promise<void>;
}

const BATCH_MAX = 500;
const BATCH_BYTES = 1024 * 1024;
const BATCH_MS = 200;
const WAITING_MAX = 32 * 1024 * 1024;
const CLOSE_MS = 5_000;

export function openRecorder(options: RecorderOptions): InProcessRecorder {
  const { url, token, waitingMax = WAITING_MAX, nowMs = systemClock.nowMs } = options;
  const encoder = new RecordEncoder(256 * 1024);
  const sender = new BatchSender(url, token);
  let dropped = 0;
  let timer: NodeJS.Timeout | null = null;
  /** Closes the open batch, and sends what waits. */
  const begin = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (encoder.records === 0) return;
    const { records } = encoder;
    sender.add({ body: encoder.take(), records });
  };
  return {
    record: (prediction) => {
      const { time } = prediction;
      const timeMs = typeof time === "string" ? Date.parse(time) : (time ?? nowMs());
      // Written down at once: what the caller does to its objects later changes nothing.
      const hasRoom = sender.waiting + encoder.bytes < waitingMax;
      if (!hasRoom || !(timeMs >= 0) || !encoder.add(prediction, timeMs)) {
        dropped++;
        return;
      }
      if (encoder.records >= BATCH_MAX || encoder.bytes >= BATCH_BYTES) begin();
      else timer ??= setTimeout(begin, BATCH_MS).unref();
    },
    get dropped() {
      return dropped + sender.dropped;
    },
    close: (withinMs = CLOSE_MS) => {
      begin();
      return sender.close(withinMs);
    },
  };
}
