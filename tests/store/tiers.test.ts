import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Retention } from "../../store/retention.ts";

it("moves old parts to the cold volume of a storage policy, and keeps what retention says", () => {
  const folder = mkdtempSync(join(tmpdir(), "driftmend-tiers-"));
  try {
    // One engine in a process: the test's own must stay free of it.
    const child = join(import.meta.dirname, "children/tiers.ts");
    const answer: unknown = JSON.parse(
      execFileSync(process.execPath, [child, folder], { encoding: "utf8" }),
    );
    expect(answer).toEqual({
      parts: [
        { age: 0, disk: "default" },
        { age: 40, disk: "cold" },
      ],
      read: Retention.parse({ predictions: 60 }),
      isSame: true,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
