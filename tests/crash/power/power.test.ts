import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { seededRandom } from "../../../runtime/random.ts";
import { FAULT_KINDS, planFaults } from "../plan-faults.ts";
import { cutPower } from "./cut-power.ts";
import { durableState } from "./fsync-log.ts";

const root = mkdtempSync(join(tmpdir(), "driftmend-power-"));
afterEach(() => {
  for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
});

describe("what processes made durable", () => {
  it("follows files through renames of folders, and forgets renames whose folder was fsynced", () => {
    const log = [
      "S 10 /t/tmp_a/data.bin",
      "S 3 /t/tmp_a/inner/x",
      "D /t/tmp_a",
      "R /t/tmp_a/\t/t/a/",
      "S 12 /t/a/data.bin",
      "R /t/b.tmp\t/t/b",
      "D /t",
      "R /t/a\t/t/merged",
    ].join("\n");
    const { sizes, undoable } = durableState(log);
    expect(Object.fromEntries(sizes)).toEqual({ "/t/merged/data.bin": 12, "/t/merged/inner/x": 3 });
    expect(undoable).toEqual([{ from: "/t/a", to: "/t/merged" }]);
  });
});

describe("a power cut", () => {
  it("never takes what was fsynced, and takes what was not, in every way, over seeds", () => {
    const ways = new Set<string>();
    for (let seed = 1; seed <= 200; seed++) {
      const folder = join(root, String(seed));
      mkdirSync(folder);
      const synced = join(folder, "synced");
      const loose = join(folder, "loose");
      writeFileSync(synced, "0123456789");
      writeFileSync(loose, "0123456789");
      const log = join(root, "log");
      writeFileSync(log, `S 6 ${synced}\nR ${folder}/before\t${synced}\n`);
      const options = { random: seededRandom(seed), settledBeforeMs: 0 };
      const cut = cutPower(folder, log, options);
      const now = cut.renamesUndone > 0 ? join(folder, "before") : synced;
      expect(readFileSync(now, "utf8").slice(0, 6)).toBe("012345");
      const left = readdirSync(folder).includes("loose") ? readFileSync(loose, "utf8") : null;
      ways.add(
        left === null
          ? "gone"
          : left === "0123456789"
            ? "whole"
            : left.includes("\0")
              ? "zeros"
              : "short",
      );
      ways.add(cut.renamesUndone > 0 ? "undone" : "kept");
    }
    expect([...ways].toSorted()).toEqual(["gone", "kept", "short", "undone", "whole", "zeros"]);
  });
});

describe("a plan of faults", () => {
  it("is the same for the same seed, in order, and of the kinds that were asked for", () => {
    fc.assert(
      fc.property(fc.nat(), fc.subarray([...FAULT_KINDS], { minLength: 1 }), (seed, kinds) => {
        const plan = planFaults(seededRandom(seed), 60_000, kinds);
        expect(planFaults(seededRandom(seed), 60_000, kinds)).toEqual(plan);
        expect(plan.length).toBeGreaterThan(20);
        for (const [i, { atMs, fault }] of plan.entries()) {
          expect(atMs).toBeGreaterThan(plan[i - 1]?.atMs ?? 0);
          expect(kinds).toContain(fault.kind);
        }
      }),
    );
  });
});
