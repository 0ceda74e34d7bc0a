/** What is asked of V8 must be known to it, and must not make buffers count against the heap's own limit. */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";

const MODULE = resolve(import.meta.dirname, "..", "..", "runtime", "buffer-memory.ts");

describe("a process that collects buffers with its heap", () => {
  it("may hold more of them than its heap may grow to, and is told nothing of unknown flags", () => {
    const program = `
      import { collectBuffersWithHeap } from ${JSON.stringify(MODULE)};
      collectBuffersWithHeap();
      const kept = Array.from({ length: 256 }, () => Buffer.alloc(1 << 20, 1));
      for (let i = 0; i < 1024; i++) Buffer.alloc(1 << 20, 1);
      process.stdout.write(String(kept.reduce((sum, buffer) => sum + buffer.length, 0)));`;
    const flags = ["--max-old-space-size=64", "--input-type=module", "-e", program];
    const { status, stdout, stderr } = spawnSync(process.execPath, flags, { encoding: "utf8" });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "268435456", stderr: "" });
  });
});
