/** When the wall's watermark is told, and what it says. */
import { beforeEach, describe, expect, it } from "vitest";
import { HeadBook } from "../../collector/head-book.ts";
import { Watermarks } from "../../collector/watermarks.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { HeadMessage } from "../../contract/messages.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";

const START_MS = Date.UTC(2026, 0, 5);
const SPOOL = "0".repeat(32);
let nowMs: number;
let told: unknown[];
let heads: HeadBook;
let written: unknown[];
let storeIsAway: boolean;
let watermarks: Watermarks;

beforeEach(() => {
  nowMs = START_MS;
  told = [];
  written = [];
  storeIsAway = false;
  heads = new HeadBook(nowMs);
  watermarks = new Watermarks({
    store: { query: () => Promise.resolve([]), insert },
    nats: { publish: (_subject, message) => told.push(message) },
    clock: { ...systemClock, nowMs: () => nowMs },
    logger: silentLogger,
    heads,
    storedThrough: () => 0,
  });
  watermarks.noteModels(["m"]);
});

function insert(_table: string, rows: readonly object[]): Promise<void> {
  if (storeIsAway) return Promise.reject(new Error("the store is away"));
  written.push(...rows);
  return Promise.resolve();
}

function tellAfter(ms: number): unknown[] {
  nowMs += ms;
  told.length = 0;
  watermarks.publishAll();
  return told.map((message) => (message as { watermarkMs: number }).watermarkMs);
}

function hear(oldestUnstoredMs: number | null): void {
  const nextSeq = oldestUnstoredMs === null ? 1 : 2;
  const head: HeadMessage = {
    spool: SPOOL,
    shard: 0,
    nextSeq,
    storedThrough: 0,
    oldestUnstoredMs,
    models: ["m"],
    sentMs: nowMs,
  };
  heads.hear(head, nowMs);
}

describe("the wall's watermark", () => {
  it("waits after a start until an agent with a backlog must have been heard", () => {
    expect(tellAfter(2_000)).toEqual([]);
    expect(tellAfter(LIMITS.spoolLiveMs - 3_000)).toEqual([]);
    hear(START_MS - 3_600_000);
    expect(tellAfter(2_000)).toEqual([START_MS - 3_600_000]);
  });

  it("is now once everything is stored, also when no agent is left", () => {
    hear(null);
    expect(tellAfter(LIMITS.spoolLiveMs + 1)).toEqual([nowMs]);
    expect(tellAfter(60_000)).toEqual([nowMs]);
  });

  it("waits again when NATS was away, since agents went on taking requests in", () => {
    expect(tellAfter(60_000)).toEqual([nowMs]);
    heads.wentDeaf();
    expect(tellAfter(60_000)).toEqual([]);
    heads.hearsAgain(nowMs);
    expect(tellAfter(2_000)).toEqual([]);
    hear(nowMs - 30_000);
    const backlogMs = nowMs - 30_000;
    expect(tellAfter(LIMITS.spoolLiveMs - 1_000)).toEqual([backlogMs]);
  });
});

describe("a clock that was announced while the store was away", () => {
  it("is told at once and written as soon as the store is back", async () => {
    storeIsAway = true;
    await watermarks.apply([{ model: "m", time_ms: 5 }]);
    expect(told).toMatchObject([{ clock: "replay", watermarkMs: 5 }]);
    watermarks.publishAll();
    await watermarks.flush();
    storeIsAway = false;
    watermarks.publishAll();
    watermarks.publishAll();
    await watermarks.flush();
    expect(written).toMatchObject([{ model: "m", clock: "replay", time: 5 }]);
  });
});
