/** What counters were last known by, over starts and on a disk that is full. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type BookEntry, BaselineBook } from "../../../agent/server-metrics/baseline-book.ts";
import { fillDisk, smallDisk } from "../../support/small-disk.ts";

const NOW_MS = Date.UTC(2026, 0, 15);

function entryOf(key: string): BookEntry {
  const baseline = { timeMs: NOW_MS, startMs: NOW_MS, values: [7], edges: [] };
  return { digest: "", key, readMs: NOW_MS, baselines: [["requests", baseline]] };
}

it("opens on a full disk with what it knew, and takes entries again once there is room", async (context) => {
  const disk = smallDisk(1) ?? context.skip("mounting a small file system needs root");
  const filler = join(disk.path, "filler");
  const open = (): Promise<BaselineBook> => BaselineBook.open(disk.path, NOW_MS, () => true);
  try {
    const first = await open();
    await first.write([entryOf("before")]);
    await first.close();
    fillDisk(filler);
    const second = await open();
    expect(second.readMs("before")).toBe(NOW_MS);
    await expect(second.write([entryOf("full")])).rejects.toThrow("ENOSPC");
    rmSync(filler);
    await second.write([entryOf("after")]);
    await second.close();
    const third = await open();
    const known = ["before", "full", "after"].map((key) => third.readMs(key));
    expect(known).toEqual([NOW_MS, null, NOW_MS]);
    await third.close();
  } finally {
    disk.remove();
  }
});
