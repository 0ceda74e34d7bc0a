/** Halves that wait: bounded, given up in time, and on disk until then. */
import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { Half } from "../../../agent/pairs/half.ts";
import { HalfLog } from "../../../agent/pairs/half-log.ts";
import { PairBook } from "../../../agent/pairs/pair-book.ts";
import { LIMITS } from "../../../contract/limits.ts";
import { temporaryFolder } from "../agent-process.ts";

const NOW = 1_000_000_000;
const half = (key: string, side: Half["side"], change: Partial<Half> = {}): Half => ({
  ...{ key, side, model: "m", id: key, timeMs: NOW, cameMs: NOW, headers: {}, tags: {} },
  ...{ jsonBytes: null, body: Buffer.from(`${key} ${side}`) },
  ...change,
});

describe("the book of pairs", () => {
  it("whatever the order, pairs what belongs together, and nothing else", () => {
    const event = fc.tuple(fc.constantFrom("a", "b", "c"), fc.constantFrom("request", "response"));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const book = new PairBook();
        const waiting = new Map<string, string>();
        for (const [key, side] of events) {
          const one = half(key, side as Half["side"]);
          const met = book.meet(one);
          const other = waiting.get(key);
          if (other === undefined) {
            expect(met.kind).toBe("waits");
            book.add(one);
            waiting.set(key, side);
          } else if (other === side) {
            expect(met.kind).toBe("again");
          } else {
            expect(met).toMatchObject({
              kind: "pair",
              pair: { request: { key, side: "request" }, response: { key, side: "response" } },
            });
            waiting.delete(key);
          }
          expect(book.size).toBe(waiting.size);
        }
      }),
    );
  });

  it("gives the oldest up beyond its bytes, and all that waited too long", () => {
    const book = new PairBook();
    const large = (key: string, cameMs: number) =>
      half(key, "request", { cameMs, body: Buffer.alloc(LIMITS.pairBytesMax / 2) });
    expect(book.add(large("a", NOW))).toEqual([]);
    expect(book.add(large("b", NOW + 1))).toEqual([]);
    expect(book.add(large("c", NOW + 2)).map(({ key }) => key)).toEqual(["a"]);
    expect(book.expire(NOW + 1 + LIMITS.pairWindowMs).map(({ key }) => key)).toEqual(["b"]);
    expect(book.size).toBe(1);
  });
});

describe("the log of halves", () => {
  const cleanups: (() => void)[] = [];
  afterEach(() => {
    for (const clean of cleanups.splice(0)) clean();
  });
  const folder = (): string => {
    const { path, remove } = temporaryFolder();
    cleanups.push(remove);
    return path;
  };
  const keysIn = async (path: string, nowMs: number): Promise<string[]> => {
    const { log, halves } = await HalfLog.open(path, nowMs);
    await log.close();
    return halves.map(({ key }) => key);
  };

  it("has after a restart what waited, whole, and not what was paired or waited too long", async () => {
    const path = folder();
    const { log } = await HalfLog.open(path, NOW);
    await Promise.all([log.append(half("a", "request")), log.append(half("b", "response"))]);
    log.met("b", NOW);
    await log.append(half("c", "request", { cameMs: NOW + 2_000 }));
    await log.close();
    const { log: again, halves } = await HalfLog.open(path, NOW + 5_000);
    expect(halves).toEqual([half("a", "request"), half("c", "request", { cameMs: NOW + 2_000 })]);
    await again.close();
    expect(await keysIn(path, NOW + LIMITS.pairWindowMs + 1_000)).toEqual(["c"]);
  });

  it("goes on in another file each minute, though there is always something to write", async () => {
    const path = folder();
    const { log } = await HalfLog.open(path, NOW);
    const writes: Promise<void>[] = [];
    for (let i = 0; i < 60; i++) {
      writes.push(log.append(half(`h-${i}`, "request", { cameMs: NOW + i * 10_000 })));
      if (i % 3 === 0) await writes[Math.max(0, i - 2)];
    }
    await Promise.all(writes);
    expect(readdirSync(path).length).toBeGreaterThan(5);
    await log.prune(NOW + 600_000 + LIMITS.pairWindowMs);
    expect(readdirSync(path)).toHaveLength(1);
    await log.close();
  });

  it("takes a torn end for what it is", async () => {
    const path = folder();
    const { log } = await HalfLog.open(path, NOW);
    await log.append(half("a", "request"));
    await log.close();
    const [file = ""] = readdirSync(path);
    appendFileSync(join(path, file), Buffer.alloc(40, 7));
    expect(await keysIn(path, NOW)).toEqual(["a"]);
  });

  it("deletes files of which nothing can be paired any more", async () => {
    const path = folder();
    const { log } = await HalfLog.open(path, NOW);
    await log.append(half("a", "request"));
    const laterMs = NOW + LIMITS.pairWindowMs + 120_000;
    await log.append(half("b", "request", { cameMs: laterMs }));
    await log.prune(laterMs);
    expect(readdirSync(path)).toHaveLength(1);
    await log.close();
    expect(await keysIn(path, laterMs)).toEqual(["b"]);
  });
});
