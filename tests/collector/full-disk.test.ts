/** A disk of ClickHouse that fills in the middle of the work: said with what to do, and nothing lost or doubled. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/random.ts";
import { smallDisk } from "../support/small-disk.ts";
import { startHarness, until } from "./harness.ts";

const MEGABYTE = 1024 * 1024;
const ROWS = 2_000;

describe("a disk of ClickHouse that is full", () => {
  it("stops a shard with what to do, and everything is stored once when there is space", async (context) => {
    const disk = smallDisk(160);
    if (disk === null) {
      context.skip("mounting a small file system needs root");
      return;
    }
    const harness = await startHarness(disk.path);
    try {
      const running = await harness.collect();
      const runner = running.collector.runners[0];
      const spool = harness.spool();
      const now = Date.now();
      const filler = join(disk.path, "filler");
      const random = seededRandom(32);
      let sent = 0;
      const send = async (): Promise<void> => {
        const predictions = Array.from({ length: ROWS }, (_, i) => ({
          model: "full",
          id: `full-${sent + i}`,
          ts: now - i,
          num: Object.fromEntries(
            Array.from({ length: 40 }, (_unused, x) => [`x${x}`, random.next()]),
          ),
        }));
        await spool.send({ predictions });
        sent += ROWS;
      };
      await send();
      await until(() => spool.storedThrough === 1, "the first group is stored");
      fill(filler);
      for (let round = 0; round < 20 && runner?.stuck.failing == null; round++) {
        await send();
        await until(
          () => runner?.stuck.failing != null || spool.storedThrough === spool.frames.length,
          "the group is stored or fails",
        );
      }
      expect(runner?.stuck.failing?.reason).toContain("Free space on the disk of ClickHouse");
      rmSync(filler);
      await until(() => spool.storedThrough === spool.frames.length, "all is stored");
      expect(runner?.stuck.failing).toBeNull();
      expect(await harness.count("SELECT count() AS n FROM predictions")).toBe(sent);
      expect(await harness.count("SELECT uniqExact(id) AS n FROM predictions")).toBe(sent);
      expect(
        await harness.count("SELECT sum(n) AS n FROM model_minutes WHERE segment_tag = ''"),
      ).toBe(sent);
      expect(
        await harness.count(
          "SELECT sum(n) AS n FROM feature_hours WHERE feature = 'x0' AND segment_tag = ''",
        ),
      ).toBe(sent);
      expect(await harness.count("SELECT count() AS n FROM groups_set_aside")).toBe(0);
    } finally {
      await harness[Symbol.asyncDispose]();
      disk.remove();
    }
  }, 120_000);
});

/** Until nothing more can be written. */
function fill(path: string): void {
  const piece = Buffer.alloc(MEGABYTE / 4);
  for (let size = piece.length; size >= 4096; size /= 2) {
    try {
      for (;;) writeFileSync(path, piece.subarray(0, size), { flag: "a" });
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    }
  }
}
