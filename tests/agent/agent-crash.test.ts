/** The promise from the 2xx on: what the agent answered is there after any kill, and what is sent again is there once. */
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  type AgentProcess,
  eventLines,
  framesIn,
  startAgentProcess,
  temporaryFolder,
  until,
} from "./agent-process.ts";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

function folder(): string {
  const { path, remove } = temporaryFolder();
  cleanups.push(remove);
  return path;
}

async function start(path: string, env: Record<string, string> = {}): Promise<AgentProcess> {
  const agent = await startAgentProcess(path, env);
  cleanups.push(() => agent.kill());
  return agent;
}

const BODY = eventLines(["a", "b"]);

/** Sends a body, never hears the answer, and kills the agent as soon as the frame is on disk. */
async function sendAndKill(path: string): Promise<void> {
  const agent = await start(path);
  const sent = httpRequest(`${agent.url}/v1/events`, { method: "POST" });
  sent.on("error", () => undefined);
  sent.on("response", (response) => response.destroy());
  sent.end(BODY);
  await until(() => framesIn(path).length === 1, "the frame is on disk");
  await agent.kill();
}

describe("an agent that is killed after its fsync, before its answer was heard", () => {
  it("makes no second frame of the same body (A3)", async () => {
    const path = folder();
    await sendAndKill(path);
    const agent = await start(path);
    const answer = await agent.post("/v1/events", BODY);
    expect(await answer.json()).toMatchObject({ accepted: 0, repeated: true });
    await agent.stop();
    expect(framesIn(path).map(({ header }) => header.sections[0]?.rows)).toEqual([2]);
  });

  it("would make two if it did not remember digests: the test sees the difference", async () => {
    const path = folder();
    await sendAndKill(path);
    const file = join(path, "spool.json");
    const state: unknown = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...Object(state), digestKey: "0".repeat(32) }));
    const agent = await start(path);
    const answer = await agent.post("/v1/events", BODY);
    expect(await answer.json()).toMatchObject({ accepted: 2, repeated: false });
    await agent.stop();
    expect(framesIn(path)).toHaveLength(2);
  });
});

describe("a restart", () => {
  it("keeps identity, numbers, clocks and digests, however it came about", async () => {
    const path = folder();
    const first = await start(path);
    await first.post("/v1/events", BODY);
    await first.post("/v1/clock", '{"model":"replayed","time":"2001-03-05T00:00:00Z"}');
    const before = await first.self();
    await first.kill();
    const second = await start(path);
    const after = await second.self();
    expect(after.spool).toMatchObject({ id: before.spool.id, nextSeq: before.spool.nextSeq });
    expect(after.clocks).toEqual({ replayed: "2001-03-05T00:00:00.000Z" });
    const old = JSON.stringify({ model: "replayed", id: "1", time: "2001-03-05T00:30:00Z" });
    expect(await (await second.post("/v1/events", old)).json()).toMatchObject({ accepted: 1 });
    await second.post("/v1/clock", '{"model":"replayed","time":"wall"}');
    expect(await second.stop()).toBe(0);
    const third = await start(path);
    expect((await third.self()).clocks).toEqual({});
    expect(await (await third.post("/v1/events", BODY)).json()).toMatchObject({ repeated: true });
    const late = JSON.stringify({ model: "replayed", id: "2", time: "2001-03-05T00:40:00Z" });
    expect(await (await third.post("/v1/events", late)).json()).toMatchObject({
      reasons: { time_too_old: 1 },
    });
  });

  it("cuts off a torn end and goes on behind the last whole frame", async () => {
    const path = folder();
    const first = await start(path);
    await first.post("/v1/events", eventLines(["a"]));
    await first.post("/v1/events", eventLines(["b"]));
    await first.kill();
    const frames = join(path, readdirSync(path).find((name) => name.startsWith("frames-")) ?? "");
    const segment = join(frames, readdirSync(frames)[0] ?? "");
    appendFileSync(segment, readFileSync(segment).subarray(0, 100));
    const second = await start(path);
    expect(await (await second.post("/v1/events", eventLines(["c"]))).json()).toMatchObject({
      accepted: 1,
    });
    await second.stop();
    expect(framesIn(path).map(({ header }) => header.seq)).toEqual([1, 2, 3]);
  });

  it("keeps the numbers of frames that damage in the middle destroyed", async () => {
    const path = folder();
    const first = await start(path);
    for (const id of ["a", "b", "c"]) await first.post("/v1/events", eventLines([id]));
    await first.kill();
    const frames = join(path, readdirSync(path).find((name) => name.startsWith("frames-")) ?? "");
    const segment = join(frames, readdirSync(frames)[0] ?? "");
    const bytes = readFileSync(segment);
    const middle = (framesIn(path)[0]?.frameBytes ?? 0) + 300;
    bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
    writeFileSync(segment, bytes);
    const second = await start(path);
    expect((await second.self()).spool).toMatchObject({ nextSeq: 4, unstoredFrames: 3 });
  });
});

describe("the spool's folder", () => {
  it("is one agent's: a second one says that another uses it, and needs no clean-up after a kill", async () => {
    const path = folder();
    const first = await start(path);
    await expect(startAgentProcess(path)).rejects.toThrow(
      `Cannot open the spool in "${path}" as its only user: another agent uses it`,
    );
    await first.kill();
    await (await start(path)).stop();
  });

  it("of a newer version is not touched", async () => {
    const path = folder();
    writeFileSync(join(path, "spool.json"), '{"format": 2}');
    await expect(startAgentProcess(path)).rejects.toThrow("spool_state_invalid");
    expect(readFileSync(join(path, "spool.json"), "utf8")).toBe('{"format": 2}');
  });
});

describe("under load", () => {
  it("loses nothing that was answered and doubles nothing, over five kills at any moment", async () => {
    const path = folder();
    let agent = await start(path);
    const answered = new Set<string>();
    let serial = 0;
    for (let round = 0; round < 5; round++) {
      const senders = Array.from({ length: 8 }, async () => {
        for (;;) {
          const id = `id-${serial++}`;
          if (!(await sendUntilAnswered(() => agent, id, round))) return;
          answered.add(id);
        }
      });
      await until(() => answered.size > (round + 1) * 100, "requests are answered");
      await agent.kill();
      agent = await start(path);
      killedRounds.add(round);
      await Promise.all(senders);
    }
    killedRounds.clear();
    await agent.stop();
    const rows = framesIn(path).flatMap(({ header }) => header.sections);
    const stored = rows.reduce((sum, section) => sum + section.rows, 0);
    expect(stored).toBe(answered.size);
  }, 120_000);
});

const killedRounds = new Set<number>();

/** Re-sends the same bytes until they are answered, as exporters do; false where it must stop before sending. */
async function sendUntilAnswered(
  agent: () => AgentProcess,
  id: string,
  round: number,
): Promise<boolean> {
  if (killedRounds.has(round)) return false;
  for (;;) {
    try {
      const answer = await agent().post("/v1/events", eventLines([id]));
      if (answer.status === 200) return true;
    } catch {
      await new Promise((done) => setTimeout(done, 20));
    }
  }
}
