/** What is asked of V8 must be known to it, and must not make buffers count against the heap's own limit. */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { freeBytes, freeOwn, freeWhole } from "../../runtime/buffer-memory.ts";

const MODULE = resolve(import.meta.dirname, "..", "..", "runtime", "buffer-memory.ts");

describe("a process that collects buffers with its heap", () => {
  it("may hold more of them than its heap may grow to, and is told nothing of unknown flags", () => {
    const program = `
      import { collectBuffersWithHeap, collectOldObjectsSoon } from ${JSON.stringify(MODULE)};
      collectBuffersWithHeap();
      collectOldObjectsSoon();
      const kept = Array.from({ length: 256 }, () => Buffer.alloc(1 << 20, 1));
      for (let i = 0; i < 1024; i++) Buffer.alloc(1 << 20, 1);
      process.stdout.write(String(kept.reduce((sum, buffer) => sum + buffer.length, 0)));`;
    const flags = ["--max-old-space-size=64", "--input-type=module", "-e", program];
    const { status, stdout, stderr } = spawnSync(process.execPath, flags, { encoding: "utf8" });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "268435456", stderr: "" });
  });
});

describe("bytes that are done with", () => {
  it("are given back at once where their memory is theirs alone", () => {
    const bytes = Buffer.allocUnsafeSlow(1 << 20);
    freeBytes(bytes);
    expect(bytes.length).toBe(0);
  });

  it("are left alone where others have a part of it, unless all of it is meant", () => {
    const all = Buffer.alloc(1 << 20, 7);
    const part = all.subarray(0, 10);
    freeBytes(part);
    expect(all[0]).toBe(7);
    freeWhole(part);
    expect([part.length, all.length]).toEqual([0, 0]);
  });

  it("are left alone where they may have come with other messages, and given back twice without harm", () => {
    const together = Buffer.alloc(65_536, 7);
    freeOwn(together.subarray(100, 200));
    expect(together[0]).toBe(7);
    const own = Buffer.alloc(65_537, 7);
    const [one, other] = [own.subarray(0, 10), own.subarray(10)];
    freeOwn(one);
    freeOwn(other);
    expect([one.length, other.length]).toEqual([0, 0]);
  });
});
