/** Agent and NATS: order, bounds, absence, repetition, and whose spool it is. The test is the collector. */
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DeliverPolicy, DiscardPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { afterEach, describe, expect, it } from "vitest";
import { decodeFrame } from "../../contract/frame.ts";
import { LIMITS } from "../../contract/limits.ts";
import { HeadMessage, StoredMessage } from "../../contract/messages.ts";
import { readBlock } from "../../contract/native-block.ts";
import { frameStream, subjects } from "../../contract/subjects.ts";
import { systemClock } from "../../runtime/clock.ts";
import { processEnvironment } from "../../runtime/env.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { connectNats, type Nats } from "../../runtime/nats.ts";
import { findNatsServer, type NatsServer, startNatsServer } from "../../runtime/nats-server.ts";
import {
  type AgentProcess,
  eventLines,
  framesIn,
  startAgentProcess,
  temporaryFolder,
  until,
} from "./agent-process.ts";
import { rowsOf } from "./capture-harness.ts";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

function folder(): string {
  const { path, remove } = temporaryFolder();
  cleanups.push(remove);
  return path;
}

async function startNats(storeDir = folder(), port = 0): Promise<NatsServer> {
  const binary = findNatsServer(processEnvironment());
  const server = await startNatsServer(
    { binary, storeDir, port, maxPayloadBytes: LIMITS.natsPayloadBytesMax },
    { clock: systemClock },
  );
  cleanups.push(() => server.kill());
  return server;
}

async function startAgent(path: string, natsUrl: string): Promise<AgentProcess> {
  const agent = await startAgentProcess(path, {
    DRIFTMEND_NATS_URL: natsUrl,
    DRIFTMEND_SHARDS: "1",
  });
  cleanups.push(() => agent.kill());
  return agent;
}

interface Published {
  readonly spool: string;
  readonly seq: number;
  readonly ids: unknown[];
  readonly streamSeq: number;
}

/** The collector's side: the stream, what comes through it, and what is told to agents. */
async function startCollector(url: string, maxBytes = 64 * 1024 * 1024) {
  const nats: Nats = await connectNats({ url, name: "test" }, { logger: silentLogger });
  cleanups.push(() => nats.close());
  await nats.manager.streams.add({
    name: frameStream(0),
    subjects: [subjects.frames(0)],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_bytes: maxBytes,
  });
  const heads: HeadMessage[] = [];
  nats.subscribe(subjects.all("head"), HeadMessage, (head) => {
    heads.push(head);
  });
  return {
    nats,
    heads,
    stored: (spool: string, storedThrough: number): void => {
      nats.publish(subjects.stored(spool), StoredMessage.parse({ spool, shard: 0, storedThrough }));
    },
    want: (spool: string, fromSeq: number): void => {
      nats.publish(subjects.want(spool), { spool, fromSeq });
    },
    /** Seqs of all frames in the stream, in its order, with the ids in them. */
    frames: async (): Promise<Published[]> => {
      const { state } = await nats.manager.streams.info(frameStream(0));
      if (state.messages === 0) return [];
      const consumer = await nats.jetstream.consumers.get(frameStream(0), {
        deliver_policy: DeliverPolicy.All,
      });
      const messages = await consumer.fetch({ max_messages: state.messages, expires: 5_000 });
      const frames: Published[] = [];
      for await (const message of messages) {
        const frame = decodeFrame(message.data);
        if (frame.kind === "bad") throw new Error(frame.reason);
        const ids = frame.sections.flatMap(({ payload }) => {
          return rowsOf(readBlock(payload)).map((row) => row["id"]);
        });
        const { spool, seq } = frame.header;
        frames.push({ spool, seq, ids, streamSeq: message.seq });
      }
      return frames;
    },
  };
}

describe("an agent without NATS", () => {
  it("takes requests in, and publishes them in order once NATS and the stream are there", async () => {
    const server = await startNats();
    await server.kill();
    const path = folder();
    const agent = await startAgent(path, `nats://127.0.0.1:${server.port}`);
    for (const id of ["a", "b", "c"]) {
      expect((await agent.post("/v1/events", eventLines([id]))).status).toBe(200);
    }
    const again = await startNats(folder(), server.port);
    await until(async () => (await agent.self()).natsConnected, "the agent is connected");
    const collector = await startCollector(again.url);
    await until(async () => (await collector.frames()).length >= 3, "the frames are published");
    const frames = await collector.frames();
    expect(frames.slice(0, 3).map(({ seq, ids }) => [seq, ids])).toEqual([
      [1, ["a"]],
      [2, ["b"]],
      [3, ["c"]],
    ]);
  });
});

describe("the spool", () => {
  it("keeps frames until they are stored, then says that it is empty", async () => {
    const server = await startNats();
    const collector = await startCollector(server.url);
    const path = folder();
    const agent = await startAgent(path, server.url);
    await agent.post("/v1/events", eventLines(["a"]));
    await agent.post("/v1/events", eventLines(["b"]));
    const { spool } = await agent.self();
    await until(() => collector.heads.some(({ nextSeq }) => nextSeq === 3), "a head is heard");
    const head = collector.heads.find(({ nextSeq }) => nextSeq === 3);
    expect(head).toMatchObject({ spool: spool.id, storedThrough: 0, models: ["m"] });
    expect(head?.oldestUnstoredMs).not.toBeNull();
    await until(async () => (await collector.frames()).length === 2, "both are published");
    collector.stored(spool.id, 1);
    await until(async () => (await agent.self()).spool.storedThrough === 1, "one is stored");
    collector.stored(spool.id, 2);
    await until(
      () => collector.heads.some((h) => h.storedThrough === 2 && h.oldestUnstoredMs === null),
      "the head says that nothing waits",
    );
    expect((await agent.self()).spool.unstoredFrames).toBe(0);
  });

  it("frees its files as frames are stored, and still knows repeated bodies", async () => {
    const server = await startNats();
    const collector = await startCollector(server.url);
    const path = folder();
    const agent = await startAgent(path, server.url);
    const bodies = Array.from({ length: 3 }, (_, round) => {
      return eventLines(Array.from({ length: 30_000 }, (_, i) => `${round}-${i}`));
    });
    for (const body of bodies) await agent.post("/v1/events", body);
    const { spool } = await agent.self();
    expect(spool.spoolBytes).toBeGreaterThan(5_000_000);
    collector.stored(spool.id, spool.nextSeq - 1);
    await until(async () => (await agent.self()).spool.spoolBytes === 0, "the spool is empty");
    await agent.kill();
    const again = await startAgent(path, server.url);
    const answer = await again.post("/v1/events", bodies[1] ?? "");
    expect(await answer.json()).toMatchObject({ repeated: true });
    expect((await again.self()).spool).toMatchObject({ id: spool.id, nextSeq: spool.nextSeq });
  });

  it("waits while the stream is full, and goes on by itself", async () => {
    const server = await startNats();
    const collector = await startCollector(server.url, 300_000);
    const agent = await startAgent(folder(), server.url);
    for (let round = 0; round < 6; round++) {
      const ids = Array.from({ length: 1_000 }, (_, i) => `${round}-${i}`);
      expect((await agent.post("/v1/events", eventLines(ids))).status).toBe(200);
    }
    await until(async () => {
      const { totals } = await agent.self();
      return (totals["frames.publish_failed"] ?? 0) > 0;
    }, "the stream refuses frames");
    const { spool } = await agent.self();
    const seen = new Set<number>();
    await until(async () => {
      const frames = await collector.frames();
      for (const { seq } of frames) seen.add(seq);
      const last = frames.at(-1)?.streamSeq ?? 0;
      await collector.nats.manager.streams.purge(frameStream(0), { seq: last + 1 });
      return seen.size === spool.nextSeq - 1;
    }, "all frames came through");
  });
});

describe("a collector", () => {
  it("gets frames again that it wants, and after the transport forgot them", async () => {
    const store = folder();
    const server = await startNats(store);
    const collector = await startCollector(server.url);
    const agent = await startAgent(folder(), server.url);
    for (const id of ["a", "b", "c"]) await agent.post("/v1/events", eventLines([id]));
    const { spool } = await agent.self();
    await until(async () => (await collector.frames()).length === 3, "all are published");
    collector.stored(spool.id, 1);
    await collector.nats.manager.streams.purge(frameStream(0));
    collector.want(spool.id, 2);
    await until(async () => (await collector.frames()).length === 2, "the wanted come again");
    expect((await collector.frames()).map(({ seq }) => seq)).toEqual([2, 3]);
    await collector.nats.close();
    await server.kill();
    const again = await startNats(folder(), server.port);
    const other = await startCollector(again.url);
    await until(async () => (await other.frames()).length >= 2, "they come again by themselves");
    expect((await other.frames()).slice(0, 2).map(({ ids }) => ids)).toEqual([["b"], ["c"]]);
  });

  it("hears nothing new from a restarted agent before it has said how far the spool is stored", async () => {
    const server = await startNats();
    const collector = await startCollector(server.url);
    const path = folder();
    const first = await startAgent(path, server.url);
    await first.post("/v1/events", eventLines(["a"]));
    await until(async () => (await collector.frames()).length === 1, "it is published");
    await first.kill();
    const agent = await startAgent(path, server.url);
    await agent.post("/v1/events", eventLines(["b"]));
    const { spool } = await agent.self();
    await until(async () => (await collector.frames()).length === 2, "the old frame comes again");
    collector.heads.length = 0;
    await until(() => collector.heads.length > 0, "the agent listens");
    collector.stored(spool.id, 1);
    await until(async () => (await collector.frames()).length === 3, "the new one is published");
    expect((await collector.frames()).map(({ seq }) => seq)).toEqual([1, 1, 2]);
  });
});

describe("a copied folder (A11)", () => {
  it("takes another name for what is its own, and leaves the rest to the original", async () => {
    const server = await startNats();
    const collector = await startCollector(server.url);
    const path = folder();
    const original = await startAgent(path, server.url);
    await original.post("/v1/events", eventLines(["before"]));
    await original.kill();
    const copied = folder();
    cpSync(path, copied, { recursive: true });
    const { id } = (await restart(path, server.url)).spool;
    const copy = await startAgent(copied, "nats://127.0.0.1:1");
    await copy.post("/v1/events", eventLines(["after the copy"]));
    await copy.kill();
    collector.heads.length = 0;
    const connected = await startAgent(copied, server.url);
    expect((await connected.self()).spool.id).toBe(id);
    await until(() => collector.heads.length > 0, "the copy listens");
    collector.stored(id, 5);
    await until(async () => (await connected.self()).spool.id !== id, "it has another name");
    const { spool } = await connected.self();
    expect(spool).toMatchObject({ nextSeq: 2, storedThrough: 0 });
    await until(async () => {
      return (await collector.frames()).some((frame) => frame.spool === spool.id);
    }, "its own frame is published");
    const own = (await collector.frames()).filter((frame) => frame.spool === spool.id);
    expect(own).toMatchObject([{ spool: spool.id, seq: 1, ids: ["after the copy"] }]);
    expect(readdirSync(copied)).not.toContain(`frames-${id}`);
    expect(framesIn(copied)).toHaveLength(1);
    const repeated = await connected.post("/v1/events", eventLines(["after the copy"]));
    expect(await repeated.json()).toMatchObject({ repeated: true });
  });
});

/** Starts the agent once more and leaves it stopped. */
async function restart(path: string, natsUrl: string) {
  const agent = await startAgent(path, natsUrl);
  const self = await agent.self();
  await agent.kill();
  return self;
}

describe("onboarding documents", () => {
  it("decide which numbers are categories and what is hidden, and are kept over restarts", async () => {
    const server = await startNats();
    const collector = await startCollector(server.url);
    const features = {
      mcc: { type: "categorical" },
      amount: { type: "numeric" },
      email: { type: "text", redact: "hash" },
      street: { redact: "drop" },
    };
    const document = { features };
    collector.nats.respond(subjects.models, () => [{ model: "cards", revision: 1, document }]);
    const path = folder();
    const agent = await startAgent(path, server.url);
    await until(() => readdirSync(path).includes("documents.json"), "the documents are there");
    await agent.kill();
    const alone = await startAgent(path, "nats://127.0.0.1:1");
    const event = {
      model: "cards",
      id: "1",
      features: { mcc: 5411, amount: "12.5", email: "a@b.example", street: "High Street" },
    };
    await alone.post("/v1/events", JSON.stringify(event));
    await alone.stop();
    const [row] = framesIn(path)
      .flatMap(({ sections }) => sections)
      .flatMap(({ payload }) => rowsOf(readBlock(payload)));
    expect(row?.["num"]).toEqual([["amount", 12.5]]);
    expect(row?.["cat"]).toEqual([
      ["mcc", "5411"],
      ["email", expect.stringMatching(/^[0-9a-f]{16}$/)],
    ]);
  });

  it("are asked for again after NATS was away: what changed meanwhile was not heard", async () => {
    const server = await startNats();
    const path = folder();
    const document = (redact: "hash" | "drop") => [
      { model: "cards", revision: 1, document: { features: { email: { redact } } } },
    ];
    const kept = (): string => {
      const isThere = readdirSync(path).includes("documents.json");
      return isThere ? readFileSync(join(path, "documents.json"), "utf8") : "";
    };
    const first = await startCollector(server.url);
    first.nats.respond(subjects.models, () => document("hash"));
    await startAgent(path, server.url);
    await until(() => kept().includes("hash"), "the document is there");
    await first.nats.close();
    await server.kill();
    const again = await startNats(folder(), server.port);
    const second = await connectNats({ url: again.url, name: "test" }, { logger: silentLogger });
    cleanups.push(() => second.close());
    second.respond(subjects.models, () => document("drop"));
    await until(() => kept().includes("drop"), "the changed document is there");
  });
});
