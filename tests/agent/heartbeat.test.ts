import { afterEach, describe, expect, it } from "vitest";
import { Heartbeat } from "../../agent/heartbeat.ts";
import { framesIn, startAgentProcess, temporaryFolder, until } from "./agent-process.ts";

const PERIOD_MS = 60_000;

/** A spool and an intake as the heartbeat sees them, and time that passes when it is told to. */
function rig() {
  let nowMs = 0;
  const spool = { nextSeq: 1, storedThrough: 0 };
  const state = { beats: 0, refuses: false };
  const intake = {
    heartbeat: async () => {
      if (state.refuses) throw new Error("the spool is full");
      state.beats++;
      spool.nextSeq++;
    },
  };
  const clock = { monotonicMs: () => nowMs, nowMs: () => 1_000_000 + nowMs };
  const heartbeat = new Heartbeat({ spool, intake, clock, periodMs: PERIOD_MS });
  const pass = async (ms: number): Promise<void> => {
    for (const endMs = nowMs + ms; nowMs < endMs; ) {
      nowMs += 1_000;
      await heartbeat.look();
    }
  };
  return { spool, state, heartbeat, pass };
}

describe("a heartbeat", () => {
  it("is sent when nothing came for a while, and says how long its way took", async () => {
    const { spool, state, heartbeat, pass } = rig();
    await pass(PERIOD_MS - 1_000);
    expect(state.beats).toBe(0);
    await pass(1_000);
    expect(state.beats).toBe(1);
    expect(heartbeat.lastProven).toBeNull();
    await pass(3_000);
    spool.storedThrough = 1;
    await pass(1_000);
    expect(heartbeat.lastProven).toEqual({ atMs: 1_000_000 + PERIOD_MS + 4_000, tookMs: 4_000 });
    await pass(PERIOD_MS);
    expect(state.beats).toBe(2);
  });

  it("is not sent while data comes, whose storing proves as much, nor while one is on its way", async () => {
    const { spool, state, heartbeat, pass } = rig();
    for (let i = 1; i <= 5; i++) {
      spool.nextSeq++;
      await pass(PERIOD_MS / 2);
      spool.storedThrough = i;
    }
    await pass(1_000);
    expect(state.beats).toBe(0);
    expect(heartbeat.lastProven).toMatchObject({ tookMs: null });
    await pass(10 * PERIOD_MS);
    expect(state.beats).toBe(1);
  });

  it("waits where nothing can be taken in", async () => {
    const { state, pass } = rig();
    state.refuses = true;
    await pass(3 * PERIOD_MS);
    state.refuses = false;
    await pass(1_000);
    expect(state.beats).toBe(1);
  });
});

describe("an agent that nobody sends anything", () => {
  const cleanups: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const clean of cleanups.splice(0).toReversed()) await clean();
  });

  it("writes one frame without rows, and no second one before it is stored", async () => {
    const { path, remove } = temporaryFolder();
    cleanups.push(remove);
    const agent = await startAgentProcess(path, { DRIFTMEND_HEARTBEAT_SECONDS: "1" });
    cleanups.push(() => agent.kill());
    await until(() => framesIn(path).length === 1, "the heartbeat is on disk");
    expect(framesIn(path)[0]?.header.sections).toEqual([]);
    await new Promise((done) => setTimeout(done, 2_500));
    expect(framesIn(path)).toHaveLength(1);
  });
});
