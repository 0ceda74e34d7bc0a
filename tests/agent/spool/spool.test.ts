/** The spool's own promises, without a process around it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Batch } from "../../../agent/columns/frame-builder.ts";
import { lockFolder } from "../../../agent/spool/folder-lock.ts";
import { Spool } from "../../../agent/spool/spool.ts";
import { decodeFrame } from "../../../contract/frame.ts";
import { buildPredictionBlock } from "../../../contract/payload-blocks.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { framesIn, temporaryFolder } from "../agent-process.ts";
import { NOW_MS } from "../capture-harness.ts";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

function folder(): string {
  const { path, remove } = temporaryFolder();
  cleanups.push(remove);
  return path;
}

let serial = 0;
function openSpool(path: string, nowMs = NOW_MS): Promise<Spool> {
  return Spool.open(path, {
    nowMs: () => nowMs,
    logger: silentLogger,
    randomHex: () => String(++serial).padStart(32, "0"),
  });
}

/** A batch of as many frames as ids are given, as one request makes them. */
function batch(ids: readonly string[], digest: string): Batch {
  const frames = ids.map((id) => {
    const payload = buildPredictionBlock([{ model: "m", id, ts: NOW_MS }]);
    const section = {
      table: "predictions" as const,
      rows: 1,
      bytes: payload.length,
      fromMs: NOW_MS,
      toMs: NOW_MS,
      models: { m: 1 },
    };
    return { sections: [section], payloads: [payload] };
  });
  return { frames, digests: [digest.padStart(32, "0")], clocks: [], bytes: 0 };
}

function segmentOf(path: string): string {
  const frames = readdirSync(path).find((name) => name.startsWith("frames-")) ?? "";
  return join(path, frames, readdirSync(join(path, frames))[0] ?? "");
}

describe("a request of several frames that was not written to its end", () => {
  it("is forgotten as a whole at any cut, and the frames before it stay", async () => {
    const path = folder();
    const spool = await openSpool(path);
    await spool.append(batch(["a"], "a"));
    const kept = readFileSync(segmentOf(path)).length;
    await spool.append(batch(["b1", "b2", "b3"], "b"));
    await spool.close();
    const whole = readFileSync(segmentOf(path));
    for (let cut = kept; cut < whole.length; cut += 97) {
      writeFileSync(segmentOf(path), whole.subarray(0, cut));
      const state = join(path, "spool.json");
      const before: unknown = JSON.parse(readFileSync(state, "utf8"));
      writeFileSync(
        state,
        JSON.stringify({ ...Object(before), nextSeq: 1, unconfirmedFrom: null }),
      );
      const again = await openSpool(path);
      expect([again.nextSeq, again.unstoredFrames]).toEqual([2, 1]);
      expect(again.digests.has("b".padStart(32, "0"))).toBe(false);
      expect(again.digests.has("a".padStart(32, "0"))).toBe(true);
      await again.close();
      expect(readFileSync(segmentOf(path)).length).toBe(kept);
    }
  });
});

describe("digests", () => {
  it("are forgotten after 15 minutes, not before", async () => {
    const path = folder();
    const digest = "d".padStart(32, "0");
    const first = await openSpool(path);
    await first.append(batch(["a"], "d"));
    await first.close();
    const soon = await openSpool(path, NOW_MS + 14 * 60_000);
    await soon.prune();
    expect(soon.digests.has(digest)).toBe(true);
    await soon.close();
    const late = await openSpool(path, NOW_MS + 16 * 60_000);
    await late.prune();
    expect(late.digests.has(digest)).toBe(false);
    await late.close();
  });
});

describe("frames that are lost to damage at the end of a spool whose state knows them", () => {
  it("are replaced by empty ones, so that numbers have no gap", async () => {
    const path = folder();
    const first = await openSpool(path);
    for (const id of ["a", "b", "c"]) await first.append(batch([id], id));
    await first.close();
    const [frame] = framesIn(path);
    truncateSync(segmentOf(path), (frame?.frameBytes ?? 0) + 10);
    const second = await openSpool(path);
    expect([second.nextSeq, second.unstoredFrames]).toEqual([4, 3]);
    expect((await second.read(2))?.includes('"seq":2')).toBe(true);
    await second.append(batch(["d"], "d"));
    expect(second.nextSeq).toBe(5);
    await second.close();
  });
});

describe("a spool that was killed when it had given stored frames' space up, and not yet noted that they are stored", () => {
  it("publishes nothing under their numbers before a collector has said whether it knows them", async () => {
    const path = folder();
    const first = await openSpool(path);
    const asOpened = readFileSync(join(path, "spool.json"));
    for (const id of ["a", "b", "c"]) await first.append(batch([id], id));
    await first.close();
    writeFileSync(join(path, "spool.json"), asOpened);
    truncateSync(segmentOf(path));
    const second = await openSpool(path);
    await second.append(batch(["d"], "d"));
    expect([second.unconfirmedFrom, second.nextSeq]).toEqual([1, 2]);
    // It knows them: what came since gets another name, and is there.
    await second.becomeAnother();
    expect([second.id === first.id, second.unconfirmedFrom, second.nextSeq]).toEqual([
      false,
      null,
      2,
    ]);
    const frame = decodeFrame((await second.read(1)) ?? Buffer.alloc(0));
    expect(frame.kind === "frame" && frame.header.sections.length).toBe(1);
    await second.close();
  });
});

describe("a frame that is stored while it is read again", () => {
  it("is no error, whatever became of its file", async () => {
    const path = folder();
    const spool = await openSpool(path);
    await spool.append(batch(["a"], "a"));
    spool.wasPublished(1);
    unlinkSync(segmentOf(path));
    const read = spool.read(1);
    await Promise.all([spool.markStored(1), expect(read).resolves.toBeNull()]);
    await spool.close();
  });
});

describe("a frame that is damaged while it waits", () => {
  it("is replaced by an empty one, as is one whose file was deleted; the others are as they were", async () => {
    const path = folder();
    const spool = await openSpool(path);
    for (const id of ["a", "b", "c"]) await spool.append(batch([id], id));
    for (const seq of [1, 2, 3]) spool.wasPublished(seq);
    const [first, second] = framesIn(path);
    const bytes = readFileSync(segmentOf(path));
    const inside = (first?.frameBytes ?? 0) + (second?.frameBytes ?? 0) - 5;
    bytes[inside] = (bytes[inside] ?? 0) ^ 1;
    writeFileSync(segmentOf(path), bytes);
    const sections = async (seq: number): Promise<number> => {
      const frame = decodeFrame((await spool.read(seq)) ?? Buffer.alloc(0));
      if (frame.kind === "bad") throw new Error(frame.reason);
      expect(frame.header.seq).toBe(seq);
      return frame.header.sections.length;
    };
    expect(await Promise.all([1, 2, 3].map(sections))).toEqual([1, 0, 1]);
    unlinkSync(segmentOf(path));
    expect(await Promise.all([1, 2, 3].map(sections))).toEqual([0, 0, 0]);
    expect([spool.nextSeq, spool.unstoredFrames]).toEqual([4, 3]);
    await spool.close();
  });
});

describe("the lock", () => {
  it("keeps a second agent out, also one with the same pid, as in containers", async () => {
    const path = folder();
    mkdirSync(path, { recursive: true });
    const unlock = await lockFolder(path);
    const second = lockFolder(path);
    await expect(second).rejects.toMatchObject({ code: "spool_in_use" });
    unlock();
    (await lockFolder(path))();
  });

  it("of a process that was killed is free, as is one of a version before this one", async () => {
    const path = folder();
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "lock"), JSON.stringify({ pid: process.ppid, started: "unknown" }));
    const script = `
      import { lockFolder } from ${JSON.stringify(import.meta.resolve("../../../agent/spool/folder-lock.ts"))};
      await lockFolder(${JSON.stringify(path)});
      process.send("locked");
      process.on("disconnect", () => process.exit(0));`;
    const holder = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    await once(holder, "message");
    await expect(lockFolder(path)).rejects.toMatchObject({ code: "spool_in_use" });
    holder.kill("SIGKILL");
    await once(holder, "exit");
    (await lockFolder(path))();
    expect(readdirSync(path)).toEqual(["spool.lock"]);
  });
});
