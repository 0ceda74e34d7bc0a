/** How a publisher spends the stream that it shares with other agents, without a NATS around it. */
import type { JetStreamClient } from "@nats-io/jetstream";
import { afterEach, describe, expect, it, vi } from "vitest";
import { AgentCounters } from "../../../agent/agent-counters.ts";
import { RecordWarnings } from "../../../agent/record-warnings.ts";
import { Spool } from "../../../agent/spool/spool.ts";
import { Publisher } from "../../../agent/transport/publisher.ts";
import { decodeFrame } from "../../../contract/frame.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import { temporaryFolder } from "../agent-process.ts";

const MINUTE_MS = 60_000;
const FRAMES = 20;
const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

/** A spool of twenty frames of the same size that were taken in `ageMs` ago, and what its publisher sends. */
async function publisherOf(ageMs: number, framesAtOnce: number) {
  const { path, remove } = temporaryFolder();
  cleanups.push(remove);
  const nowMs = Date.now();
  const clock = { ...systemClock, nowMs: () => nowMs };
  const spool = await Spool.open(path, {
    nowMs: () => nowMs - ageMs,
    logger: silentLogger,
    randomHex: () => "7".padStart(32, "0"),
  });
  for (let n = 0; n < FRAMES; n++) {
    const digests = [String(n).padStart(32, "0")];
    await spool.append({ frames: [{ sections: [], payloads: [] }], digests, clocks: [], bytes: 0 });
  }
  const frameBytes = (await spool.read(1))?.length ?? 0;
  const sent: number[] = [];
  const publisher = new Publisher({
    spool,
    clock,
    logger: silentLogger,
    counters: new AgentCounters(
      createMetrics("agent"),
      new RecordWarnings({ clock, logger: silentLogger }),
    ),
    shard: () => 0,
    backlogBytesMax: framesAtOnce * frameBytes,
  });
  const publish = async (_subject: string, bytes: Uint8Array): Promise<void> => {
    const frame = decodeFrame(bytes);
    if (frame.kind !== "bad") sent.push(frame.header.seq);
  };
  publisher.start({ publish } as unknown as JetStreamClient);
  cleanups.push(async () => {
    await publisher.stop();
    await spool.close();
  });
  const stored = async (through: number): Promise<void> => {
    await spool.markStored(through);
    publisher.stored(through);
  };
  return { publisher, sent, stored };
}

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("a backlog", () => {
  it("is published no further ahead of what is stored than is stated", async () => {
    const { sent, stored } = await publisherOf(MINUTE_MS, 5);
    await expect.poll(() => sent).toEqual(numbers(1, 5));
    await stored(3);
    await expect.poll(() => sent).toEqual(numbers(1, 8));
    await stored(8);
    await expect.poll(() => sent).toEqual(numbers(1, 13));
    await stored(13);
    await expect.poll(() => sent).toEqual(numbers(1, 18));
    await stored(18);
    await expect.poll(() => sent).toEqual(numbers(1, FRAMES));
  });

  it("is published again where the transport forgot it, though nothing of it was stored", async () => {
    const { publisher, sent } = await publisherOf(MINUTE_MS, 5);
    await expect.poll(() => sent).toEqual(numbers(1, 5));
    publisher.goBackTo(3);
    await expect.poll(() => sent).toEqual([...numbers(1, 5), ...numbers(3, 5)]);
  });
});

it("live frames wait for nobody", async () => {
  const { sent } = await publisherOf(1_000, 5);
  await vi.waitFor(() => expect(sent).toEqual(numbers(1, FRAMES)));
});
