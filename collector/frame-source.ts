/**
 * Reads a shard's stream from a position on, without acknowledgements: what was read is remembered by
 * whoever reads, and purged once it is stored. Survives restarts of nats-server and loss of the stream's
 * end, in which case it begins again at the first message that is there.
 */
import { AckPolicy, type Consumer, DeliverPolicy } from "@nats-io/jetstream";
import { frameStream, subjects } from "../contract/subjects.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Nats } from "../runtime/nats.ts";

export interface StreamFrame {
  readonly streamSeq: number;
  readonly bytes: Uint8Array;
  /** Messages of the stream behind this one. */
  readonly pending: number;
}

/** What one fetch shall bring, by the largest frame of the fetch before; where large ones follow small ones, at most 64 MiB. */
const FETCH_BYTES = 16 * 1024 * 1024;
const FETCH_FRAMES = { min: 4, max: 16 };
const FETCH_EXPIRES_MS = 1_000;
const RETRY_MS = 250;
const NANOS_PER_MS = 1_000_000;
const CONSUMER_IDLE_MS = 60_000;

export interface FrameSourceDeps {
  readonly nats: Nats;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface StreamSettings {
  readonly bytesMax: number;
  readonly replicas: number;
}

/** Makes the shard's stream, or gives the one that is there its size. */
export async function ensureFrameStream(
  nats: Nats,
  shard: number,
  settings: StreamSettings,
): Promise<void> {
  const name = frameStream(shard);
  const wanted = {
    subjects: [subjects.frames(shard)],
    max_bytes: settings.bytesMax,
    num_replicas: settings.replicas,
  };
  try {
    await nats.manager.streams.info(name);
    await nats.manager.streams.update(name, wanted);
  } catch {
    await nats.manager.streams.add({
      name,
      ...wanted,
      retention: "limits",
      discard: "new",
      storage: "file",
    });
  }
}

/** Yields frames until aborted. Endless: an unreachable server is waited for. */
export async function* readFrames(
  shard: number,
  deps: FrameSourceDeps,
  abort: AbortSignal,
): AsyncGenerator<StreamFrame, void> {
  let next = 0;
  let atOnce = FETCH_FRAMES.min;
  let consumer: Consumer | undefined;
  while (!abort.aborted) {
    try {
      let isFirst = false;
      if (consumer === undefined) {
        const opened = await openConsumer(shard, next, deps.nats);
        consumer = opened.consumer;
        next = opened.fromSeq;
        isFirst = true;
      }
      let count = 0;
      let largest = 0;
      // By number: a fetch by bytes brings 100 messages at most, and ends when it expires (jetstream 3.4.0).
      const batch = await consumer.fetch({ max_messages: atOnce, expires: FETCH_EXPIRES_MS });
      const stop = (): void => batch.stop();
      abort.addEventListener("abort", stop, { once: true });
      try {
        for await (const message of batch) {
          count++;
          largest = Math.max(largest, message.data.length);
          if (message.seq < next) continue;
          // The server had sent them to a fetch that was over just then: from a new consumer they come again.
          if (message.seq > next && !isFirst) throw new Error(`no message ${next}`);
          isFirst = false;
          next = message.seq + 1;
          yield { streamSeq: message.seq, bytes: message.data, pending: message.info.pending };
          if (abort.aborted) return;
        }
      } finally {
        abort.removeEventListener("abort", stop);
      }
      if (count === 0) await consumer.info();
      else atOnce = framesAtOnce(largest);
    } catch (error) {
      if (abort.aborted) return;
      deps.logger.debug({ err: error, shard }, "the stream is opened again");
      consumer = undefined;
      atOnce = FETCH_FRAMES.min;
      await deps.clock.sleep(RETRY_MS, abort).catch(() => undefined);
    }
  }
}

function framesAtOnce(frameBytes: number): number {
  const fitting = Math.floor(FETCH_BYTES / Math.max(frameBytes, 1));
  return Math.min(Math.max(fitting, FETCH_FRAMES.min), FETCH_FRAMES.max);
}

async function openConsumer(
  shard: number,
  next: number,
  nats: Nats,
): Promise<{ consumer: Consumer; fromSeq: number }> {
  const stream = frameStream(shard);
  const { state } = await nats.manager.streams.info(stream);
  // Behind the end: the server lost messages, or this is another stream of the same name.
  const fromSeq = next > state.last_seq + 1 ? state.first_seq : Math.max(next, state.first_seq, 1);
  const created = await nats.manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: fromSeq,
    mem_storage: true,
    inactive_threshold: CONSUMER_IDLE_MS * NANOS_PER_MS,
  });
  return { consumer: await nats.jetstream.consumers.get(stream, created.name), fromSeq };
}

/** Removes everything up to and with `streamSeq`. */
export async function purgeFrames(nats: Nats, shard: number, streamSeq: number): Promise<void> {
  await nats.manager.streams.purge(frameStream(shard), { seq: streamSeq + 1 });
}
