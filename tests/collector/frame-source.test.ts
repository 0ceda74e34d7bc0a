/** How a shard's stream is read, from a real nats-server. */
import { afterEach, expect, it } from "vitest";
import { ensureFrameStream, readFrames } from "../../collector/frame-source.ts";
import { subjects } from "../../contract/subjects.ts";
import { freeOwn } from "../../runtime/buffer-memory.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import type { Nats } from "../../runtime/nats.ts";
import { seededRandom } from "../../runtime/random.ts";
import { startTestNats } from "../support/test-nats.ts";

const SMALL_BYTES = 1_000;
const LARGE_BYTES = 4 * 1024 * 1024;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

/** An empty stream of shard 0; `publish` adds messages of these sizes. */
async function streamOfTest() {
  const server = await startTestNats();
  cleanups.push(() => server[Symbol.asyncDispose]());
  const { nats } = server;
  await ensureFrameStream(nats, 0, { bytesMax: 1024 ** 3, replicas: 1 });
  const publish = async (sizes: readonly number[]): Promise<void> => {
    for (const bytes of sizes) {
      await nats.jetstream.publish(subjects.frames(0), Buffer.alloc(bytes), { retries: 1 });
    }
  };
  return { nats, publish };
}

/** Sizes of the first `count` messages, and how many were said to be behind each. */
async function readAll(nats: Nats, count: number) {
  const abort = new AbortController();
  const read: number[] = [];
  const pending: number[] = [];
  const deps = { nats, clock: systemClock, logger: silentLogger };
  for await (const message of readFrames(0, deps, abort.signal)) {
    read.push(message.bytes.length);
    pending.push(message.pending);
    if (read.length === count) abort.abort();
  }
  return { read, pending };
}

it("asks for as many frames at once as fit into memory, by number, so that each fetch ends with its last frame", async () => {
  const { nats, publish } = await streamOfTest();
  const fetches: { readonly batch: number; readonly max_bytes?: number }[] = [];
  nats.connection.subscribe("$JS.API.CONSUMER.MSG.NEXT.>", {
    callback: (_error, message) => void fetches.push(message.json()),
  });
  const sizes = [
    ...Array.from({ length: 300 }, () => SMALL_BYTES),
    ...Array.from({ length: 70 }, () => LARGE_BYTES),
  ];
  await publish(sizes);
  const { read, pending } = await readAll(nats, sizes.length);
  expect(read).toEqual(sizes);
  expect(pending).toEqual(sizes.map((_, i) => sizes.length - 1 - i));
  const asked = fetches.map(({ batch }) => batch);
  expect(asked.filter((batch, i) => batch !== asked[i - 1])).toEqual([4, 16, 4]);
  // By bytes, JetStream's client brings 100 at most and waits for more until its time is over.
  expect(fetches.every(({ max_bytes: bytes }) => (bytes ?? 0) === 0)).toBe(true);
});

it("reads again what was sent to a fetch that was over just then", async () => {
  const { nats, publish } = await streamOfTest();
  await publish(Array.from({ length: 40 }, (_, i) => 100 + i));
  // A client that loses all that its second fetch brings.
  const consumers = nats.jetstream.consumers;
  const { get } = consumers;
  let lost = 0;
  consumers.get = async (stream, name) => {
    const consumer = await get.call(consumers, stream, name);
    const { fetch } = consumer;
    let fetches = 0;
    consumer.fetch = async (options) => {
      const batch = await fetch.call(consumer, options);
      if (fetches++ !== 1 || lost > 0) return batch;
      for await (const { data } of batch) lost += data.length;
      return fetch.call(consumer, options);
    };
    return consumer;
  };
  const { read } = await readAll(nats, 40);
  expect(lost).toBeGreaterThan(0);
  expect(read).toEqual(Array.from({ length: 40 }, (_, i) => 100 + i));
});

// What a group that is stored gives back rests on how the client and Node put messages into memory.
it("reads large frames into memory of their own: giving it back touches no other frame", async () => {
  const { nats } = await streamOfTest();
  const random = seededRandom(5);
  const longest = [500, 40_000, 70_000, 300_000];
  const sizes = Array.from({ length: 200 }, (_, i) => 1 + random.integer(longest[i % 4] ?? 1));
  const sent = sizes.map((bytes, i) => Buffer.alloc(bytes, i + 1));
  await Promise.all(sent.map((frame) => nats.jetstream.publish(subjects.frames(0), frame)));
  const abort = new AbortController();
  const deps = { nats, clock: systemClock, logger: silentLogger };
  const read: Uint8Array[] = [];
  let freed = 0;
  for await (const { bytes } of readFrames(0, deps, abort.signal)) {
    read.push(bytes);
    // While those behind it come in.
    if (read.length % 2 === 0) freeOwn(bytes);
    if (bytes.length === 0) freed++;
    if (read.length === sent.length) abort.abort();
  }
  expect(freed).toBeGreaterThan(10);
  const byMark = new Map(sent.map((frame) => [frame[0], frame]));
  const wrong = read.filter((bytes) => {
    return bytes.length > 0 && !(byMark.get(bytes[0] ?? 0)?.equals(bytes) ?? false);
  });
  expect(wrong).toEqual([]);
  const kept = read.filter((bytes) => bytes.length > 0);
  expect(kept.length + freed).toBe(sent.length);
});
